-- Each gate of each payout: what is, what is required, and whether it holds (semantics 6), compared exactly.
with compared as (
    select
        *,
        case when is_ratio then {{ scaled('compared_actual') }} * 1000000 else {{ scaled('compared_actual') }} end as actual_scaled,
        case
            when not is_ratio then {{ scaled('required') }}
            when compared_figure > 0 then {{ scaled('required', 4) }} * {{ scaled('compared_figure') }}
        end as required_scaled
    from {{ ref('int_measure') }}
    where gate_number > 0
)

select
    payout_id,
    gate_number,
    program_key,
    name,
    kind,
    operator,
    required,
    value as actual,
    coalesce(
        case operator
            when '>=' then actual_scaled >= required_scaled
            when '>' then actual_scaled > required_scaled
            when '<=' then actual_scaled <= required_scaled
            when '<' then actual_scaled < required_scaled
            when '=' then actual_scaled = required_scaled
        end,
        false
    ) as holds
from compared
