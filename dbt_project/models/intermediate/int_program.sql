-- Program versions that are calculated: approved, and of a kind that the models know.
with scopes as (
    select program_key, max(case when stream = 'both' then 1 else 0 end) as reads_both
    from {{ ref('stg_program_scope') }}
    group by 1
)

select
    p.program_key,
    p.program_id,
    p.version,
    p.name,
    p.kind,
    p.currency,
    c.minor_unit,
    p.legal_entity,
    p.valid_from,
    p.valid_to,
    p.measurement,
    p.calendar,
    p.participant_role,
    p.aggregate,
    p.enrolment,
    p.earning_scope,
    p.target_scope,
    p.basis,
    p.basis in ('growth', 'attainment', 'share') as is_ratio,
    p.cumulation,
    p.growth_payout,
    p.boundary,
    p.method,
    p.rate_kind,
    p.lump_sum,
    p.increment,
    p.participant_cap,
    p.participant_floor,
    p.program_cap,
    p.program_floor,
    p.budget,
    p.stacking_group,
    p.stacking_rule,
    p.stacking_rank,
    p.reduced_by_earlier,
    p.reduces_later,
    p.net_of_wave,
    p.fx_max_age_days,
    p.fund_expires_on,
    p.price_method,
    -- whether single lines may leave, or change their amount, beyond what the scope says (int_scope_judged, int_scope_line)
    p.kind = 'price_difference' or s.reads_both = 1 as is_judged_by_line,
    coalesce(p.stacking_rule in ('priority', 'net_of'), false) as is_stacked_by_line,
    p.accrual_method,
    p.accrual_forecast,
    p.accrual_rate_kind,
    p.accrual_rate,
    p.settlement_lag_days,
    p.minimum_payment,
    p.instrument,
    p.claim_required
from {{ ref('stg_program') }} as p
inner join {{ ref('currency') }} as c on p.currency = c.currency
inner join scopes as s on p.program_key = s.program_key
cross join {{ ref('stg_run_context') }} as x
where
    p.calculated
    -- the passes that find the reductions of net_of need no other programs (transform/net_of.py)
    and (not x.net_of_only or p.stacking_rule = 'net_of')
