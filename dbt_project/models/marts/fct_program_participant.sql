-- Grain: one partner that a calculated program version admits, while nothing about it changes.
select
    program_key,
    partner_id,
    participant_id,
    group_id,
    channel,
    region,
    valid_from,
    valid_to
from {{ ref('int_program_participant') }}
