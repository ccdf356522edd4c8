"""A partner's data quality as an Excel workbook to be shown to the partner.

What belongs here: how the workbook looks, and the definitions in plain words. What does not: any figure (dbt: the marts
rpt_data_quality, rpt_rebate_at_risk, rpt_channel_inventory), and the screen (explain/scorecard.py). Equal snapshots
give equal bytes: the creation date is the as-of date. Every text is written as text, so nothing that begins with
= + - @ is a formula.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter
from xlsxwriter.utility import xl_range_abs
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from orchestration.publish.format import PublishError

_BLUE = "#1F3864"
_WIDTHS = {"In words": 75, "What cannot be true": 26, "Why": 18, "Name": 24, "Decision": 30}
_WIDTH = 14
_LINE_HEIGHT = 15
_HEADER = 3  # row of the headers (from 0): title, subtitle and an empty row stand above

SHEETS: dict[str, tuple[str, str]] = {
    "Scorecard": (
        "Scores in percent, by month",
        """select source as "Source", month_id as "Month", status as "Status", score as "Score", accuracy as "Accuracy",
                  completeness as "Completeness", timeliness as "Timeliness", score_3_months as "Mean of 3 months",
                  in_words as "In words"
           from rpt_data_quality where partner_id = ? order by source, month_id""",
    ),
    "Counts": (
        "What the scores are computed from, by month",
        """select source as "Source", month_id as "Month", rows_in as "Rows", rows_accepted as "Rows passed",
                  rows_held as "Rows held", rows_quarantined as "Rows quarantined", values_filled as "Values filled",
                  values_expected as "Values agreed", end_customers_identified as "End customers identified",
                  end_customers_expected as "End customers agreed", due_on as "Due on",
                  first_received_on as "First received on", last_received_on as "Last received on",
                  rows_late as "Rows late", rows_superseded as "Rows corrected later", corrected as "Corrected, %"
           from rpt_data_quality where partner_id = ? order by source, month_id""",
    ),
    "Money at risk": (
        "Rebate money that hangs on the data; the rows overlap and are not to be added up",
        """select source as "Source", month_id as "Month", aspect as "Score", replace(risk, '_', ' ') as "Why",
                  currency as "Currency", rebate_at_risk as "Rebate at risk",
                  case when is_estimate then 'estimated' else 'booked' end as "Kind",
                  rows_amount as "Amount of the rows", line_currency as "Their currency",
                  effective_rate * 100 as "Effective rate, %"
           from rpt_rebate_at_risk where partner_id = ?
           order by source, month_id, aspect, risk, line_currency, currency""",
    ),
    "Stock": (
        "Opening + sell-in - returned to us - sell-through + returned by customers = closing, in base units",
        """select month_id as "Month", product_id as "Product", product_name as "Name", opening_stock as "Opening",
                  sell_in_quantity as "Sell-in", returned_to_us as "Returned to us",
                  sell_through_quantity as "Sell-through", returned_by_customers as "Returned by customers",
                  computed_closing as "Computed closing", reported_closing as "Reported closing",
                  stock_difference as "Difference", stock_tolerance as "Tolerance",
                  replace(stock_findings, '_', ' ') as "What cannot be true", status as "Status", comment as "Decision"
           from rpt_channel_inventory where distributor_id = ? and (stock_findings is not null or status = 'released')
           order by month_id, product_id""",
    ),
}
"""Sheets with figures: title in the sheet, and the query for a partner's rows."""

DEFINITIONS = (
    (
        "Accuracy",
        "Rows that passed every check, in percent of the rows that came. Held and quarantined rows did not pass.",
    ),
    (
        "Completeness",
        "Agreed values that are filled and end customers that are identified, in percent of those agreed. A month of"
        " which nothing came has 0.",
    ),
    (
        "Timeliness",
        "100 for a row that came by the due day; for each day after it a part is taken off, down to 0. The mean over"
        " the rows. A month of which nothing came has 0.",
    ),
    ("Score", "The mean of the three, of those that are known."),
    (
        "Corrected",
        "Rows that were corrected, replaced or cancelled later, in percent of the rows that came. Not in the score.",
    ),
    ("Held", "The rebate on the row is accrued and not paid until the row is repaired or released."),
    ("Quarantined", "The row does not count until it, or the data that it refers to, are repaired."),
    (
        "Rebate at risk",
        "Booked: the rebate that stands on the rows. Estimated: the amount of the rows at what your rows earn on the"
        " average (effective rate); for a month that did not come the mean of those that came.",
    ),
)


def write_scorecard(connection: duckdb.DuckDBPyConnection, partner_id: str, path: Path) -> None:
    """Write a partner's workbook, whole or not at all. ``connection``: to a snapshot. Raises PublishError."""
    names = connection.execute(
        "select max(partner_name), count(*) from rpt_data_quality where partner_id = ?", [partner_id]
    ).fetchall()
    [(name, months)] = names
    if not months:
        raise PublishError(f"no data of partner {partner_id} are scored in the snapshot")
    [(as_of,)] = connection.execute("select as_of from rpt_run").fetchall()
    half = path.with_name(f".{path.name}.part")
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    workbook = xlsxwriter.Workbook(str(half), {"tmpdir": str(path.parent), **options})
    title = f"Data quality of {partner_id}{f' {name}' if name else ''}"
    workbook.set_properties({"title": title, "created": datetime.combine(as_of, time())})
    for sheet_name, (subtitle, query) in SHEETS.items():
        cursor = connection.execute(query, [partner_id])
        columns = [column[0] for column in cursor.description or ()]
        rows = cursor.fetchall()
        sheet = _sheet(workbook, sheet_name, title, f"{subtitle}. As of {as_of}.", columns, rows)
        if sheet_name == "Scorecard":
            _chart(workbook, sheet, columns, len(rows))
    _definitions(workbook, title)
    workbook.close()
    os.replace(half, path)  # noqa: PTH105 - one step, also over an existing file


def _sheet(
    workbook: Workbook,
    name: str,
    title: str,
    subtitle: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> Worksheet:
    sheet = workbook.add_worksheet(name)
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.freeze_panes(_HEADER + 1, 2)
    sheet.write_string(0, 0, title, workbook.add_format({"bold": True, "font_size": 14, "font_color": _BLUE}))
    sheet.write_string(1, 0, subtitle, workbook.add_format({"font_color": "#595959"}))
    head = workbook.add_format(
        {"bold": True, "font_color": "#FFFFFF", "bg_color": _BLUE, "text_wrap": True, "valign": "vcenter"}
    )
    formats = {
        "number": workbook.add_format({"num_format": "#,##0.00##"}),
        "count": workbook.add_format({"num_format": "#,##0"}),
        "day": workbook.add_format({"num_format": "yyyy-mm-dd"}),
        "text": workbook.add_format({"num_format": "@", "text_wrap": True}),
    }
    for each in formats.values():
        each.set_align("top")
    for column, label in enumerate(columns):
        sheet.write_string(_HEADER, column, label, head)
        sheet.set_column(column, column, _WIDTHS.get(label, _WIDTH))
    # a partner's months and findings: few rows, written cell by cell as a workbook is
    sheet.set_row(_HEADER, 2 * _LINE_HEIGHT)
    for number, row in enumerate(rows, start=_HEADER + 1):
        texts = [
            (len(v), _WIDTHS.get(label, _WIDTH)) for v, label in zip(row, columns, strict=True) if isinstance(v, str)
        ]
        sheet.set_row(number, _LINE_HEIGHT * max((1 + length // width for length, width in texts), default=1))
        for column, value in enumerate(row):
            if isinstance(value, Decimal):
                sheet.write_number(number, column, value, formats["number"])
            elif isinstance(value, int):
                sheet.write_number(number, column, value, formats["count"])
            elif isinstance(value, date):
                sheet.write_datetime(number, column, datetime.combine(value, time()), formats["day"])
            elif value is not None:
                sheet.write_string(number, column, value, formats["text"])
    if rows:
        sheet.autofilter(_HEADER, 0, _HEADER + len(rows), len(columns) - 1)
    else:
        sheet.write_string(_HEADER + 1, 0, "Nothing.", formats["text"])
    return sheet


def _chart(workbook: Workbook, sheet: Worksheet, columns: Sequence[str], rows: int) -> None:
    """The scores over the months, below the table."""
    chart = workbook.add_chart({"type": "line"})
    first, last = _HEADER + 1, _HEADER + max(rows, 1)

    def cells(label: str) -> str:
        place = columns.index(label)
        return f"='Scorecard'!{xl_range_abs(first, place, last, place)}"

    for label in ("Score", "Accuracy", "Completeness", "Timeliness"):
        chart.add_series(
            {"name": label, "categories": cells("Month"), "values": cells(label), "marker": {"type": "circle"}}
        )
    chart.set_y_axis({"min": 0, "max": 100, "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
    chart.set_title({"name": "Scores by month", "name_font": {"size": 12}})
    chart.set_size({"width": 900, "height": 300})
    sheet.insert_chart(last + 2, 0, chart)


def _definitions(workbook: Workbook, title: str) -> None:
    sheet = workbook.add_worksheet("How it is computed")
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 110)
    sheet.write_string(0, 0, title, workbook.add_format({"bold": True, "font_size": 14, "font_color": _BLUE}))
    label = workbook.add_format({"bold": True, "valign": "top"})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    for number, (name, meaning) in enumerate(DEFINITIONS, start=2):
        sheet.write_string(number, 0, name, label)
        sheet.write_string(number, 1, meaning, wrapped)
