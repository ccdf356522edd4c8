{#- A hash of some texts (not null), to find rows that may be alike: equal texts have equal hashes, and almost only they. -#}
{% macro hash_of(expressions) %}{{ return(adapter.dispatch('hash_of', 'rebates')(expressions)) }}{% endmacro %}
{% macro duckdb__hash_of(expressions) %}hash({{ expressions | join(', ') }}){% endmacro %}
{% macro default__hash_of(expressions) %}md5({{ expressions | join(" || '|' || ") }}){% endmacro %}
