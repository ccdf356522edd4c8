"""Back-tests from documents to figures: which programs and which methods, and the page and the screen.

What belongs here: putting programs, the published calculation and the answers together. What does not: figures
(simulation/backtest.py), the rules of documents (programs/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from orchestration.programs import LoadedProgram, flatten, load
from orchestration.programs.rules import problems
from orchestration.programs.schema import Accrual
from orchestration.settings import Settings
from orchestration.simulation import backtest as figures
from orchestration.simulation import chart, engine, months, published
from orchestration.simulation.backtest import Row
from orchestration.simulation.published import SimulationError
from orchestration.simulation.worlds import World

ALTERNATIVES = ("earned", "expected:run_rate", "expected:seasonality")
"""Methods that are tried beside the program's own where nobody names any."""


@dataclass(frozen=True)
class Backtest:
    """One program, the methods tried (by number, from 1) and their rows."""

    program_id: str
    currency: str
    methods: dict[int, str]
    rows: list[Row]

    def bias(self) -> list[tuple[str, Decimal, Decimal, Decimal | None]]:
        """By method, before a period's end: mean miss, its mean size, and that in percent of what should have stood."""
        found = []
        for number, name in self.methods.items():
            mine = [row for row in self.rows if row.method == number and row.as_of < row.period_end]
            count, stood = max(len(mine), 1), sum((row.hindsight for row in mine), Decimal(0))
            size = sum((abs(row.miss) for row in mine), Decimal(0))
            total = sum((row.miss for row in mine), Decimal(0))
            found.append((name, total / count, size / count, size / stood * 100 if stood else None))
        return found


def backtest(settings: Settings, program_id: str, methods: Sequence[str] = ()) -> Backtest:
    """What the methods would have accrued for a program's closed periods.

    ``methods``: as ``expected:run_rate``; without, the program's own and ALTERNATIVES. Raises SimulationError for an
    unknown program or method, one that does not go with the program, and programs without a closed period.
    """
    loaded = [each for each in load(settings.programs, settings.reference).programs if each.calculated]
    mine = [each for each in loaded if each.program.id == program_id]
    if not mine:
        known = ", ".join(sorted({each.program.id for each in loaded}))
        raise SimulationError(f"{program_id}: no such program is calculated; expected one of {known}")
    version = published.current(settings)
    with engine.database(settings) as connection:
        history = published.history(connection, version)
    mine = [each for each in mine if each.first_day <= history.last and each.last_day >= history.first]
    asked = list(dict.fromkeys(methods or (_name(mine[-1].program.accrual) if mine else "earned", *ALTERNATIVES)))
    worlds: list[World] = []
    names: dict[int, str] = {}
    for text in asked:
        changed = [_with_method(each, text) for each in mine]
        wrong = [f"{problem.field}: {problem.reason}" for each in changed for problem in problems(each.program)]
        if wrong and methods:
            raise SimulationError(f"--method {text} does not go with {program_id}: {wrong[0]}")
        if not wrong:
            number = len(worlds) + 1
            names[number] = text
            worlds.append(_world(number, changed, loaded))
    rows = figures.backtest(settings, version, worlds, [each.program.key for each in mine], history) if mine else []
    if not rows:
        raise SimulationError(f"{program_id}: no measurement period has closed by {history.last}")
    return Backtest(program_id, mine[-1].program.currency, names, rows)


def _name(accrual: Accrual) -> str:
    return accrual.method if accrual.forecast is None else f"{accrual.method}:{accrual.forecast}"


def _with_method(loaded: LoadedProgram, text: str) -> LoadedProgram:
    """The program with another method; its own figures and rates stay where the method takes any."""
    own = loaded.program.accrual
    if text == _name(own):
        return loaded
    method, _, rest = text.partition(":")
    given: dict[str, object] = {"method": method, "threshold": own.threshold}
    if method == "fixed_rate":
        given["percent"] = rest or None
    elif rest:
        given["forecast"] = rest
    if rest == "given":
        given["figures"] = own.figures
    try:
        accrual = Accrual.model_validate({name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        raise SimulationError(
            f"--method {text}: expected earned, expected:FORECAST, most_likely:FORECAST, fixed_rate:PERCENT or"
            " straight_line; FORECAST is run_rate, seasonality or given"
        ) from error
    return replace(loaded, program=loaded.program.model_copy(update={"accrual": accrual}))


def _world(number: int, members: Sequence[LoadedProgram], loaded: Sequence[LoadedProgram]) -> World:
    """The program's versions with a method, and whatever stacks with them as it is."""
    ids = {each.program.id for each in members}
    groups = {each.program.stacking.group for each in members if each.program.stacking}
    peers = [
        each
        for each in loaded
        if each.program.stacking and each.program.stacking.group in groups and each.program.id not in ids
    ]
    every = [*members, *peers]
    windows = {
        each.program.key: months.Window(each.first_day, each.last_day, each.first_day, each.last_day, stretched=False)
        for each in every
    }
    return World(number, flatten(every), windows, frozenset(ids))


# --- answers --------------------------------------------------------------------------------
COLUMNS = (
    "version",
    "period",
    "month end",
    "method",
    "accrued",
    "earned so far",
    "with hindsight",
    "miss",
    "final payout",
)


def table(made: Backtest) -> list[tuple[str, ...]]:
    """Every row as text, under COLUMNS."""
    return [
        (
            row.program_key,
            row.period_id,
            str(row.as_of),
            made.methods[row.method],
            *(f"{amount:,.2f}" for amount in (row.accrued, row.earned, row.hindsight, row.miss, row.final)),
        )
        for row in made.rows
    ]


def write_page(made: Backtest, path: Path) -> None:
    """A page with a chart of the methods and of what should have stood, and the tables. Whole or not at all."""
    days = sorted({row.as_of for row in made.rows})
    lines: dict[int, list[Decimal]] = {0: [_sum(made, 1, day, "hindsight") for day in days]}
    lines |= {number: [_sum(made, number, day, "accrued") for day in days] for number in made.methods}
    names = {0: "with hindsight", **made.methods}
    parts = [
        chart.line_drawing(f"Liability of {made.program_id}", [f"{day:%Y-%m}" for day in days], lines, names),
        chart.plain_table(
            "How far off, before the period's end", ("method", "mean", "mean size", "percent"), summary(made)
        ),
        chart.plain_table("By period and month end", COLUMNS, table(made)),
    ]
    note = f"in {made.currency}; lines as known today, up to each month's end; dashed: what should have stood"
    chart.write_page(f"Back-test of accruals: {made.program_id}", note, parts, path)


def summary(made: Backtest) -> list[tuple[str, ...]]:
    """By method: mean miss, mean size of the miss, and that in percent, as text."""
    return [
        (name, f"{mean:,.2f}", f"{size:,.2f}", "" if percent is None else f"{percent:,.1f} %")
        for name, mean, size, percent in made.bias()
    ]


def _sum(made: Backtest, number: int, day: object, what: str) -> Decimal:
    """Over the periods that have not ended before the day's month."""
    amounts = (getattr(row, what) for row in made.rows if row.method == number and row.as_of == day)
    return sum(amounts, Decimal(0))
