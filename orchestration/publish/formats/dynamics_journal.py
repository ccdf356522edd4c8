"""Microsoft Dynamics 365 Finance: data management entity "General journal" (LedgerJournalEntity), as CSV.

Sources:

- Fields and their rules: Microsoft Learn, "General journal entity"
  (learn.microsoft.com/en-us/dynamics365/fin-ops-core/dev-itpro/data-entities/entity-general-journal):
  JOURNALBATCHNUMBER may be a placeholder that the import replaces from the number sequence, LINENUMBER is
  required, JOURNALNAME and DESCRIPTION are the same on every row of a journal, account types are Bank,
  Customer, Ledger and Vendor; import by files and set-based, columns are found by their names.
- Sizes: the extended data types of Dynamics AX 2012 that the fields still carry (Voucher 20,
  LedgerJournalizeNum 20, LedgerJournalTransTxt 60, DimensionDisplayValue 500;
  learn.microsoft.com/en-us/previous-versions/dynamics/ax-2012/reference).
  Where a newer release is wider, the narrower size is the safe one.
- Delimiters of an account's dimensions: DimensionLedgerAccountDelimiter (hyphen, period, underscore, bar)
  and their doubles ("Financial dimensions and main accounts in right-to-left languages", which also says
  not to use the delimiter inside a value: such a value is refused here).

An entry is a voucher and balances. Receivables and payables are posted to the customer or vendor,
everything else to the main account with its dimensions. A zero side is written as 0. Line key: DOCUMENT.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.publish.erp.model import ErpFormat, Field, Layout, Setting
from orchestration.publish.erp.segments import SEGMENTS, joined

DELIMITERS = ("-", ".", "_", "|", "--", "..", "__", "||")


def derive(rows: pa.Table, settings: Mapping[str, str]) -> pa.Table:
    """Adds account_type, account_display and the journal's description."""
    customer = pc.equal(rows["account_role"], "accounts_receivable")
    vendor = pc.equal(rows["account_role"], "accounts_payable")
    kind = pc.if_else(customer, "Customer", pc.if_else(vendor, "Vendor", "Ledger"))
    account = joined(rows, settings, settings["delimiter"])
    display = pc.if_else(pc.or_(customer, vendor), rows["payee_id"], account)
    words = pc.binary_join_element_wise("Rebates", rows["batch_kind"], rows["accounting_month"], " ")
    return (
        rows.append_column("account_type", kind)
        .append_column("account_display", display)
        .append_column("journal_text", words)
    )


FIELDS = (
    Field("JOURNALBATCHNUMBER", "document_id", size=20, required=True, meaning="placeholder: number of the batch"),
    Field("LINENUMBER", "journal_line", kind="number", required=True),
    Field("JOURNALNAME", setting="journal_name", size=10, required=True),
    Field("DESCRIPTION", "journal_text", size=60, required=True),
    Field("VOUCHER", "entry_id", size=20, required=True, meaning="entry"),
    Field("TRANSDATE", "posting_date", kind="date", required=True, meaning="last day of the accounting month"),
    Field("ACCOUNTTYPE", "account_type", required=True, meaning="Ledger, Customer or Vendor"),
    Field("ACCOUNTDISPLAYVALUE", "account_display", size=500, required=True, meaning="account string, or payee"),
    Field("TEXT", "description", size=60, cut=True),
    Field("DEBITAMOUNT", "debit", kind="amount", required=True),
    Field("CREDITAMOUNT", "credit", kind="amount", required=True),
    Field("CURRENCYCODE", "currency", size=3, required=True),
    Field("DOCUMENT", "line_key", size=20, required=True, meaning="line key"),
    Field("ITEMSALESTAXGROUP", "tax_code", size=10, meaning="tax code"),
)

ERP = ErpFormat(
    name="dynamics_journal",
    title="Dynamics 365 general journal",
    kinds=("adjustment", "accrual", "settlement"),
    layouts=(Layout("journal", FIELDS, {"DEBITAMOUNT": "debit", "CREDITAMOUNT": "credit"}),),
    line_key="DOCUMENT",
    settings=(
        Setting("journal_name", "name of the general journal"),
        SEGMENTS,
        Setting("delimiter", "delimiter of the dimensions", "-", DELIMITERS),
    ),
    zeros=True,
    derive=derive,
    sources=(
        "learn.microsoft.com/en-us/dynamics365/fin-ops-core/dev-itpro/data-entities/entity-general-journal",
        "learn.microsoft.com/en-us/previous-versions/dynamics/ax-2012/reference (sizes)",
    ),
)
