"""Lines held because a distributor's stock cannot be true, as a work list, and their release.

What belongs here: what `rebates quarantine` says and does about such lines beside single rows. What does not: the
comparison itself (int_channel_stock), rows that validation holds (validation/worklist.py). Such a hold is of a
distributor, product and month and follows from figures of the published snapshot; its release is a row that lands
(decision 0163), with a day from which on it counts.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from orchestration import runs
from orchestration.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

RULE = "channel_stock"
"""The rule that lines so held fail (fct_line.rules_failed)."""

SOURCE = "stock_releases"
"""The source of releases: its shipped mapping reads what is written here."""

COLUMNS = ("distributor_id", "product_id", "month_id", "decision", "decided_by", "decided_on", "comment")

HELD = """
    select
        s.distributor_id, s.product_id, s.month_id, s.stock_findings, s.stock_difference, l.currency,
        count(l.line_key) as lines, sum(l.net_amount) as amount, sum(r.amount) as rebate
    from rpt_channel_inventory as s
    left join fct_line as l
        on s.distributor_id = l.distributor_id and s.product_id = l.product_id and s.month_id = l.month_id
        and l.stream = 'sell_through' and contains(l.rules_failed, 'channel_stock')
    left join (select line_key, sum(amount) as amount from fct_line_rebate group by 1) as r using (line_key)
    where s.status = 'held'
    group by all
    order by abs(sum(l.net_amount)) desc nulls last, 1, 2, 3, l.currency
"""


class ReleaseError(runs.RunError):
    """A release of stock that cannot be made. The message says why."""


@dataclass(frozen=True)
class Hold:
    """A distributor's product and month whose sales are held; one per currency of the lines."""

    distributor_id: str
    product_id: str
    month_id: str
    findings: str
    difference: Decimal | None
    currency: str
    lines: int
    amount: Decimal | None
    rebate: Decimal | None
    """Rebate earned on the lines: exact, they are accrued."""

    @property
    def name(self) -> str:
        """How a person names the hold."""
        return f"stock:{self.distributor_id}:{self.product_id}:{self.month_id}"


def held(snapshot: Callable[[str], pa.Table | None], *, month: str | None = None) -> list[Hold]:
    """What is held in the published snapshot, most money first; nothing before one was published."""
    found = snapshot(HELD)
    rows = found.to_pylist() if found is not None else []
    holds = [
        Hold(
            row["distributor_id"], row["product_id"], row["month_id"], row["stock_findings"], row["stock_difference"],
            row["currency"] or "", row["lines"], row["amount"], row["rebate"],
        )
        for row in rows
    ]  # fmt: skip
    return [hold for hold in holds if month in (None, hold.month_id)]


def named(holds: list[Hold], name: str) -> list[Hold]:
    """The holds of that name, one per currency of their lines; ReleaseError where there is none."""
    found = [hold for hold in holds if hold.name == name]
    if not found:
        raise ReleaseError(f"{name}: not held in the published snapshot; `rebates quarantine list` shows what is")
    return found


def release(settings: Settings, holds: list[Hold], names: list[str], *, by: str, comment: str, on: date) -> str:
    """Deliver a release of the named holds as the next file of landing/stock_releases/; its name.

    on: the business day from which it counts. Raises ReleaseError for a name that is not held, without a name or a
    comment, and where nothing would read the file.
    """
    if not by.strip() or not comment.strip():
        raise ReleaseError("a release needs who decided (--by) and why (--comment)")
    if not (settings.sources / f"{SOURCE}.yml").is_file():
        raise ReleaseError(f"{settings.sources / SOURCE}.yml is missing: nothing would read the release")
    known = {hold.name: hold for hold in holds}
    for name in names:
        if name not in known:
            raise ReleaseError(f"{name}: not held in the published snapshot; `rebates quarantine list` shows what is")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name in dict.fromkeys(names):
        hold = known[name]
        said = (by.strip(), on.isoformat(), " ".join(comment.split()))
        writer.writerow((hold.distributor_id, hold.product_id, hold.month_id, "released", *said))
    folder = settings.landing / SOURCE
    folder.mkdir(parents=True, exist_ok=True)
    taken = [int(found[1]) for path in folder.iterdir() if (found := re.fullmatch(r"release_(\d+)\.csv", path.name))]
    number = max(taken, default=0) + 1
    half = folder / f".release_{number:06}.{os.getpid()}.tmp"
    half.write_text(text.getvalue(), encoding="utf-8")
    try:
        while True:
            target = folder / f"release_{number:06}.csv"
            try:
                os.link(half, target)  # never over a decision that another process has just made
                return target.name
            except FileExistsError:
                number += 1
    finally:
        half.unlink()
