-- Lines that earn and accrue, and are not settled before their release: held by validation, or by the comparison of stock.
with by_stock as (
    select l.line_key, l.file_sequence, l.row_number, l.verdict, l.rules_failed
    from {{ ref('int_line') }} as l
    inner join {{ ref('int_channel_stock') }} as s
        on l.distributor_id = s.distributor_id
        and l.product_id = s.product_id
        and l.month_id = s.month_id
    where l.stream = 'sell_through' and s.is_held
)

select
    line_key,
    file_sequence,
    row_number,
    case when verdict = 'held' then rules_failed || ';' else '' end || 'channel_stock' as rules_failed,
    verdict <> 'held' as is_held_by_stock_alone
from by_stock
union all
select
    l.line_key,
    l.file_sequence,
    l.row_number,
    l.rules_failed,
    false
from {{ ref('int_line') }} as l
left join by_stock as s on l.line_key = s.line_key
where l.verdict = 'held' and s.line_key is null
