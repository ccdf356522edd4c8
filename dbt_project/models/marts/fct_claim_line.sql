-- Grain: one line of a partner's claim, as the newest file has it; lines that the partner has cancelled are no claims.
with versions as (
    select
        *,
        row_number() over (
            partition by partner_id, claim_number, claim_line_number
            order by file_sequence desc, row_number desc
        ) as version_rank
    from {{ ref('stg_claim') }}
)

select
    claim_number,
    claim_line_number,
    claim_date,
    partner_id,
    program_id,
    period_id,
    document_number,
    line_number,
    product_id,
    quantity,
    unit,
    authorization_number,
    claimed_amount,
    currency,
    end_customer_id,
    claim_reason,
    verdict,
    rules_failed,
    source,
    file_sequence,
    file_hash,
    row_number
from versions
where
    version_rank = 1
    and coalesce(record_intent, 'original') <> 'cancellation'
