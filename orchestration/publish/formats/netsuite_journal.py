"""NetSuite: journal entries by the CSV Import Assistant.

Sources (docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/):

- section_1534492737 (line-level fields): an entry has at least two lines and balances; Account is required and
  may be the number alone; Debit and Credit have at most 10 digits before and 2 after the decimal point.
- section_1534492479 (header fields), section_1534489651 (journal entry CSV files): journal entries take up to 10,000
  lines, above 1,000 the import is slow and the entry may not be editable: we fill documents up to 1,000 lines and
  let only a single entry be larger.
- section_N453326 (general CSV conventions): at most 25,000 records or 50 MB in a job; a header row whose
  names are mapped to fields; UTF-8.
- Field sizes of External ID and memos were not found in these pages: External ID is well below any (30), memos are cut
  at 200 characters.

The form of dates is the preference of the user who imports: a setting. Lines of receivables and payables need
a Name, the payee. A currency with three decimals is refused. Line key: first word of Line Memo.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.publish.erp.model import DATE_FORMATS, ErpFormat, Field, Layout, Setting
from orchestration.publish.erp.rows import CREDITED


def derive(rows: pa.Table, settings: Mapping[str, str]) -> pa.Table:
    """Adds external_id, header_memo, line_memo and name (only of receivables and payables)."""
    side = pc.is_in(rows["account_role"], pa.array(CREDITED))
    external = pc.binary_join_element_wise(rows["document_id"], rows["legal_entity"], "-")
    words = pc.binary_join_element_wise("Rebates", rows["batch_kind"], rows["accounting_month"], " ")
    return (
        rows.append_column("external_id", external)
        .append_column("header_memo", words)
        .append_column("line_memo", pc.binary_join_element_wise(rows["line_key"], rows["description"], " "))
        .append_column("name", pc.if_else(side, rows["payee_id"], ""))
    )


FIELDS = (
    Field("External ID", "external_id", size=30, required=True, meaning="names the journal entry"),
    Field("Subsidiary", setting="subsidiary", required=True),
    Field("Currency", "currency", size=3, required=True),
    Field("Date", "posting_date", kind="date", required=True, meaning="last day of the accounting month"),
    Field("Memo", "header_memo", size=200, cut=True),
    Field("Account", "account", required=True, meaning="number of the account"),
    Field("Debit", "debit", kind="amount", meaning="empty on the credit side"),
    Field("Credit", "credit", kind="amount", meaning="empty on the debit side"),
    Field("Line Memo", "line_memo", size=200, required=True, cut=True, meaning="line key, program version, period …"),
    Field("Name", "name", meaning="payee, on lines of receivables and payables"),
    Field("Department", "cost_centre", meaning="cost centre"),
    Field("Tax Code", "tax_code"),
)

ERP = ErpFormat(
    name="netsuite_journal",
    title="NetSuite journal import",
    kinds=("adjustment", "accrual", "settlement"),
    layouts=(Layout("journal", FIELDS, {"Debit": "debit", "Credit": "credit"}),),
    line_key="Line Memo (first word)",
    settings=(
        Setting("subsidiary", "name of the subsidiary"),
        Setting("date_format", "form of dates, as the importing user's preference", "MM/DD/YYYY", tuple(DATE_FORMATS)),
    ),
    date_format="$date_format",
    decimals=2,
    digits=10,
    document_lines=1_000,
    most_document_lines=10_000,
    file_lines=25_000,
    derive=derive,
    sources=(
        "docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1534492737.html",
        "docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1534489651.html",
        "docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_N453326.html",
    ),
)
