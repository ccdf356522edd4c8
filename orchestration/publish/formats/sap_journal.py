"""SAP S/4HANA: the app "Upload General Journal Entries" (F2548), as CSV.

One block for each journal entry: the names of the header fields, the header, the names of the item
fields, the items. An empty line ends a block.

Sources, and what is not known:

- The app takes a file made from its own template, which holds header and line items, and many entries
  (gyansys.com/2017/11/upload-journal-entries-now-available-sap-s4-premise-version-1709).
- At most 999 line items in an entry (the same page); larger batches become several entries.
- SAP publishes the template in the app only ("Download template"); no public page with its rows and
  columns was found. Field names and sizes here are those of SAP's data dictionary (BUKRS 4, BLART 2,
  XBLNR 16, BKTXT 25, WAERS 5, LDGRP 4, HKONT 10, SGTXT 50, MWSKZ 2, KOSTL 10, ZUONR 18); order, and the
  names WRSOL (debit) and WRHAB (credit), are ours. Compare with the template of your release before the first
  upload: the order of the columns is the order of the two lists below.
- The app reads dates and decimals as the user's settings say: the form of dates is a setting, amounts
  have a decimal point.

The app posts to G/L accounts only: the account roles accounts_receivable and accounts_payable must lead
to clearing accounts, not to reconciliation accounts. Amounts are never negative; an item has one side.
Line key: ZUONR (assignment).
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.publish.erp.model import DATE_FORMATS, ErpFormat, Field, Layout, Setting

HEADER = (
    Field("BUKRS", setting="company_code", size=4, required=True, meaning="company code"),
    Field("BLART", setting="journal_entry_type", size=2, required=True, meaning="journal entry type"),
    Field("BLDAT", "posting_date", kind="date", required=True, meaning="journal entry date"),
    Field("BUDAT", "posting_date", kind="date", required=True, meaning="posting date"),
    Field("WAERS", "currency", size=5, required=True, meaning="transaction currency"),
    Field("XBLNR", "document_id", size=16, required=True, meaning="reference: batch and number of the entry"),
    Field("BKTXT", "header_text", size=25, cut=True, meaning="document header text"),
    Field("LDGRP", setting="ledger_group", size=4, meaning="ledger group; empty: all ledgers"),
)

ITEMS = (
    Field("HKONT", "account", size=10, required=True, meaning="G/L account"),
    Field("SGTXT", "description", size=50, cut=True, meaning="item text"),
    Field("WRSOL", "debit", kind="amount", meaning="debit in the transaction currency; empty on the credit side"),
    Field("WRHAB", "credit", kind="amount", meaning="credit in the transaction currency; empty on the debit side"),
    Field("MWSKZ", "tax_code", size=2, meaning="tax code"),
    Field("KOSTL", "cost_centre", size=10, meaning="cost centre"),
    Field("ZUONR", "line_key", size=18, required=True, meaning="assignment: line key"),
)


def derive(rows: pa.Table, settings: Mapping[str, str]) -> pa.Table:
    """Adds the text of the header."""
    text = pc.binary_join_element_wise("Rebate", rows["accounting_month"], rows["batch_kind"], " ")
    return rows.append_column("header_text", text)


def blocks(one: ErpFormat, rows: pa.Table, text: Mapping[str, pa.ChunkedArray]) -> bytes:
    """One block for each document, in their order."""
    from orchestration.publish.erp.write import records

    headers = records(one, {field.name: text[field.name] for field in HEADER})
    items = records(one, {field.name: text[field.name] for field in ITEMS}).to_pylist()
    names = [one.delimiter.join(field.name for field in fields) for fields in (HEADER, ITEMS)]
    sizes = rows.group_by("document_id", use_threads=False).aggregate([([], "count_all")])["count_all"].to_pylist()
    lines: list[str] = []
    start = 0
    for size in sizes:
        lines += [names[0], headers[start].as_py(), names[1], *items[start : start + size], ""]
        start += size
    return "".join(f"{line}{one.line_end}" for line in lines).encode()


ERP = ErpFormat(
    name="sap_journal",
    title="SAP S/4HANA journal entry upload",
    kinds=("adjustment", "accrual", "settlement"),
    layouts=(Layout("journal", HEADER + ITEMS, {"WRSOL": "debit", "WRHAB": "credit"}),),
    line_key="ZUONR",
    settings=(
        Setting("company_code", "company code in SAP"),
        Setting("journal_entry_type", "journal entry type", "SA"),
        Setting("ledger_group", "ledger group; empty: all ledgers", ""),
        Setting("date_format", "form of dates, as the user's settings in SAP", "YYYYMMDD", tuple(DATE_FORMATS)),
    ),
    date_format="$date_format",
    document_lines=999,
    most_document_lines=999,
    derive=derive,
    blocks=blocks,
    sources=(
        "gyansys.com/2017/11/upload-journal-entries-now-available-sap-s4-premise-version-1709",
        "SAP's data dictionary for names and sizes; the template itself is not public",
    ),
)
