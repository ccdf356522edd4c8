{{ config(tags=['books']) }}

-- Grain: legal entity, currency, program version and accounting month. Ties: a month's closing is the next month's
-- opening, and the sum of postings is the closing (semantics 12).
select
    legal_entity || '|' || currency || '|' || program_key || '|' || accounting_month as rollforward_id,
    legal_entity,
    currency,
    program_id,
    program_key,
    accounting_month,
    {%- for column in ['opening', 'accrued', 'true_ups', 'currency_effect', 'settled', 'written_off', 'closing', 'unposted'] %}
    cast(sum({{ column }}) as {{ money() }}) as {{ column }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from {{ ref('fct_liability') }}
group by legal_entity, currency, program_id, program_key, accounting_month
