{{ config(tags=['books']) }}

-- Every batch balances to zero, by legal entity and currency (semantics 10).
select
    batch_number,
    legal_entity,
    currency,
    sum(debit) as debit,
    sum(credit) as credit
from {{ ref('fct_posting') }}
group by batch_number, legal_entity, currency
having sum(debit) <> sum(credit)
