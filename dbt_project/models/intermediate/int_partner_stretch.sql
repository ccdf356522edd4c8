-- A partner's days in a profile, cut wherever a program begins or ceases to admit it: within a stretch the same programs admit
-- it and its attributes stand still, so that its lines may be summed. admission_set: stretches that the same programs admit
-- share a number. Days on which no program admits it are left out.
with admissions as (
    select distinct r.profile_number, p.participant_role, p.program_key, p.partner_id, p.group_id, p.channel, p.region, p.valid_from, p.valid_to
    from {{ ref('int_scope_profile') }} as r
    inner join {{ ref('int_program_participant') }} as p on r.program_key = p.program_key
    where r.is_summed
),

turns as (
    select profile_number, participant_role, partner_id, valid_from from admissions
    union
    select profile_number, participant_role, partner_id, {{ add_days('valid_to', 1) }} from admissions where valid_to < {{ last_day() }}
),

stretches as (
    select
        *,
        coalesce({{ add_days('lead(valid_from) over (partition by profile_number, partner_id order by valid_from)', -1) }}, {{ last_day() }}) as valid_to
    from turns
),

admitted as (
    select
        s.profile_number,
        s.participant_role,
        s.partner_id,
        s.valid_from,
        s.valid_to,
        -- an episode's, the same for all programs
        min(a.group_id) as group_id,
        min(a.channel) as channel,
        min(a.region) as region,
        {{ joined('a.program_key', '|', 'a.program_key') }} as programs
    from stretches as s
    inner join admissions as a
        on s.profile_number = a.profile_number
        and s.partner_id = a.partner_id
        and s.valid_from between a.valid_from and a.valid_to
    group by 1, 2, 3, 4, 5
)

select
    row_number() over (order by profile_number, partner_id, valid_from) as stretch_number,
    dense_rank() over (order by profile_number, programs) as admission_set,
    profile_number,
    participant_role,
    partner_id,
    group_id,
    channel,
    region,
    valid_from,
    valid_to
from admitted
