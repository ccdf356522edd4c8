-- Grain: one rule of an expectation suite on one file of lines that did not simply pass.
select
    md5(cast(file_sequence as {{ text() }}) || '|' || suite || '|' || rule_id) as rule_failure_id,
    source,
    file_sequence,
    suite,
    rule_id,
    severity,
    status,
    rows_evaluated,
    rows_failed,
    message,
    samples
from {{ ref('stg_rule_result') }}
where status <> 'passed'
