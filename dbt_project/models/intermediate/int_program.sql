-- Program versions that are calculated: approved, and of a kind that the models know.
select
    p.program_key,
    p.program_id,
    p.version,
    p.name,
    p.currency,
    c.minor_unit,
    p.legal_entity,
    p.valid_from,
    p.valid_to,
    p.measurement,
    p.participant_role,
    p.aggregate,
    p.enrolment,
    p.earning_scope,
    p.target_scope,
    p.basis,
    p.growth_payout,
    p.boundary,
    p.method,
    p.rate_kind,
    p.lump_sum,
    p.increment,
    p.participant_cap,
    p.settlement_lag_days,
    p.minimum_payment,
    p.instrument
from {{ ref('stg_program') }} as p
inner join {{ ref('currency') }} as c on p.currency = c.currency
where p.calculated
