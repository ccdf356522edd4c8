"""How each source writes its files: CSV, semicolon CSV in cp1252, workbook, Parquet.

What belongs here: columns, words and cell formats of a source. Rows come from ``lines.delivered``
and ``master``, always in an explicit order, so that equal rows give equal bytes.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.contract import LINE, REPORTED_END_CUSTOMER
from orchestration.sample import master
from orchestration.sample.calendar import LINES, Delivery
from orchestration.sample.company import ERP, LAKESIDE, NORTH, PRAIRIE, Company
from orchestration.sample.lines import quoted

LAKESIDE_COLUMNS = (
    "Report No", "Line", "Type", "Sale Date", "Orig. Report No", "Status", "Dealer No",
    "Customer Id", "Customer", "Item Code", "Qty", "UoM", "Net USD", "Special Price No",
)  # fmt: skip
LAKESIDE_HEADER_ROW = 5
"""Row of the column names in the workbook of D-LAKE, as a person counts."""


def write(connection: duckdb.DuckDBPyConnection, delivery: Delivery, company: Company, path: Path) -> None:
    """Write the rows of ``delivery`` to ``path`` in the format of its source."""
    if delivery.entity != LINES:
        _csv(connection, master.query(delivery.entity, delivery.part, company), path)
        return
    {ERP: _erp, NORTH: _north, LAKESIDE: _lakeside, PRAIRIE: _prairie}[delivery.source](
        connection, delivery, company, path
    )


TYPE_WORDS = {
    NORTH: {"invoice": "R", "credit_memo": "G", "return": "T"},
    LAKESIDE: {"invoice": "SALE", "credit_memo": "CREDIT", "return": "RETURN"},
    PRAIRIE: {"invoice": "S", "credit_memo": "C", "return": "R"},
}
INTENT_WORDS = {
    NORTH: {"original": "O", "addendum": "A", "replacement": "R", "cancellation": "C"},
    LAKESIDE: {"original": "ORIG", "addendum": "ADD", "replacement": "REPL", "cancellation": "CANC"},
    PRAIRIE: {"original": "O", "addendum": "A", "replacement": "R", "cancellation": "C"},
}
"""What each third party writes for our document types and record intents."""


def _rows(delivery: Delivery, columns: str) -> str:
    """Query for the rows of one file of lines, in the file's order: duplicates come last."""
    return f"""
        select {columns}
        from delivered
        where source = {quoted(delivery.source)} and part = {quoted(delivery.part)}
        order by delivered.copy, delivered.document_date, delivered.document_number,
            delivered.line_number, delivered.record_intent
    """


NOT_IN_INVOICES = (
    "stream",
    *(name for name in REPORTED_END_CUSTOMER if name not in ("end_customer_id", "end_customer_name")),
    "product_description",
)
"""Columns of a line that our own ERP has no use for."""


NAMED_ONLY = "(injected is distinct from 'customer_unknown' and end_customer_id like '%3')"
"""Households that D-LAKE reports by name, in its own way of writing, and not by our number."""


def _word(column: str, words: dict[str, str]) -> str:
    """SQL for ``column`` in the source's own words."""
    return f"case {column} " + " ".join(f"when {quoted(our)} then {quoted(its)}" for our, its in words.items()) + " end"


def _csv(connection: duckdb.DuckDBPyConnection, rows: str, path: Path, delimiter: str = ",") -> None:
    connection.execute(
        f"copy ({rows}) to {quoted(str(path))} (format csv, header, delimiter '{delimiter}', use_tmp_file false)"
    )


def _erp(connection: duckdb.DuckDBPyConnection, delivery: Delivery, company: Company, path: Path) -> None:
    values = {
        "document_date": "coalesce(date_text, cast(document_date as varchar))",
        "sold_to_id": "reseller_id",
        "ship_to_id": "reseller_id",
        "distributor_id": "null",
        "product_id": "product_code",
        "net_amount": "coalesce(amount_text, cast(net_amount as varchar))",
        "currency": "'USD'",
    }
    columns = [column.name for column in LINE.columns if column.name not in NOT_IN_INVOICES]
    selected = ", ".join(f"{values.get(name, 'delivered.' + name)} as {name}" for name in columns)
    _csv(connection, _rows(delivery, selected), path)


def _north(connection: duckdb.DuckDBPyConnection, delivery: Delivery, company: Company, path: Path) -> None:
    columns = f"""
        document_number as "Belegnummer",
        line_number as "Position",
        {_word("document_type", TYPE_WORDS[NORTH])} as "Belegart",
        coalesce(date_text, strftime(document_date, '%d.%m.%Y')) as "Belegdatum",
        reference_document_number as "Bezug",
        {_word("record_intent", INTENT_WORDS[NORTH])} as "Meldeart",
        store_id as "Filiale",
        end_customer_id as "Kunde",
        end_customer_name as "Kundenname",
        product_code as "Artikel",
        quantity as "Menge",
        {_word("unit", {"EA": "ST", "CS": "KAR"})} as "Einheit",
        coalesce(amount_text, replace(cast(net_amount as varchar), '.', ',')) as "Nettobetrag",
        'USD' as "Waehrung",
        region as "Gebiet",
        authorization_number as "Freigabe"
    """
    _csv(connection, _rows(delivery, columns), path, ";")
    path.write_bytes(path.read_bytes().decode("utf-8").encode("cp1252"))


def _lakeside(connection: duckdb.DuckDBPyConnection, delivery: Delivery, company: Company, path: Path) -> None:
    import xlsxwriter

    rows = connection.execute(
        _rows(
            delivery,
            f"""
            document_number,
            cast(line_number as varchar),
            {_word("document_type", TYPE_WORDS[LAKESIDE])},
            document_date,
            reference_document_number,
            {_word("record_intent", INTENT_WORDS[LAKESIDE])},
            reseller_id,
            case when {NAMED_ONLY} then null else end_customer_id end,
            case when {NAMED_ONLY} then upper(end_customer_name) else end_customer_name end,
            product_code,
            quantity,
            unit,
            net_amount,
            authorization_number,
            date_text,
            amount_text
            """,
        )
    ).fetchall()
    workbook = xlsxwriter.Workbook(
        str(path),
        {"constant_memory": True, "tmpdir": str(path.parent), "strings_to_formulas": False, "strings_to_urls": False},
    )
    workbook.set_properties({"title": "Lakeside POS report", "created": datetime(company.year, 1, 1)})  # noqa: DTZ001
    bold = workbook.add_format({"bold": True})
    as_date = workbook.add_format({"num_format": "yyyy-mm-dd"})
    as_amount = workbook.add_format({"num_format": "#,##0.00"})
    sheet = workbook.add_worksheet("POS Report")
    sheet.set_column(0, len(LAKESIDE_COLUMNS) - 1, 15)
    sheet.freeze_panes(LAKESIDE_HEADER_ROW, 0)
    for number, text in enumerate(
        (
            "Lakeside Distribution",
            "Point-of-sale report to the manufacturer",
            f"Period: {delivery.part}",
            "Amounts in USD, net of tax",
        )
    ):
        sheet.write_string(number, 0, text, bold)
    for number, name in enumerate(LAKESIDE_COLUMNS):
        sheet.write_string(LAKESIDE_HEADER_ROW - 1, number, name, bold)
    # a workbook is written cell by cell: the one place of the room that walks over rows
    for number, (*cells, date_text, amount_text) in enumerate(rows, start=LAKESIDE_HEADER_ROW):
        for column, value in enumerate(cells):
            if value is None:
                continue
            name = LAKESIDE_COLUMNS[column]
            if name == "Sale Date" and date_text is None:
                sheet.write_datetime(number, column, value, as_date)
            elif name == "Qty":
                sheet.write_number(number, column, value)
            elif name == "Net USD" and amount_text is None:
                sheet.write_number(number, column, value, as_amount)
            else:
                text = {"Sale Date": date_text, "Net USD": amount_text}.get(name, value)
                sheet.write_string(number, column, text)
    notes = workbook.add_worksheet("Notes")
    for number, text in enumerate(
        (
            "Type: SALE, RETURN, CREDIT. Status: ORIG original, ADD addendum, REPL replacement, CANC cancellation.",
            "Item Code is our own code; Dealer No is the manufacturer's partner number.",
        )
    ):
        notes.write_string(number, 0, text)
    workbook.close()


def _prairie(connection: duckdb.DuckDBPyConnection, delivery: Delivery, company: Company, path: Path) -> None:
    columns = f"""
        document_number as doc_no,
        line_number as doc_line,
        {_word("document_type", TYPE_WORDS[PRAIRIE])} as doc_type,
        document_date as sold_at,
        reference_document_number as ref_doc,
        {_word("record_intent", INTENT_WORDS[PRAIRIE])} as intent,
        reseller_id as store,
        end_customer_id as customer,
        product_code as sku,
        cast(quantity as decimal(18, 4)) as qty,
        unit as uom,
        net_amount as net_cad
    """
    connection.execute(
        f"copy ({_rows(delivery, columns)}) to {quoted(str(path))} "
        "(format parquet, compression zstd, use_tmp_file false)"
    )
