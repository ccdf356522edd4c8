-- On one day a program admits a partner once: so a line counts once for each scope, whatever its members' lives.
with admissions as (
    select
        program_key,
        partner_id,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by program_key, partner_id order by valid_from) as following_from
    from {{ ref('int_program_participant') }}
)

select * from admissions
where following_from <= valid_to
