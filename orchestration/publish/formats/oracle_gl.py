"""Oracle Fusion Cloud, General Ledger: journal import by file-based data import (FBDI), ``GlInterface.csv`` in a zip.

Sources:

- Order of the columns, date form and the trailing columns that may be left off: Oracle's control file
  for GL_INTERFACE, as published in the integration documentation of a university
  (GL-PPM combined inbound, ``gl_interface.ctl``). No header row; dates YYYY/MM/DD; decimal point.
- Sizes, required columns and their meaning: Oracle, Tables and Views for Financials, GL_INTERFACE
  (docs.oracle.com/en/cloud/saas/financials/24d/oedmf/glinterface-8261.html).
- A limit of rows in a file was not found in the documentation, so none is applied.

Entered amounts only: for a currency that is not the ledger's, the conversion type and date are given
and Oracle converts. DATE_CREATED is the as-of date, so that the file does not depend on the clock.
Line key: REFERENCE21. Payments that ``oracle_ap`` or ``oracle_ar`` post are left out: the subledger
books them.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.publish.erp.model import ErpFormat, Field, Layout, Setting, empty, numbered
from orchestration.publish.erp.segments import SEGMENTS, segments
from orchestration.publish.format import PublishError

_MOST_SEGMENTS = 30


def derive(rows: pa.Table, settings: Mapping[str, str]) -> pa.Table:
    """Adds segment1, segment2 …, conversion_type and conversion_date (only of a foreign currency), and batch_name."""
    parts = segments(rows, settings)
    if len(parts) > _MOST_SEGMENTS:
        raise PublishError(f"setting segments: {len(parts)} segments, at most {_MOST_SEGMENTS}")
    for number, part in enumerate(parts, start=1):
        rows = rows.append_column(f"segment{number}", part)
    kind = pc.if_else(rows["foreign"], settings["conversion_type"], "")
    date = pc.if_else(rows["foreign"], rows["posting_date"], pa.scalar(None, pa.date32()))
    name = pc.binary_join_element_wise(
        "Rebates", rows["batch_kind"], rows["accounting_month"], rows["legal_entity"], " "
    )
    return (
        rows.append_column("conversion_type", kind)
        .append_column("conversion_date", date)
        .append_column("batch_name", name)
    )


FIELDS = (
    Field("STATUS", constant="NEW", size=50, required=True),
    Field("LEDGER_ID", meaning="empty: the ledger is found by LEDGER_NAME"),
    Field("ACCOUNTING_DATE", "posting_date", kind="date", required=True, meaning="last day of the accounting month"),
    Field("USER_JE_SOURCE_NAME", setting="journal_source", size=25, required=True),
    Field("USER_JE_CATEGORY_NAME", setting="journal_category", size=25, required=True),
    Field("CURRENCY_CODE", "currency", size=15, required=True),
    Field("DATE_CREATED", "as_of", kind="date", required=True, meaning="as-of date of the run"),
    Field("ACTUAL_FLAG", constant="A", size=1, required=True),
    *(
        Field(f"SEGMENT{number}", f"segment{number}", size=25, required=number == 1, optional=True)
        for number in range(1, _MOST_SEGMENTS + 1)
    ),
    Field("ENTERED_DR", "debit", kind="amount", meaning="empty on the credit side"),
    Field("ENTERED_CR", "credit", kind="amount", meaning="empty on the debit side"),
    *empty("ACCOUNTED_DR", "ACCOUNTED_CR"),
    Field("REFERENCE1", "batch_name", size=100, meaning="name of the journal batch"),
    *empty("REFERENCE2", "REFERENCE3"),
    Field("REFERENCE4", "batch_name", size=100, meaning="name of the journal"),
    *numbered("REFERENCE", 5, 9),
    Field("REFERENCE10", "description", size=240, cut=True, meaning="program version, period, payee and cause"),
    Field("REFERENCE21", "line_key", size=240, required=True, meaning="line key"),
    Field("REFERENCE22", "program_key", size=240),
    Field("REFERENCE23", "payee_id", size=240),
    Field("REFERENCE24", "period_id", size=240),
    Field("REFERENCE25", "cause", size=240),
    Field("REFERENCE26", "payment_id", size=240),
    Field("REFERENCE27", "entry_id", size=240),
    *numbered("REFERENCE", 28, 30),
    *empty("STAT_AMOUNT"),
    Field("USER_CURRENCY_CONVERSION_TYPE", "conversion_type", size=30, meaning="only of a foreign currency"),
    Field("CURRENCY_CONVERSION_DATE", "conversion_date", kind="date"),
    *empty("CURRENCY_CONVERSION_RATE"),
    Field("GROUP_ID", "batch_number", kind="number", size=18, required=True, meaning="number of the batch"),
    *empty("ATTRIBUTE_CATEGORY"),
    *numbered("ATTRIBUTE", 1, 20),
    *empty("ATTRIBUTE_CATEGORY3", "AVERAGE_JOURNAL_FLAG", "ORIGINATING_BAL_SEG_VALUE"),
    Field("LEDGER_NAME", setting="ledger", required=True),
    *empty("ENCUMBRANCE_TYPE_ID", "JGZZ_RECON_REF", "PERIOD_NAME"),
)

ERP = ErpFormat(
    name="oracle_gl",
    title="Oracle Fusion FBDI, journals",
    kinds=("adjustment", "accrual", "settlement"),
    layouts=(Layout("journal", FIELDS, {"ENTERED_DR": "debit", "ENTERED_CR": "credit"}, file="GlInterface.csv"),),
    line_key="REFERENCE21",
    settings=(
        Setting("ledger", "name of the ledger"),
        SEGMENTS,
        Setting("journal_source", "journal source, as set up in Oracle", "Rebates"),
        Setting("journal_category", "journal category, as set up in Oracle", "Rebates"),
        Setting("conversion_type", "type of exchange rate of a foreign currency", "Corporate"),
    ),
    suffix="zip",
    header=False,
    date_format="%Y/%m/%d",
    derive=derive,
    sources=(
        "docs.oracle.com/en/cloud/saas/financials/24d/oedmf/glinterface-8261.html",
        "Oracle's control file for GL_INTERFACE, quoted in public integration documentation",
    ),
)
