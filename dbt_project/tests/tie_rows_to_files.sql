-- Rows in = accepted + held + quarantined, for every file.
select
    file_sequence,
    file_name,
    rows_in,
    rows_accepted,
    rows_held,
    rows_quarantined
from {{ ref('rpt_file') }}
where rows_in <> rows_accepted + rows_held + rows_quarantined
