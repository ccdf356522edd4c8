-- Lives of partners, end customers or products cut wherever a membership may change; only of those of which some segment
-- asks what they bought. The others have attributes alone: end customers and products one life, partners int_partner_episode.
with cuts as (
    select distinct entity, entity_id, valid_from
    from {{ ref('int_segment_purchase') }}
    where entity <> 'partner' and (is_turn or valid_from = {{ first_day() }})
)

select
    'partner' as entity,
    partner_id as entity_id,
    valid_from,
    valid_to
from {{ ref('int_partner_episode') }}
where exists (select 1 from {{ ref('int_segment_rule') }} where entity = 'partner' and attribute = 'purchases')
union all
select
    entity,
    entity_id,
    valid_from,
    coalesce({{ add_days('lead(valid_from) over (partition by entity, entity_id order by valid_from)', -1) }}, {{ last_day() }})
from cuts
