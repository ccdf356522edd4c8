{#- Whom a payee role means on a line, else its fallback, else nobody (''). `payee`: alias of stg_program_payee, `line`: of int_scope_line. -#}
{% macro payee_of(payee, line) -%}
coalesce(
        case {{ payee }}.role
            when 'participant' then {{ line }}.member_id
            when 'sold_to' then {{ line }}.sold_to_id
            when 'ship_to' then {{ line }}.ship_to_id
            when 'distributor' then {{ line }}.distributor_id
            when 'reseller' then {{ line }}.reseller_id
            when 'group_head' then {{ line }}.group_id
            when 'end_customer' then {{ line }}.end_customer_id
        end,
        {{ payee }}.fallback_partner_id,
        ''
    )
{%- endmacro %}
