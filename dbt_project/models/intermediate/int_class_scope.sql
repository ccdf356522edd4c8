-- Which scopes look at a class of products, of the partners of an admission set: what lines, or sums of lines, are joined
-- with. Grain: class, admission set, scope.
with classes as (
    select
        c.class_number,
        c.profile_number,
        r.scope_key,
        r.program_key
    from {{ ref('int_product_class') }} as c
    inner join {{ ref('int_scope_profile') }} as r on c.profile_number = r.profile_number
    inner join {{ ref('int_scope_product') }} as p
        on r.scope_key = p.scope_key
        and c.product_id = p.product_id
    where c.product_id = c.product_class and c.is_summed
),

-- one stretch stands for all of its set
sets as (
    select profile_number, admission_set, min(stretch_number) as stretch_number
    from {{ ref('int_partner_stretch') }}
    group by 1, 2
),

admitted as (
    select distinct s.profile_number, s.admission_set, a.program_key
    from sets as s
    inner join {{ ref('int_partner_stretch') }} as t on s.stretch_number = t.stretch_number
    inner join (select distinct profile_number, program_key from {{ ref('int_scope_profile') }}) as r on t.profile_number = r.profile_number
    inner join {{ ref('int_program_participant') }} as a
        on r.program_key = a.program_key
        and t.partner_id = a.partner_id
        and t.valid_from between a.valid_from and a.valid_to
)

select
    c.class_number,
    a.admission_set,
    c.scope_key,
    c.program_key
from classes as c
inner join admitted as a
    on c.profile_number = a.profile_number
    and c.program_key = a.program_key
