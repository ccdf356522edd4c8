"""Workbooks under finance's own names, from the published snapshot: journals, roll-forward, ageing, statements.

What belongs here: which workbooks there are and where they lie. What does not: figures (dbt) and the ERP's files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from orchestration.publish.finance.ageing import claim_ageing
from orchestration.publish.finance.book import write_book
from orchestration.publish.finance.journals import accrual_journal, payment_run
from orchestration.publish.finance.model import Book
from orchestration.publish.finance.published import Published
from orchestration.publish.finance.rollforward import liability_rollforward
from orchestration.publish.finance.statements import write_statements
from orchestration.publish.format import PublishError
from orchestration.publish.money import minor_units
from orchestration.publish.snapshot import open_snapshot
from orchestration.settings import Settings

__all__ = ["OF_A_MONTH", "WORKBOOKS", "write_finance"]

OF_A_MONTH: dict[str, Callable[[Published, str], Book]] = {
    "accrual_journal": accrual_journal,
    "payment_run": payment_run,
    "liability_rollforward": liability_rollforward,
}
"""Workbooks of any month up to the snapshot's: what was posted does not change."""

OF_TODAY: dict[str, Callable[[Published, str], Book]] = {"claim_ageing": claim_ageing}
"""Workbooks of the snapshot's own month only, since they show what stands at its as-of date."""

STATEMENTS = "partner_statements"
"""The statements: as those of today, a folder of them."""

WORKBOOKS = (*OF_A_MONTH, *OF_TODAY, STATEMENTS)
"""Names of all workbooks, in the order in which they are written."""


def write_finance(settings: Settings, month: str | None = None, names: Sequence[str] = WORKBOOKS) -> list[Path]:
    """Write workbooks of a month from the published snapshot, and return their paths.

    ``month``: accounting month, by default the snapshot's. The bytes depend on the snapshot and the ledger alone.
    Raises PublishError when there is no snapshot, when it does not show that month, for an unknown name, and when
    something does not tie (nothing is written of that workbook then).
    """
    if unknown := [name for name in names if name not in WORKBOOKS]:
        raise PublishError(f"workbook {', '.join(unknown)}: expected one of {', '.join(WORKBOOKS)}")
    written = []
    books = OF_A_MONTH | OF_TODAY
    with open_snapshot(settings) as connection:
        house = Published(settings, connection, minor_units(settings))
        month = month or house.month
        if month > house.month:
            raise PublishError(
                f"the published snapshot is of {house.month}: `rebates close {month}` comes before {month}"
            )
        if month != house.month and (today := [name for name in names if name not in OF_A_MONTH]):
            raise PublishError(f"{', '.join(today)}: the published snapshot is of {house.month}, not of {month}")
        for name in names:
            if name == STATEMENTS:
                written += write_statements(house, month, settings.published / "statements" / month)
                continue
            path = settings.published / "finance" / month / f"{name}_{month}.xlsx"
            write_book(path, books[name](house, month), house.units)
            written.append(path)
    return written
