-- What is in the books has a program document: without one its liability can be neither kept up nor paid. Looked at before
-- anything is posted.
select
    o.program_key,
    sum(o.accrued) as accrued,
    sum(o.settled) as settled
from {{ ref('int_posted') }} as o
left join {{ ref('stg_program') }} as p on o.program_key = p.program_key
where p.program_key is null
group by o.program_key
