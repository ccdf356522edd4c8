"""What accrual methods would have accrued month by month, beside what was finally earned.

What belongs here: running the published models as of past month ends, and holding estimates against the outcome.
What does not: any forecast or payout (the models), which methods are tried (orchestration/backtest.py).
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pyarrow as pa

from orchestration.settings import Settings
from orchestration.simulation import engine
from orchestration.simulation.published import History, Published
from orchestration.simulation.worlds import World, own, together

OUTPUTS = ("fct_accrual_estimate",)
"""The model that is calculated; what it is made of is read too."""

CENT = Decimal("0.0001")

Key = tuple[int, str, str, str]
"""World, program key, period, participant."""


@dataclass(frozen=True)
class Row:
    """One method, measurement period and month end.

    ``accrued``: liability by the method. ``hindsight``: what would have stood, had the outcome been known: each
    participant's final payout, in the proportion in which its payout base had come in. ``earned``: payout on the
    lines so far. ``final``: what the period earned in the end. Money, in the program's currency.
    """

    method: int
    program_key: str
    period_id: str
    period_end: date
    as_of: date
    accrued: Decimal
    earned: Decimal
    hindsight: Decimal
    final: Decimal

    @property
    def miss(self) -> Decimal:
        """Accrued too much (above zero) or too little."""
        return self.accrued - self.hindsight


_SQL = """
    with lines as (
        select s.program_key, s.participant_id, s.period_id,
            sum(case when p.rate_kind = 'per_unit' then s.base_quantity else s.amount end) as base
        from int_scope_sum as s
        inner join int_program as p on s.scope_key = p.earning_scope
        where s.line_use = 'current' and s.payee_number = 1
        group by all
    )
    select o.program_key, o.period_id, o.participant_id, d.period_start, d.period_end,
        o.payout as earned, o.minor_unit, cast(e.estimate_minor as decimal(38, 0)) as estimate_minor,
        coalesce(l.base, 0) as base
    from int_payout as o
    inner join int_program_period as d using (program_key, period_id)
    left join int_accrual_estimate as e on o.payout_id = e.payout_id
    left join lines as l
        on o.program_key = l.program_key and o.participant_id = l.participant_id and o.period_id = l.period_id
    order by all
"""


def month_ends(first: date, last: date) -> Iterator[date]:
    """The last day of every calendar month from the first day's to the last day's, none after ``last``."""
    day = first
    while True:
        end = day.replace(day=calendar.monthrange(day.year, day.month)[1])
        if end > last:
            return
        yield end
        day = end + timedelta(days=1)


def backtest(
    settings: Settings, published: Published, worlds: Sequence[World], subjects: Sequence[str], history: History
) -> list[Row]:
    """Rows of every closed period of the programs ``subjects`` (their keys), by method (world), period and month end.

    Lines count as they are known today, up to each month's end: the forecast is tested, not the delivery of data.
    Raises SimulationError as engine.calculated does.
    """
    final = {
        key: row for key, row in _at(settings, published, worlds, subjects, history.last) if row[1] <= history.last
    }
    rows = []
    first = min((max(start, history.first) for start, *_ in final.values()), default=history.last)
    for as_of in month_ends(first, history.last):
        found = dict(_at(settings, published, worlds, subjects, as_of))
        sums: dict[tuple[int, str, str], list[Decimal]] = {}
        for key, (start, end, earned, payout, base) in sorted(final.items()):
            if as_of < start or as_of.replace(day=1) > end:
                continue
            _, _, so_far, accrued, base_so_far = found.get(key, (start, end, Decimal(0), Decimal(0), Decimal(0)))
            whole = max(earned, Decimal(0))
            share = base_so_far / base if base > 0 else Decimal(1)
            known = sums.setdefault(key[:3], [Decimal(0)] * 4)
            for place, amount in enumerate((accrued, so_far, max(whole * share, Decimal(0)), payout)):
                known[place] += amount
        ends = {key[:3]: row[1] for key, row in final.items()}
        rows += [
            Row(*key, ends[key], as_of, amounts[0], amounts[1], amounts[2].quantize(CENT, ROUND_HALF_UP), amounts[3])
            for key, amounts in sums.items()
        ]
    return sorted(rows, key=lambda row: (row.program_key, row.period_end, row.as_of, row.method))


def _at(
    settings: Settings, published: Published, worlds: Sequence[World], subjects: Sequence[str], as_of: date
) -> Iterator[tuple[Key, tuple[date, date, Decimal, Decimal, Decimal]]]:
    """By method, program, period and participant: first and last day, earned, accrued, payout base, as of a day."""
    with engine.calculated(settings, published, together(worlds), as_of, OUTPUTS) as connection:
        table: pa.Table = connection.sql(_SQL).to_arrow_table()
    for row in table.to_pylist():
        number, program_key = own(row["program_key"])
        if program_key in subjects:
            minor = row["estimate_minor"]
            accrued = max(row["earned"], Decimal(0)) if minor is None else minor.scaleb(-row["minor_unit"])
            values = (row["period_start"], row["period_end"], row["earned"], accrued, row["base"])
            yield (number, program_key, row["period_id"], row["participant_id"]), values
