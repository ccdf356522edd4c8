-- Exchange rates with the days that each serves: until the next rate. How old one may be, each program says (semantics 3).
select
    from_currency,
    to_currency,
    rate_date as valid_from,
    coalesce({{ add_days('lead(rate_date) over (partition by from_currency, to_currency order by rate_date)', -1) }}, {{ last_day() }}) as valid_to,
    rate
from (
    select
        *,
        row_number() over (partition by from_currency, to_currency, rate_date order by file_sequence desc, row_number desc) as version_rank
    from {{ ref('stg_fx_rate') }}
) as versions
where version_rank = 1
