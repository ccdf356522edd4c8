{#-
  Exact arithmetic. Money and quantities are decimals with 12 places (`measure`), sums of products
  are whole numbers of up to 38 digits (`whole`): nothing is ever a binary float, and an overflow is an
  error, not a wrong figure. Engine differences are dispatched.
-#}

{#- Type of amounts and quantities inside the calculation: 26 digits before the point, 12 after. -#}
{% macro measure() %}decimal(38, 12){% endmacro %}

{#- Type of money that leaves the calculation. -#}
{% macro money() %}decimal(18, 4){% endmacro %}

{#- The type of texts of any length. -#}
{% macro text() %}{{ return(adapter.dispatch('text', 'rebates')()) }}{% endmacro %}
{% macro duckdb__text() %}varchar{% endmacro %}
{% macro default__text() %}string{% endmacro %}

{#- A measure as people write it: without zeros at its end. -#}
{% macro plain_number(expression) -%}
trim(trailing '.' from trim(trailing '0' from cast(cast({{ expression }} as {{ measure() }}) as {{ text() }})))
{%- endmacro %}

{#- A whole number of up to 38 digits. -#}
{% macro whole(expression) %}{{ return(adapter.dispatch('whole', 'rebates')(expression)) }}{% endmacro %}
{% macro duckdb__whole(expression) %}cast({{ expression }} as hugeint){% endmacro %}
{% macro default__whole(expression) %}cast({{ expression }} as decimal(38, 0)){% endmacro %}

{#- The type of whole numbers. -#}
{% macro whole_type() %}{{ return(adapter.dispatch('whole_type', 'rebates')()) }}{% endmacro %}
{% macro duckdb__whole_type() %}hugeint{% endmacro %}
{% macro default__whole_type() %}decimal(38, 0){% endmacro %}

{#- Ten to the power of a whole-number expression between 0 and 38, as a whole number. -#}
{% macro power_of_ten(expression) %}{{ return(adapter.dispatch('power_of_ten', 'rebates')(expression)) }}{% endmacro %}
{% macro duckdb__power_of_ten(expression) %}cast(rpad('1', cast(1 + {{ expression }} as integer), '0') as hugeint){% endmacro %}
{% macro default__power_of_ten(expression) %}cast(rpad('1', cast(1 + {{ expression }} as integer), '0') as decimal(38, 0)){% endmacro %}

{#- A measure as a whole number of 10^-places units. Exact: the value must have no more places. -#}
{% macro scaled(expression, places=12) %}{{ whole('cast(' ~ expression ~ ' as decimal(38, 12)) * cast(' ~ (10 ** places) ~ ' as decimal(' ~ (places + 1) ~ ', 0))') }}{% endmacro %}

{#- A whole number of 10^-12 units as a measure. -#}
{% macro unscaled(expression) -%}
cast(cast({{ quotient(expression, 1000000) }} as decimal(38, 6)) * cast(0.000001 as decimal(7, 6)) as {{ measure() }})
    + cast(cast({{ expression }} % 1000000 as decimal(18, 12)) * cast(0.000000000001 as decimal(13, 12)) as {{ measure() }})
{%- endmacro %}

{#- Whole quotient, cut towards zero, of two whole numbers. The divisor must not be zero. -#}
{% macro quotient(dividend, divisor) %}{{ return(adapter.dispatch('quotient', 'rebates')(dividend, divisor)) }}{% endmacro %}
{% macro duckdb__quotient(dividend, divisor) %}(({{ dividend }}) // nullif({{ divisor }}, 0)){% endmacro %}
{#- Spark's `div` gives 64 bits; what is left without the remainder divides evenly, so nothing is rounded. -#}
{% macro default__quotient(dividend, divisor) -%}
cast(
    (cast({{ dividend }} as decimal(38, 0)) - cast({{ dividend }} as decimal(38, 0)) % nullif(cast({{ divisor }} as decimal(38, 0)), 0))
    / nullif(cast({{ divisor }} as decimal(38, 0)), 0) as decimal(38, 0))
{%- endmacro %}

{#- Whole quotient, rounded down (also below zero). The divisor must be above zero. -#}
{% macro floor_quotient(dividend, divisor) -%}
({{ quotient(dividend, divisor) }} - case when ({{ dividend }}) % nullif({{ divisor }}, 0) < 0 then 1 else 0 end)
{%- endmacro %}

{#-
  A whole number within one of the quotient rounded down, for who corrects it by the rest. Division of 128-bit numbers is
  slow; where the quotient is below 10^15 a binary estimate cannot be off by more.
-#}
{% macro near_quotient(dividend, divisor) %}{{ return(adapter.dispatch('near_quotient', 'rebates')(dividend, divisor)) }}{% endmacro %}
{% macro duckdb__near_quotient(dividend, divisor) -%}
case
                when abs(cast({{ dividend }} as double) / cast({{ divisor }} as double)) < 1e15
                    then cast(floor(cast({{ dividend }} as double) / cast({{ divisor }} as double)) as hugeint)
                else {{ floor_quotient(dividend, divisor) }}
            end
{%- endmacro %}
{% macro default__near_quotient(dividend, divisor) %}{{ floor_quotient(dividend, divisor) }}{% endmacro %}

{#- Whole quotient, rounded half away from zero (semantics 9). The divisor must be above zero. -#}
{% macro rounded_quotient(dividend, divisor) -%}
(case when ({{ dividend }}) < 0 then -1 else 1 end
    * ({{ quotient('abs(' ~ dividend ~ ')', divisor) }}
       + case when 2 * (abs({{ dividend }}) % nullif({{ divisor }}, 0)) >= {{ divisor }} then 1 else 0 end))
{%- endmacro %}

{#- Minor units (cents) as money. -#}
{% macro minor_to_money(expression, minor_unit) -%}
cast(cast({{ expression }} as decimal(18, 0)) * cast(case {{ minor_unit }} when 0 then 1 when 1 then 0.1 when 2 then 0.01 when 3 then 0.001 when 4 then 0.0001 end as decimal(5, 4)) as decimal(18, 4))
{%- endmacro %}

{#-
  floor(weight * numerator / denominator) where the product may have more than 38 digits: long division, three
  decimal digits of the numerator at a time. All three are whole numbers, weight and numerator not negative, the
  denominator above zero. A query over `relation`, in parentheses (the body of a CTE), with the columns `keys` and `result`.
-#}
{% macro multiply_divide(relation, keys, weight, numerator, denominator, result) -%}
{%- set key_list = keys | join(', ') -%}
{%- set groups = 12 -%}
(
    select {{ key_list }}, md_quotient as {{ result }}
    from
        {% for step in range(groups + 1) -%}
        (
        select
            {{ key_list }}, md_weight, md_numerator, md_denominator,
            md_quotient * 1000 + {{ quotient('md_remainder * 1000 + md_weight * ' ~ _digits('md_numerator', step), 'md_denominator') }} as md_quotient,
            (md_remainder * 1000 + md_weight * {{ _digits('md_numerator', step) }}) % md_denominator as md_remainder
        from
        {% endfor -%}
        (
            select
                {{ key_list }},
                {{ weight }} as md_weight,
                {{ numerator }} as md_numerator,
                {{ denominator }} as md_denominator,
                {{ whole(0) }} as md_quotient,
                {{ whole(0) }} as md_remainder
            from {{ relation }}
        ) as md_start
        {% for step in range(groups + 1) -%}
        ) as md_step_{{ groups - step }}
        {% endfor %}
)
{%- endmacro %}

{#- The three decimal digits of a whole number that stand `group` groups from the right. -#}
{% macro _digits(expression, group) -%}
({{ quotient(expression, whole("'" ~ '1' ~ '000' * group ~ "'")) }} % 1000)
{%- endmacro %}

{#-
  Shares `total` (whole minor units, constant within `partition`) over rows in proportion to `weight` (whole numbers) by largest
  remainder, ties by `order` (semantics 9): the parts add up to the total exactly. Weights that add up to zero count as
  one each. A query over `relation`, in parentheses (the body of a CTE), with the columns `keep` and `result`.
-#}
{% macro share_by_largest_remainder(relation, keep, partition, order, total, weight, result) -%}
{%- set keep_list = keep | join(', ') -%}
{%- set window = 'partition by ' ~ (partition | join(', ')) -%}
(
    select
        {{ keep_list }},
        lr_floor + case
            when row_number() over ({{ window }} order by lr_remainder desc, {{ order | join(', ') }})
                <= lr_total - sum(lr_floor) over ({{ window }})
            then 1 else 0
        end as {{ result }}
    from (
        select
            *,
            lr_guess + case when lr_rest < 0 then -1 when lr_rest >= lr_weights then 1 else 0 end as lr_floor,
            lr_rest + case when lr_rest < 0 then lr_weights when lr_rest >= lr_weights then -lr_weights else {{ whole(0) }} end as lr_remainder
        from (
        select *, lr_product - lr_guess * lr_weights as lr_rest
        from (
        select *, {{ near_quotient('lr_product', 'lr_weights') }} as lr_guess
        from (
        select *, lr_total * lr_weight as lr_product
        from (
            select
                *,
                case
                    when lr_sum = 0 then {{ whole(1) }}
                    when lr_sum < 0 then -lr_own
                    else lr_own
                end as lr_weight,
                case when lr_sum = 0 then {{ whole('lr_count') }} else abs(lr_sum) end as lr_weights
            from (
                select
                    *,
                    {{ whole(total) }} as lr_total,
                    {{ weight }} as lr_own,
                    sum({{ weight }}) over ({{ window }}) as lr_sum,
                    count(*) over ({{ window }}) as lr_count
                from {{ relation }}
            ) as lr_summed
        ) as lr_weighted
        ) as lr_multiplied
        ) as lr_guessed
        ) as lr_rested
    ) as lr_floored
)
{%- endmacro %}
