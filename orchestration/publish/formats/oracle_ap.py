"""Oracle Fusion Cloud, Payables: invoices by FBDI, two CSV in one zip.

``ApInvoicesInterface.csv`` has one invoice for each supplier_invoice payment, ``ApInvoiceLinesInterface.csv``
one item line for each payment line.

Sources:

- Order of the columns and date form: Oracle's control files ApInvoicesInterface.ctl and
  ApInvoiceLinesInterface.ctl (2021 versions, found in public repositories). Trailing columns may be
  left off (``TRAILING NULLCOLS``); no header row; dates YYYY/MM/DD.
- Meaning and required columns: Oracle, Using Payables Invoice to Pay, "Invoice Open Interface Table
  AP_INVOICE_LINES_INTERFACE" and "How Payables Standard Invoice Import Data Is Processed" (columns must
  not be moved); sizes: Tables and Views for Financials, apinvoicelinesinterface, and the Payables open
  interface tables of earlier releases, where they are narrower.
- A standard invoice is above zero; a line may be negative (netted).

The import books the invoice itself (debit the line's account combination, credit the liability
account of the business unit), so ``oracle_gl`` leaves these payments out. Line key: first word of a
line's DESCRIPTION; the payment comes back under INVOICE_NUM, which is the payment_id.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from orchestration.publish.erp.model import ErpFormat, Field, Layout, Setting, empty
from orchestration.publish.erp.segments import SEGMENTS, joined


def derive(rows: pa.Table, settings: Mapping[str, str]) -> pa.Table:
    """Adds the account combination to payment lines; a payment has none."""
    if "account" not in rows.column_names:
        return rows
    return rows.append_column("combination", joined(rows, settings, settings["segment_delimiter"]))


INVOICES = (
    Field("INVOICE_ID", "document_number", kind="number", size=18, required=True, meaning="joins invoice and lines"),
    Field("OPERATING_UNIT", setting="business_unit", size=240, required=True),
    Field("SOURCE", setting="invoice_source", size=80, required=True),
    Field("INVOICE_NUM", "payment_id", size=50, required=True, meaning="payment_id; comes back in replies"),
    Field("INVOICE_AMOUNT", "amount", kind="amount", required=True),
    Field("INVOICE_DATE", "payment_date", kind="date", required=True),
    *empty("VENDOR_NAME"),
    Field("VENDOR_NUM", "payee_id", size=30, required=True),
    Field("VENDOR_SITE_CODE", setting="supplier_site", size=240, required=True),
    Field("INVOICE_CURRENCY_CODE", "currency", size=15, required=True),
    Field("PAYMENT_CURRENCY_CODE", "currency", size=15, required=True),
    Field("DESCRIPTION", "description", size=240, cut=True),
    Field("GROUP_ID", "document_id", size=80, meaning="number of the batch: the import set"),
    Field("INVOICE_TYPE_LOOKUP_CODE", constant="STANDARD", size=25, required=True),
    *empty("LEGAL_ENTITY_NAME", "CUST_REGISTRATION_NUMBER", "CUST_REGISTRATION_CODE"),
    *empty("FIRST_PARTY_REGISTRATION_NUM", "THIRD_PARTY_REGISTRATION_NUM"),
    Field("TERMS_NAME", setting="payment_terms", size=50),
    Field("TERMS_DATE", "payment_date", kind="date"),
    *empty("GOODS_RECEIVED_DATE"),
    Field("INVOICE_RECEIVED_DATE", "payment_date", kind="date"),
    Field("GL_DATE", "payment_date", kind="date", meaning="last day of the accounting month"),
)

LINES = (
    Field("INVOICE_ID", "document_number", kind="number", size=18, required=True),
    Field("LINE_NUMBER", "line_number", kind="number", size=18, required=True),
    Field("LINE_TYPE_LOOKUP_CODE", constant="ITEM", size=25, required=True),
    Field("AMOUNT", "amount", kind="amount", required=True),
    *empty("QUANTITY_INVOICED", "UNIT_PRICE", "UNIT_OF_MEAS_LOOKUP_CODE"),
    Field("DESCRIPTION", "description", size=240, cut=True, meaning="line key, program version, period"),
    *empty("PO_NUMBER", "PO_LINE_NUMBER", "PO_SHIPMENT_NUM", "PO_DISTRIBUTION_NUM", "ITEM_DESCRIPTION", "RELEASE_NUM"),
    *empty("PURCHASING_CATEGORY", "RECEIPT_NUMBER", "RECEIPT_LINE_NUMBER", "CONSUMPTION_ADVICE_NUMBER"),
    *empty("CONSUMPTION_ADVICE_LINE_NUMBER", "PACKING_SLIP", "FINAL_MATCH_FLAG"),
    Field("DIST_CODE_CONCATENATED", "combination", size=250, required=True, meaning="account that is debited"),
    *empty("DISTRIBUTION_SET_NAME"),
    Field("ACCOUNTING_DATE", "payment_date", kind="date"),
    *empty("ACCOUNT_SEGMENT", "BALANCING_SEGMENT", "COST_CENTER_SEGMENT"),
    Field("TAX_CLASSIFICATION_CODE", "tax_code", size=30),
)

ERP = ErpFormat(
    name="oracle_ap",
    title="Oracle Fusion FBDI, supplier invoices",
    kinds=("settlement",),
    instrument="supplier_invoice",
    posts=True,
    layouts=(
        Layout("payment", INVOICES, {"INVOICE_AMOUNT": "amount"}, file="ApInvoicesInterface.csv"),
        Layout("payment_line", LINES, {"AMOUNT": "amount"}, file="ApInvoiceLinesInterface.csv"),
    ),
    line_key="DESCRIPTION of a line (first word); INVOICE_NUM is the payment_id",
    settings=(
        Setting("business_unit", "name of the business unit"),
        Setting("supplier_site", "code of the suppliers' site that rebates are paid to"),
        SEGMENTS,
        Setting("segment_delimiter", "delimiter of the chart of accounts' segments", "-"),
        Setting("invoice_source", "invoice source, as set up in Oracle", "Rebates"),
        Setting("payment_terms", "payment terms", "Immediate"),
    ),
    suffix="zip",
    header=False,
    date_format="%Y/%m/%d",
    derive=derive,
    sources=(
        "docs.oracle.com/en/cloud/saas/financials/24b/fappp/invoice-open-interface-table-ap-invoice-lines-interface.html",
        "docs.oracle.com/en/cloud/saas/financials/24c/oedmf/apinvoicelinesinterface-18806.html",
        "Oracle's control files ApInvoicesInterface.ctl and ApInvoiceLinesInterface.ctl",
    ),
)
