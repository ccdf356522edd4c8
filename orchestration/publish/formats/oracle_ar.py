"""Oracle Fusion Cloud, Receivables: credit memos by AutoInvoice (FBDI), ``RaInterfaceLinesAll.csv`` in a zip.

One line for each payment line of a credit_memo payment; amounts are negative, as AutoInvoice wants
them for a credit memo.

Sources:

- Order of the columns: no page of Oracle's with the whole order was found (the template is a workbook
  to be downloaded). It is taken from two independent public loaders that agree in every position that
  both name (AMOUNT is column 32, INTERFACE_LINE_ATTRIBUTE1 column 38, MEMO_LINE_NAME column 111, BU_NAME
  column 287). Columns whose name neither gives stand here as ``COLUMN_<number>``. Compare with the
  template of your release before the first load. No header row; dates YYYY/MM/DD.
- Sizes and meaning: Oracle, Tables and Views for Financials, rainterfacelinesall
  (docs.oracle.com/en/cloud/saas/financials/24c/oedmf/rainterfacelinesall-18285.html). A context and
  its attributes must not come twice in Receivables: a file that is loaded again is refused there.

AutoInvoice groups lines into credit memos by the grouping rule of the batch source: it must contain
INTERFACE_LINE_ATTRIBUTE1 (the payment's line key), so that one payment becomes one credit memo. The
memo line must lead to the accrued rebates account. The import books the credit memo itself, so
``oracle_gl`` leaves these payments out. Line key: INTERFACE_LINE_ATTRIBUTE2.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.publish.erp.model import ErpFormat, Field, Layout, Setting, empty, numbered


def derive(rows: pa.Table, settings: Mapping[str, str]) -> pa.Table:
    """Adds the conversion: type User at rate 1 in the ledger's currency, the given type and the date otherwise."""
    foreign = rows["foreign"]
    kind = pc.if_else(foreign, settings["conversion_type"], "User")
    date = pc.if_else(foreign, rows["payment_date"], pa.scalar(None, pa.date32()))
    rate = pc.if_else(foreign, "", "1")
    rows = rows.append_column("conversion_type", kind).append_column("conversion_date", date)
    return rows.append_column("conversion_rate", rate)


def _unnamed(first: int, last: int) -> tuple[Field, ...]:
    return numbered("COLUMN_", first, last)


FIELDS = (
    *empty("ORG_ID"),
    Field("BATCH_SOURCE_NAME", setting="batch_source", size=50, required=True),
    Field("CUST_TRX_TYPE_NAME", setting="transaction_type", size=20, required=True),
    *empty("TERM_NAME"),
    Field("TRX_DATE", "payment_date", kind="date", required=True),
    Field("GL_DATE", "payment_date", kind="date", required=True, meaning="last day of the accounting month"),
    *empty("TRX_NUMBER", "ORIG_SYSTEM_BILL_CUSTOMER_REF", "ORIG_SYSTEM_BILL_ADDRESS_REF"),
    *empty("ORIG_SYSTEM_BILL_CONTACT_REF", "ORIG_SYS_SHIP_PARTY_REF", "ORIG_SYS_SHIP_PARTY_SITE_REF"),
    *empty("ORIG_SYS_SHIP_PTY_CONTACT_REF", "ORIG_SYSTEM_SHIP_CUSTOMER_REF", "ORIG_SYSTEM_SHIP_ADDRESS_REF"),
    *empty("ORIG_SYSTEM_SHIP_CONTACT_REF", "ORIG_SYS_SOLD_PARTY_REF", "ORIG_SYSTEM_SOLD_CUSTOMER_REF"),
    Field("BILL_CUSTOMER_ACCOUNT_NUMBER", "payee_id", size=30, required=True),
    *empty("BILL_CUSTOMER_SITE_NUMBER", "BILL_CONTACT_PARTY_NUMBER", "SHIP_CUSTOMER_ACCOUNT_NUMBER"),
    *empty("SHIP_CUSTOMER_SITE_NUMBER", "SHIP_CONTACT_PARTY_NUMBER", "SOLD_CUSTOMER_ACCOUNT_NUMBER"),
    Field("LINE_TYPE", constant="LINE", size=20, required=True),
    Field("DESCRIPTION", "description", size=240, required=True, cut=True, meaning="line key, program version, period"),
    Field("CURRENCY_CODE", "currency", size=15, required=True),
    Field("CONVERSION_TYPE", "conversion_type", size=30, required=True),
    Field("CONVERSION_DATE", "conversion_date", kind="date"),
    Field("CONVERSION_RATE", "conversion_rate"),
    Field("AMOUNT", "negated", kind="amount", required=True, meaning="below zero: a credit"),
    *empty("QUANTITY", "QUANTITY_ORDERED", "UNIT_SELLING_PRICE", "UNIT_STANDARD_PRICE"),
    Field("INTERFACE_LINE_CONTEXT", setting="line_context", size=30, required=True),
    Field("INTERFACE_LINE_ATTRIBUTE1", "payment_key", size=30, required=True, meaning="line key of the payment"),
    Field("INTERFACE_LINE_ATTRIBUTE2", "line_key", size=30, required=True, meaning="line key"),
    *numbered("INTERFACE_LINE_ATTRIBUTE", 3, 15),
    *empty("PRIMARY_SALESREP_NUMBER"),
    Field("TAX_CODE", "tax_code", size=50),
    *empty("LEGAL_ENTITY_IDENTIFIER", "ACCTD_AMOUNT", "SALES_ORDER", "SALES_ORDER_DATE", "SHIP_DATE_ACTUAL"),
    *empty("WAREHOUSE_CODE", "UOM_CODE", "UOM_NAME", "INVOICING_RULE_NAME", "ACCOUNTING_RULE_NAME"),
    *empty("ACCOUNTING_RULE_DURATION", "RULE_START_DATE", "RULE_END_DATE", "REASON_CODE_MEANING"),
    *empty("LAST_PERIOD_TO_CREDIT", "TRX_BUSINESS_CATEGORY", "PRODUCT_FISC_CLASSIFICATION", "PRODUCT_CATEGORY"),
    *empty("PRODUCT_TYPE", "LINE_INTENDED_USE", "ASSESSABLE_VALUE", "DOCUMENT_SUB_TYPE", "DEFAULT_TAXATION_COUNTRY"),
    *empty("USER_DEFINED_FISC_CLASS", "TAX_INVOICE_NUMBER", "TAX_INVOICE_DATE", "TAX_REGIME_CODE", "TAX"),
    *empty("TAX_STATUS_CODE", "TAX_RATE_CODE", "TAX_JURISDICTION_CODE", "FIRST_PTY_REG_NUM", "THIRD_PTY_REG_NUM"),
    *empty("FINAL_DISCHARGE_LOCATION_CODE", "TAXABLE_AMOUNT", "TAXABLE_FLAG", "TAX_EXEMPT_FLAG"),
    *empty("TAX_EXEMPT_REASON_CODE", "TAX_EXEMPT_REASON_CODE_MEANING", "TAX_EXEMPT_NUMBER", "AMOUNT_INCLUDES_TAX_FLAG"),
    *empty("TAX_PRECEDENCE", "CREDIT_METHOD_FOR_ACCT_RULE", "CREDIT_METHOD_FOR_INSTALLMENTS", "REASON_CODE"),
    *empty("TAX_RATE", "FOB_POINT", "SHIP_VIA", "WAYBILL_NUMBER", "SALES_ORDER_LINE", "SALES_ORDER_SOURCE"),
    *empty("SALES_ORDER_REVISION", "PURCHASE_ORDER", "PURCHASE_ORDER_REVISION", "PURCHASE_ORDER_DATE"),
    *empty("AGREEMENT_NAME"),
    Field("MEMO_LINE_NAME", setting="memo_line", size=50, required=True),
    *empty("DOCUMENT_NUMBER", "ORIG_SYSTEM_BATCH_NAME", "LINK_TO_LINE_CONTEXT"),
    *numbered("LINK_TO_LINE_ATTRIBUTE", 1, 6),
    *_unnamed(121, 161),
    *empty("RECEIPT_METHOD_NAME", "PRINTING_OPTION", "RELATED_BATCH_SOURCE_NAME", "RELATED_TRX_NUMBER"),
    *_unnamed(166, 191),
    *empty("TRANSLATED_DESCRIPTION", "CONS_BILLING_NUMBER", "PROMISED_COMMITMENT_AMOUNT", "PAYMENT_SET_ID"),
    *empty("ORIGINAL_GL_DATE", "INVOICED_LINE_ACCTG_LEVEL", "OVERRIDE_AUTO_ACCOUNTING_FLAG", "HISTORICAL_FLAG"),
    *empty("DEFERRAL_EXCLUSION_FLAG"),
    *_unnamed(201, 201),
    *empty("BILLING_DATE", "ATTRIBUTE_CATEGORY"),
    *numbered("ATTRIBUTE", 1, 15),
    *empty("HEADER_ATTRIBUTE_CATEGORY"),
    *numbered("HEADER_ATTRIBUTE", 1, 15),
    *_unnamed(235, 286),
    Field("BU_NAME", setting="business_unit", size=240, required=True),
    Field("COMMENTS", "payment_id", size=240, meaning="payment_id"),
)

ERP = ErpFormat(
    name="oracle_ar",
    title="Oracle Fusion FBDI, credit memos",
    kinds=("settlement",),
    instrument="credit_memo",
    posts=True,
    layouts=(Layout("payment_line", FIELDS, {"AMOUNT": "negated"}, file="RaInterfaceLinesAll.csv"),),
    line_key="INTERFACE_LINE_ATTRIBUTE2; INTERFACE_LINE_ATTRIBUTE1 is the payment's",
    settings=(
        Setting("business_unit", "name of the business unit"),
        Setting("batch_source", "transaction source, as set up in Oracle", "Rebates"),
        Setting("transaction_type", "transaction type of a credit memo", "Credit Memo"),
        Setting("memo_line", "memo line that leads to accrued rebates"),
        Setting("line_context", "context of the line transaction flexfield", "REBATES"),
        Setting("conversion_type", "type of exchange rate of a foreign currency", "Corporate"),
    ),
    suffix="zip",
    header=False,
    date_format="%Y/%m/%d",
    derive=derive,
    sources=(
        "docs.oracle.com/en/cloud/saas/financials/24c/oedmf/rainterfacelinesall-18285.html",
        "two public AutoInvoice loaders that agree; no page of Oracle's with the whole order",
    ),
)
