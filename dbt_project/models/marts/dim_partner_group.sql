-- Grain: one partner in one buying group from a day on.
select
    partner_id,
    group_id,
    valid_from,
    valid_to
from {{ ref('int_partner_group') }}
