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
{% macro scaled(expression, places=12) %}{{ return(adapter.dispatch('scaled', 'rebates')(expression, places)) }}{% endmacro %}
{% macro default__scaled(expression, places) %}{{ whole('cast(' ~ expression ~ ' as decimal(38, 12)) * cast(' ~ (10 ** places) ~ ' as decimal(' ~ (places + 1) ~ ', 0))') }}{% endmacro %}
{#-
  Taking the point away is a 128-bit division, 2 microseconds. A binary estimate misses a value below 10^15 by less than 2^41
  units of 10^-12, and what it misses is small enough to be exact in binary.
-#}
{% macro duckdb__scaled(expression, places) -%}
{%- if places != 12 -%}
{{ rebates.default__scaled(expression, places) }}
{%- else -%}
{%- set measured = 'cast(' ~ expression ~ ' as decimal(38, 12))' -%}
{%- set estimate = 'cast(round(cast(' ~ measured ~ ' as double) * 1e12) as hugeint)' -%}
case
            when abs({{ measured }}) < 1000000000000000
                then {{ estimate }} + cast(round(cast({{ measured }} - {{ rebates.duckdb__unscaled(estimate) }} as double) * 1e12) as hugeint)
            else {{ rebates.default__scaled(expression, 12) }}
        end
{%- endif -%}
{%- endmacro %}

{#- A whole number of 10^-12 units as a measure. -#}
{% macro unscaled(expression) %}{{ return(adapter.dispatch('unscaled', 'rebates')(expression)) }}{% endmacro %}
{% macro duckdb__unscaled(expression) %}cast(cast({{ expression }} as decimal(38, 0)) * cast(0.000000000001 as decimal(13, 12)) as decimal(38, 12)){% endmacro %}
{% macro default__unscaled(expression) -%}
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

{#- Whole quotient of a number not below zero by one above zero: the estimate, corrected. Both are columns (they stand in it often). -#}
{% macro exact_quotient(dividend, divisor) %}{{ return(adapter.dispatch('exact_quotient', 'rebates')(dividend, divisor)) }}{% endmacro %}
{% macro default__exact_quotient(dividend, divisor) %}{{ quotient(dividend, divisor) }}{% endmacro %}
{% macro duckdb__exact_quotient(dividend, divisor) -%}
{%- set estimate = 'cast(floor(cast(' ~ dividend ~ ' as double) / cast(' ~ divisor ~ ' as double)) as hugeint)' -%}
case
            when cast({{ dividend }} as double) / cast({{ divisor }} as double) < 1e15 then {{ estimate }} + case
                when {{ dividend }} - {{ estimate }} * {{ divisor }} < 0 then -1
                when {{ dividend }} - {{ estimate }} * {{ divisor }} >= {{ divisor }} then 1
                else 0
            end
            else {{ quotient(dividend, divisor) }}
        end
{%- endmacro %}

{#-
  Whole quotient, rounded half away from zero (semantics 9). The divisor must be above zero, and twice both within 38 digits.
-#}
{% macro rounded_quotient(dividend, divisor) -%}
(case when ({{ dividend }}) < 0 then -1 else 1 end
    * {{ quotient('2 * abs(' ~ dividend ~ ') + (' ~ divisor ~ ')', '2 * (' ~ divisor ~ ')') }})
{%- endmacro %}

{#- Minor units (cents) as money. -#}
{% macro minor_to_money(expression, minor_unit) -%}
cast(cast({{ expression }} as decimal(18, 0)) * cast(case {{ minor_unit }} when 0 then 1 when 1 then 0.1 when 2 then 0.01 when 3 then 0.001 when 4 then 0.0001 end as decimal(5, 4)) as decimal(18, 4))
{%- endmacro %}

{#-
  floor(weight * numerator / denominator) where the product may have more than 38 digits. All three are whole numbers, weight
  and numerator not negative, the denominator above zero. Where the product has fewer it is one division; else long division,
  nine decimal digits of the numerator at a time, or three where weight or denominator are very large. A query over
  `relation`, in parentheses (the body of a CTE), with the columns `keys` and `result`.
-#}
{% macro multiply_divide(relation, keys, weight, numerator, denominator, result) -%}
{%- set key_list = keys | join(', ') -%}
{%- set start -%}
            select
                {{ key_list }},
                {{ weight }} as md_weight,
                {{ numerator }} as md_numerator,
                {{ denominator }} as md_denominator,
                {{ whole(0) }} as md_quotient,
                {{ whole(0) }} as md_remainder,
                case
                    when {{ product_is_short(weight, numerator) }} then 1
                    when {{ weight }} < {{ whole("'" ~ '1' ~ '0' * 28 ~ "'") }} and {{ denominator }} < {{ whole("'" ~ '1' ~ '0' * 28 ~ "'") }} then 2
                    else 3
                end as md_way
            from {{ relation }}
{%- endset -%}
(
    select {{ key_list }}, {{ quotient('md_weight * md_numerator', 'md_denominator') }} as {{ result }}
    from (
{{ start }}
    ) as md_short
    where md_way = 1
    {%- for way, digits, groups in [(2, 9, 4), (3, 3, 12)] %}
    union all
    select {{ key_list }}, md_quotient
    from
        {% for step in range(groups + 1) -%}
        (
        select
            {{ key_list }}, md_weight, md_numerator, md_denominator, md_way,
            md_quotient * 1{{ '0' * digits }} + {{ quotient('md_remainder * 1' ~ '0' * digits ~ ' + md_weight * ' ~ _digits('md_numerator', step, digits), 'md_denominator') }} as md_quotient,
            (md_remainder * 1{{ '0' * digits }} + md_weight * {{ _digits('md_numerator', step, digits) }}) % md_denominator as md_remainder
        from
        {% endfor -%}
        (
            select * from (
{{ start }}
            ) as md_long
            where md_way = {{ way }}
        ) as md_start
        {% for step in range(groups + 1) -%}
        ) as md_step_{{ groups - step }}
        {% endfor %}
    {%- endfor %}
)
{%- endmacro %}

{#- Whether the product of two whole numbers, not negative, surely has no more than 37 digits. -#}
{% macro product_is_short(left, right) %}{{ return(adapter.dispatch('product_is_short', 'rebates')(left, right)) }}{% endmacro %}
{% macro duckdb__product_is_short(left, right) %}cast({{ left }} as double) * cast({{ right }} as double) < 1e37{% endmacro %}
{% macro default__product_is_short(left, right) %}length(cast({{ left }} as {{ text() }})) + length(cast({{ right }} as {{ text() }})) <= 37{% endmacro %}

{#- The so many decimal digits of a whole number that stand `group` groups of as many from the right. -#}
{% macro _digits(expression, group, digits) -%}
({{ quotient(expression, whole("'" ~ '1' ~ '0' * digits * group ~ "'")) }} % 1{{ '0' * digits }})
{%- endmacro %}

{#-
  Shares `total` (whole minor units, constant within `partition`) over rows in proportion to `weight` (whole numbers) by largest
  remainder, ties by `order` (semantics 9): the parts add up to the total exactly. Weights that add up to zero count as
  one each. A query over `relation`, in parentheses (the body of a CTE), with the columns `keep` and `result`. `sums`: columns
  of the relation with the partition's sum of weights and number of rows, where these are known.
-#}
{% macro share_by_largest_remainder(relation, keep, partition, order, total, weight, result, sums=none) -%}
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
                    {{ sums[0] if sums else 'sum(' ~ weight ~ ') over (' ~ window ~ ')' }} as lr_sum,
                    {{ sums[1] if sums else 'count(*) over (' ~ window ~ ')' }} as lr_count
                from {{ relation }}
            ) as lr_summed
        ) as lr_weighted
        ) as lr_multiplied
        ) as lr_guessed
        ) as lr_rested
    ) as lr_floored
)
{%- endmacro %}
