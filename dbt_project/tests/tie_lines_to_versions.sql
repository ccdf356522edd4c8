-- Every accepted row of a file either counts as one line or is superseded: nothing is lost, nothing counts twice.
select
    a.accepted_rows,
    l.line_rows,
    s.superseded_rows
from (select count(*) as accepted_rows from {{ ref('stg_line') }}) as a
cross join (select count(*) as line_rows from {{ ref('fct_line') }}) as l
cross join (select count(*) as superseded_rows from {{ ref('rpt_superseded_line') }}) as s
where a.accepted_rows <> l.line_rows + s.superseded_rows
