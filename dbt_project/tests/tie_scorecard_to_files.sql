-- Every row of a file of lines counts in one partner's month of the scorecard, once.
with counted as (
    select file_sequence, sum(rows_in) as rows_in
    from {{ ref('int_report_part') }}
    group by file_sequence
)

select
    f.file_sequence,
    f.file_name,
    f.rows_in,
    c.rows_in as rows_counted
from {{ ref('rpt_file') }} as f
left join counted as c on f.file_sequence = c.file_sequence
where f.entity = 'line' and f.rows_in <> coalesce(c.rows_in, 0)
