"""How good a partner's data are, in words and tables: the scorecard, the money at risk, the stock that cannot be true.

What belongs here: rows of rpt_data_quality, rpt_rebate_at_risk and rpt_channel_inventory on the screen. What does not:
any score (dbt), and the workbook (publish/scorecard.py).
"""

from __future__ import annotations

import duckdb

from orchestration.explain.blocks import Block, Heading, Say, Table
from orchestration.explain.figures import number
from orchestration.explain.snapshot import UnknownError, rows

MONTHS = 13
"""Months of a partner that are shown: the last one, and the year before it."""

SCORES = ("score", "accuracy", "completeness", "timeliness")
RISKS = ("accuracy_at_risk", "completeness_at_risk", "timeliness_at_risk", "corrections_at_risk")


def partners_page(connection: duckdb.DuckDBPyConnection) -> list[Block]:
    """Each partner's last month that has a score, worst first."""
    found = rows(
        connection,
        """select * from rpt_data_quality
           qualify row_number() over (partition by source, partner_id order by score is null, month_id desc) = 1
           order by score nulls last, source, partner_id""",
    )
    columns = ("partner", "source", "month", "", *SCORES, "3 months", "change", "reports of 12 months")
    shown = [
        (
            _name(row), row["source"], row["month_id"], row["status"], *(row[name] for name in SCORES),
            row["score_3_months"], row["score_change"],
            f"{row['periods_reported_12_months']} of {row['periods_expected_12_months']}",
        )
        for row in found
    ]  # fmt: skip
    return [Heading("Data quality: each partner's last month with a score"), Table("", columns, shown)]


def scorecard_page(connection: duckdb.DuckDBPyConnection, partner_id: str) -> list[Block]:
    """A partner's months, the last one in words, and what is at risk. Raises UnknownError."""
    found = rows(
        connection,
        "select * from rpt_data_quality where partner_id = ? order by source, month_id desc",
        partner_id,
    )
    if not found:
        known = rows(connection, "select distinct partner_id from rpt_data_quality order by 1")
        raise UnknownError(
            f"no data of partner {partner_id} are scored in the snapshot", [row["partner_id"] for row in known]
        )
    blocks: list[Block] = []
    for source in dict.fromkeys(row["source"] for row in found):
        mine = [row for row in found if row["source"] == source][:MONTHS]
        blocks.append(Heading(f"{_name(mine[0])}: data of {source}"))
        columns = ("month", "", *SCORES, "3 months", "rows", "held", "quarantined", "late", "superseded", "days")
        counts = ("rows_in", "rows_held", "rows_quarantined", "rows_late", "rows_superseded", "days_to_receipt")
        months = [
            (row["month_id"], row["status"], *(row[n] for n in (*SCORES, "score_3_months", *counts))) for row in mine
        ]
        blocks.append(Table("", columns, months))
        blocks += [Say(f"{row['month_id']}: {row['in_words']}") for row in mine[:2]]
        risks = [
            (row["month_id"], *(row[name] or "" for name in RISKS)) for row in mine if any(row[name] for name in RISKS)
        ]
        if risks:
            titles = ("month", *(name.removesuffix("_at_risk") for name in RISKS))
            blocks.append(Table("Rebate money at risk (the columns overlap)", titles, risks))
    return [*blocks, *_stock(connection, partner_id)]


def _stock(connection: duckdb.DuckDBPyConnection, partner_id: str) -> list[Block]:
    """The months of products whose stock cannot be true, newest first."""
    found = rows(
        connection,
        """select * from rpt_channel_inventory where distributor_id = ? and status in ('held', 'released')
           order by month_id desc, product_id limit 50""",
        partner_id,
    )
    if not found:
        return []
    figures = (
        "opening_stock", "sell_in_quantity", "sell_through_quantity", "computed_closing", "reported_closing",
        "stock_difference", "stock_tolerance",
    )  # fmt: skip
    columns = (
        "month", "product", "opening", "sell-in", "sell-through", "computed", "reported", "difference", "tolerance",
        "finding", "",
    )  # fmt: skip
    shown = [
        (
            row["month_id"], row["product_id"], *(number(row[name]) for name in figures), row["stock_findings"],
            row["status"],
        )
        for row in found
    ]  # fmt: skip
    return [Heading("Stock that cannot be true (at most 50)"), Table("", columns, shown)]


def _name(row: dict[str, object]) -> str:
    name = row["partner_name"]
    return f"{row['partner_id']} {name}" if name else str(row["partner_id"])
