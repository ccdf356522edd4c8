{#- Who reports a line: whom the source's mapping names (`agreed`: alias of stg_source), `direct` for our own invoices, else whom the line names. -#}
{% macro reporting_partner(line, agreed) -%}
coalesce(
            {{ agreed }}.partner_id,
            case when {{ line }}.stream = 'sell_in' then 'direct' end,
            {{ line }}.distributor_id,
            {{ line }}.reseller_id,
            'unknown'
        )
{%- endmacro %}

{#- Columns of a line that a source may have agreed to fill, as the contract has them, joined by commas; an end customer counts as filled where it is identified. -#}
{% macro line_fields() -%}
stream,document_number,line_number,document_type,document_date,reference_document_number,record_intent,sold_to_id,ship_to_id,distributor_id,reseller_id,end_customer_id,end_customer_name,product_id,quantity,unit,net_amount,currency,authorization_number,sales_rep_id,region
{%- endmacro %}

{#- Hundredths of a percent, half away from zero; null where the divisor is zero. -#}
{% macro hundredths_of_percent(dividend, divisor) -%}
case when {{ divisor }} > 0 then {{ rounded_quotient(whole('10000 * (' ~ dividend ~ ')'), whole(divisor)) }} end
{%- endmacro %}

{#- A score from its hundredths. -#}
{% macro score_of(hundredths) -%}
cast({{ minor_to_money(hundredths, 2) }} as decimal(5, 2))
{%- endmacro %}
