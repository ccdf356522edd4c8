-- Every reached tier of every payout, and what it is applied to: the one place that knows the tier methods
-- (semantics 5). A new method is one more branch of `part` (and of `weighted_part` where it is not rate times part).
-- `weighted_part` is rate * part in whole numbers; the money is weighted_part / 10^exponent, times payout base /
-- basis where `in_proportion`.
with tiers as (
    select
        t.program_key,
        t.tier_number,
        t.rate,
        t.flat_amount,
        p.is_ratio,
        p.method,
        p.lump_sum,
        p.accrual_method = 'most_likely' as is_by_likely_tier,
        p.basis = 'growth' and p.growth_payout = 'marginal_growth' as is_marginal_growth,
        {{ scaled('coalesce(p.increment, 0)') }} as increment_scaled,
        {{ scaled('coalesce(t.rate, 0)', 8) }} as rate_scaled,
        {{ scaled('coalesce(n.rate, 0)', 8) }} as next_rate_scaled,
        {%- for tier in ['t', 'n'] %}
        case
            when p.is_ratio then {{ scaled(tier ~ '.threshold', 4) }}
            else {{ scaled(tier ~ '.threshold') }}
        end as {{ 'factor' if tier == 't' else 'next_factor' }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ ref('stg_program_tier') }} as t
    inner join {{ ref('int_program') }} as p on t.program_key = p.program_key
    left join {{ ref('stg_program_tier') }} as n
        on t.program_key = n.program_key
        and n.tier_number = t.tier_number + 1
),

steps as (
    select
        s.payout_id,
        s.scenario,
        s.program_key,
        t.tier_number,
        t.tier_number = s.tier_number as is_highest,
        t.rate,
        t.flat_amount,
        s.basis_scaled,
        s.base_scaled,
        s.figure_scaled,
        -- most_likely: the single tier that the forecast reaches, on the whole payout base
        case when t.is_by_likely_tier and s.scenario = 'forecast' and t.method <> 'lump_sum' then 'retrospective' else t.method end as method,
        case when t.is_by_likely_tier and s.scenario = 'forecast' then 'highest' else t.lump_sum end as lump_sum,
        t.is_marginal_growth and not (coalesce(t.is_by_likely_tier, false) and s.scenario = 'forecast') as is_marginal_growth,
        t.increment_scaled,
        t.rate_scaled,
        t.next_rate_scaled,
        case when t.is_ratio then t.factor * s.figure_scaled else t.factor end as threshold_scaled,
        case when t.is_ratio then t.next_factor * s.figure_scaled else t.next_factor end as next_threshold_scaled
    from {{ ref('int_tier_scenario') }} as s
    inner join tiers as t
        on s.program_key = t.program_key
        and t.tier_number <= s.tier_number
),

-- linear: the payout runs straight from (f, r f) to (f', r' f'); rising and falling stretches apart, because whole
-- quotients are cut towards zero and a falling one has to be rounded up to be subtracted
stretches as (
    select
        payout_id,
        scenario,
        tier_number,
        rate_scaled * threshold_scaled as start_weighted,
        next_rate_scaled * next_threshold_scaled - rate_scaled * threshold_scaled as rise,
        basis_scaled - threshold_scaled as covered,
        next_threshold_scaled - threshold_scaled as stretch
    from steps
    where method = 'linear' and is_highest and next_threshold_scaled is not null
),

rising as (select * from stretches where rise >= 0),

falling as (select payout_id, scenario, tier_number, -rise as fall, stretch - covered as uncovered, stretch from stretches where rise < 0),

risen as {{ multiply_divide('rising', ['payout_id', 'scenario', 'tier_number'], 'rise', 'covered', 'stretch', 'gained') }},

fallen as {{ multiply_divide('falling', ['payout_id', 'scenario', 'tier_number'], 'fall', 'uncovered', 'stretch', 'kept') }},

parts as (
    select
        s.*,
        case
            when s.is_marginal_growth then least(s.basis_scaled, coalesce(s.next_threshold_scaled, s.basis_scaled)) - s.threshold_scaled
            when s.method = 'retrospective' then case when s.is_highest then s.base_scaled else {{ whole(0) }} end
            when s.method = 'total' then s.base_scaled
            when s.method = 'incremental' then least(s.basis_scaled, coalesce(s.next_threshold_scaled, s.basis_scaled)) - s.threshold_scaled
            when s.method = 'rolling' then least(s.basis_scaled, coalesce(s.next_threshold_scaled, s.basis_scaled))
            when s.method = 'linear' then case when s.is_highest then s.basis_scaled else {{ whole(0) }} end
            when s.method = 'whole_increment' then
                case
                    when s.is_highest then {{ quotient('s.basis_scaled - s.threshold_scaled', 's.increment_scaled') }} * s.increment_scaled
                    else {{ whole(0) }}
                end
            when s.method = 'lump_sum' then {{ whole(0) }}
        end as part,
        case
            when s.method = 'retrospective' then 0
            when s.method = 'lump_sum' then 0
            when s.method = 'total' then 0
            when s.is_marginal_growth then 0
            else 1
        end as in_proportion,
        case
            when s.method = 'retrospective' and s.is_highest then s.flat_amount
            when s.method in ('incremental', 'total') then s.flat_amount
            when s.method = 'lump_sum' and (s.lump_sum = 'each' or s.is_highest) then s.flat_amount
        end as applied_flat
    from steps as s
)

select
    p.payout_id,
    p.scenario,
    p.program_key,
    p.tier_number,
    p.is_highest,
    p.rate,
    p.basis_scaled,
    p.base_scaled,
    p.threshold_scaled,
    p.figure_scaled,
    least(p.basis_scaled, coalesce(p.next_threshold_scaled, p.basis_scaled)) - p.threshold_scaled as basis_part_scaled,
    p.part,
    p.in_proportion = 1 as in_proportion,
    case when p.is_marginal_growth then 26 else 20 end as exponent,
    case
        when p.method = 'linear' and p.is_highest and p.next_threshold_scaled is not null and not p.is_marginal_growth
            then coalesce(
                t.start_weighted + r.gained,
                p.next_rate_scaled * p.next_threshold_scaled + f.kept
            )
        else p.rate_scaled * p.part
    end as weighted_part,
    coalesce(p.applied_flat, cast(0 as {{ money() }})) as flat_amount
from parts as p
left join stretches as t
    on p.payout_id = t.payout_id and p.scenario = t.scenario and p.tier_number = t.tier_number
left join risen as r
    on p.payout_id = r.payout_id and p.scenario = r.scenario and p.tier_number = r.tier_number
left join fallen as f
    on p.payout_id = f.payout_id and p.scenario = f.scenario and p.tier_number = f.tier_number
