{#- Which limit of a scope, or profile, a line breaks; null: none. `row`: alias of what has amount, base_quantity and the limits. -#}
{% macro broken_limit(row) -%}
case
            when abs({{ row }}.amount) < {{ row }}.min_price * abs({{ row }}.base_quantity) then 'price_limit'
            when abs({{ row }}.amount) > {{ row }}.max_price * abs({{ row }}.base_quantity) then 'price_limit'
            when abs({{ row }}.base_quantity) < {{ row }}.min_quantity then 'quantity_limit'
            when abs({{ row }}.base_quantity) > {{ row }}.max_quantity then 'quantity_limit'
            when abs({{ row }}.amount) < {{ row }}.min_amount then 'amount_limit'
            when abs({{ row }}.amount) > {{ row }}.max_amount then 'amount_limit'
        end
{%- endmacro %}

{#-
  Which rule of a scope on document type, channel or region a line breaks; null: none. `scope`: alias of int_scope; the others
  are expressions.
-#}
{% macro broken_rule(scope, document_type, channel, region) -%}
case
            when not coalesce({{ one_of(document_type, scope ~ '.include_document_type') }}, true) then 'document_type'
            when coalesce({{ one_of(document_type, scope ~ '.exclude_document_type') }}, false) then 'document_type'
            when not coalesce({{ one_of(channel, scope ~ '.include_channel') }}, true) then 'channel'
            when coalesce({{ one_of(channel, scope ~ '.exclude_channel') }}, false) then 'channel'
            when {{ scope }}.include_region is not null and not coalesce({{ one_of(region, scope ~ '.include_region') }}, false) then 'region'
            when coalesce({{ one_of(region, scope ~ '.exclude_region') }}, false) then 'region'
        end
{%- endmacro %}

{#- The columns of int_single_line and int_scope_candidate, separated by commas. -#}
{% macro candidate_columns() -%}
scope_key,line_key,line_use,program_key,participant_id,member_id,group_id,period_id,fiscal_month_id,stream,source,file_sequence,row_number,document_number,document_date,effective_date,sold_to_id,ship_to_id,distributor_id,reseller_id,end_customer_id,product_id,authorization_number,net_amount,amount,base_quantity,fx_rate,double_counting,is_judged_by_line,is_stacked_by_line,stacking_group,stacking_rank,carries_payout,is_counted,is_shared,excluded_reason
{%- endmacro %}

{#- The measurement period, from the periods of a day. -#}
{% macro period_of(measurement, day) -%}
case {{ measurement }}
        when 'month' then {{ day }}.month_id
        when 'quarter' then {{ day }}.quarter_id
        when 'half_year' then {{ day }}.half_year_id
        when 'year' then {{ day }}.year_id
        when 'program' then 'program'
    end
{%- endmacro %}
