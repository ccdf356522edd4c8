-- Tiers and payouts. Whole numbers, so that nothing is rounded before the payout: money and pieces in millionths (two
-- places of an amount, four of a rate of exchange), rates in ten-thousandths, so rate times part is in 10^-10.
create temp table measured as
with sums as (
    select
        p.program_key,
        s.participant_id,
        '2017-Q' || s.quarter as period_id,
        coalesce(sum(s.amount) filter (c.scope_key = p.target_scope), 0) as target_amount,
        coalesce(sum(s.quantity) filter (c.scope_key = p.target_scope), 0) as target_quantity,
        coalesce(sum(s.amount) filter (c.scope_key = p.earning_scope), 0) as earning_amount,
        coalesce(sum(s.quantity) filter (c.scope_key = p.earning_scope), 0) as earning_quantity
    from summed as s
    join scope as c on s.scope = c.scope
    join program as p on c.program_key = p.program_key
    group by all
)
select
    s.program_key,
    s.participant_id,
    s.period_id,
    p.boundary,
    p.method,
    p.lump_sum,
    cast(p.increment * 1000000 as hugeint) as increment,
    cast(trunc(p.participant_cap * 100) as hugeint) as cap,
    p.basis in ('growth', 'attainment') as is_ratio,
    p.growth_payout = 'marginal_growth' as is_marginal,
    cast(f.figure * 1000000 as hugeint) as figure,
    cast(case p.basis when 'quantity' then s.target_quantity else s.target_amount end * 1000000 as hugeint) as basis,
    cast(greatest(case
        when p.basis = 'growth' and p.growth_payout = 'on_growth' then s.target_amount - f.figure
        when p.rate_kind = 'per_unit' then s.earning_quantity
        else s.earning_amount
    end, 0) * 1000000 as hugeint) as base
from sums as s
join program as p on s.program_key = p.program_key
left join read_parquet(getvariable('data') || '/programs/program_figure.parquet') as f
    on f.measure_key = p.basis_measure
    and f.participant_id = s.participant_id
    and f.period_id = s.period_id;

create temp table reached as
with tiers as (
    select
        t.program_key,
        t.tier_number,
        cast(t.threshold * 1000000 as hugeint) as threshold,
        cast(t.next_threshold * 1000000 as hugeint) as next_threshold,
        cast(coalesce(t.rate, 0) * 10000 as hugeint) as rate,
        cast(coalesce(n.rate, 0) * 10000 as hugeint) as next_rate,
        cast(coalesce(t.flat_amount, 0) * 10000 as hugeint) * 1000000 as flat
    from read_parquet(getvariable('data') || '/programs/program_tier.parquet') as t
    left join read_parquet(getvariable('data') || '/programs/program_tier.parquet') as n
        on t.program_key = n.program_key and t.tier_number + 1 = n.tier_number
),
placed as (
    -- thresholds of growth and attainment are percent of the figure
    select
        m.*,
        t.tier_number,
        t.rate,
        t.next_rate,
        t.flat,
        case when m.is_ratio then t.threshold * m.figure // 100000000 else t.threshold end as threshold,
        case when m.is_ratio then t.next_threshold * m.figure // 100000000 else t.next_threshold end as next_threshold
    from measured as m
    join tiers as t on m.program_key = t.program_key
)
select *, row_number() over (partition by program_key, participant_id, period_id order by tier_number desc) = 1 as is_highest
from placed
where basis > 0 and case boundary when 'exclusive' then basis > threshold else basis >= threshold end;

create temp table paid as
with parts as (
    select
        *,
        least(basis, coalesce(next_threshold, basis)) as upto,
        -- what is not in money of the payout base itself goes with base / basis
        method in ('incremental', 'rolling', 'linear', 'whole_increment') and not is_marginal as in_proportion
    from reached
),
exact as (
    -- a payout is numerator / denominator cents
    select
        program_key,
        participant_id,
        period_id,
        max(basis) as basis,
        max(base) as base,
        max(cap) as cap,
        bool_or(in_proportion) as in_proportion,
        max(case when method = 'linear' and is_highest and next_threshold is not null then next_threshold - threshold else 1 end) as stretch,
        sum(case method
            when 'retrospective' then case when is_highest then rate * base else 0 end
            when 'total' then rate * base
            when 'incremental' then rate * (upto - threshold)
            when 'rolling' then rate * upto
            when 'whole_increment' then case when is_highest then rate * ((basis - threshold) // increment * increment) else 0 end
            when 'linear' then case
                when not is_highest then 0
                when next_threshold is null then rate * basis
                else rate * threshold * (next_threshold - threshold)
                    + (basis - threshold) * (next_rate * next_threshold - rate * threshold)
            end
            else 0
        end) as weighted,
        sum(case
            when method = 'retrospective' and is_highest then flat
            when method in ('incremental', 'total') then flat
            when method = 'lump_sum' and (lump_sum = 'each' or is_highest) then flat
            else 0
        end) as flat
    from parts
    group by all
),
fractions as (
    select
        *,
        -- linear pays on its own basis: base = basis
        case when in_proportion and stretch = 1 then weighted * base + flat * basis else weighted + flat * stretch end as numerator,
        case when in_proportion and stretch = 1 then basis else stretch end * 100000000 as denominator
    from exact
)
select
    program_key,
    participant_id,
    period_id,
    case when numerator < 0 then -1 else 1 end * ((2 * abs(numerator) + denominator) // (2 * denominator)) as uncapped,
    least(uncapped, cap) as cents
from fractions;

copy (
    select
        m.program_key,
        m.participant_id,
        m.period_id,
        cast(cast(coalesce(p.cents, 0) as decimal(18, 0)) * 0.01 as decimal(18, 4)) as payout
    from measured as m
    left join paid as p on m.program_key = p.program_key and m.participant_id = p.participant_id and m.period_id = p.period_id
    order by 1, 2, 3
) to (getvariable('result')) (format parquet);
