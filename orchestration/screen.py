"""What a person sees in the terminal: stages as they begin and end, and one page at the end of a run.

What belongs here: layout. Figures come ready from the snapshot, the ledger and the run's events.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from orchestration.execute import Happening, Outcome
from orchestration.explain.blocks import Block, Heading, Say

STAGES = {
    "take_in": "intake: landing files to raw rows",
    "programs": "programs: documents to tables",
    "validation": "validation: a verdict for every row",
    "run_context": "run context",
    "run__claim_decision": "what people decided about claims",
    "run__line_reduction": "stacking: what net_of programs reduce lines by",
    "calculation": "calculation: lines to payouts and liability",
    "adjustment_batch": "books: adjustments",
    "accrual_batch": "books: accrual batch",
    "settlement_batch": "books: settlement batch",
    "settlement_proposal": "books: payments proposed to people",
    "books_marts": "books: marts read back from the ledger",
    "reconciliation": "reconciliation: do the books tie?",
    "erp_files": "publish: ERP files",
    "data_docs": "publish: data docs, what the rules found",
    "model_docs": "publish: documentation of tables and columns",
    "snapshot": "publish: analytics snapshot",
    "accrual_journal": "finance: accrual journal",
    "payment_run": "finance: payment run",
    "liability_rollforward": "finance: liability roll-forward",
    "claim_ageing": "finance: ageing of claims",
    "partner_statements": "finance: partner statements",
}
"""Steps of the jobs in order, in words."""

WORKBOOKS = {
    step: title.removeprefix("finance: ").capitalize()
    for step, title in STAGES.items()
    if title.startswith("finance: ")
}
"""Finance's workbooks, by the step that writes them."""


WIDTH = 120
"""Columns of a page that does not go to a terminal (a file, a log, another program)."""


def page(file: IO[str] | None = None) -> Console:
    """A console for the terminal, or for whatever the output goes to."""
    console = Console(file=file, highlight=False)
    return console if console.is_terminal else Console(file=file, highlight=False, width=WIDTH)


class Progress:
    """Tells of the stages of a run: a line for each, and on a terminal what it is at right now."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.status: Status | None = None
        self.stage = ""
        self.began = 0.0

    def __call__(self, happening: Happening) -> None:
        """Show one happening."""
        title = STAGES.get(happening.stage, happening.stage)
        if happening.kind == "begin":
            self.stage, self.began = happening.stage, time.monotonic()
            if self.console.is_terminal:
                self.close()
                self.status = self.console.status(title)
                self.status.start()
            else:
                self.console.print(Text(f"  … {title}"))
        elif happening.kind == "note":
            if self.status and happening.stage == self.stage:
                seconds = time.monotonic() - self.began
                note = " ".join(happening.text.split())[:90]
                self.status.update(Text.assemble(title, (f"  {seconds:.0f} s  ", "dim"), (note, "dim")))
        else:
            self.close()
            good = happening.text == "STEP_SUCCESS"
            mark = ("✓", "green") if good else ("✗", "bold red")
            self.console.print(Text.assemble("  ", mark, f" {title:<48}", (f"{happening.seconds:7.1f} s", "dim")))

    def close(self) -> None:
        """Take the moving line away."""
        if self.status:
            self.status.stop()
            self.status = None


def answer(console: Console, blocks: Iterable[Block]) -> None:
    """Headings, sentences and tables of an answer, one after the other."""
    for position, block in enumerate(blocks):
        if isinstance(block, Heading):
            if position:
                console.print()
            console.print(Text(block.text, style="bold underline" if console.is_terminal else "bold"))
        elif isinstance(block, Say):
            style = "" if block.style == "plain" else block.style
            indent = " " * 2 * block.indent
            for line in Text(block.text, style=style).wrap(console, console.width - len(indent)):
                console.print(Text.assemble(indent, line))
        else:
            console.print(table(block.title, block.columns, block.rows))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table; numbers stand to the right, exact as they are."""
    listed = [list(row) for row in rows]
    made = Table(title=title or None, title_justify="left", title_style="bold", header_style="dim", box=None)
    made.pad_edge, made.show_header = False, any(columns)
    for position, name in enumerate(columns):
        values = [row[position] for row in listed if row[position] is not None]
        numeric = bool(values) and all(isinstance(value, int | Decimal | float) for value in values)
        made.add_column(name, justify="right" if numeric else "left", no_wrap=numeric or position == 0, overflow="fold")
    for row in listed:
        made.add_row(*(Text(cell(value)) for value in row))
    return made


def cell(value: Any) -> str:
    """One value as text: numbers with separators, exact; nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    return str(value)


def money(value: Decimal | None) -> str:
    """An amount with two decimals at least and no more zeros than needed."""
    if value is None:
        return ""
    text = f"{value:,f}"
    whole, point, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(2, "0") if point else "00"
    return f"{whole}.{fraction}"


def failure(console: Console, outcome: Outcome) -> None:
    """Say where a run stopped, why, and where the log is. Nothing was published."""
    assert outcome.failure is not None
    console.print()
    stage = STAGES.get(outcome.failure.stage, outcome.failure.stage)
    console.print(Text.assemble(("Stopped", "bold red"), f" in {stage}"))
    for reason in outcome.failure.reasons:
        lines = reason.strip().splitlines() or [""]
        shown = lines if len(lines) <= 15 else [*lines[:4], "…", *lines[-10:]]
        for number, line in enumerate(shown):
            console.print(Text(("  - " if number == 0 else "    ") + line), soft_wrap=True)
    console.print(Text("What was published before stands unchanged."), style="dim")
    console.print(Text(f"Log: {outcome.log}"), style="dim", soft_wrap=True)


def elapsed(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Seconds per stage over one or several runs."""
    sums: dict[str, float] = {}
    for outcome in outcomes:
        for stage, seconds in outcome.stages.items():
            sums[stage] = sums.get(stage, 0.0) + seconds
    total = sum(outcome.seconds for outcome in outcomes)
    order = [stage for stage in STAGES if stage in sums] + [stage for stage in sums if stage not in STAGES]
    rows = [(STAGES.get(stage, stage), f"{sums[stage]:8.1f} s") for stage in order]
    rows.append(("all, with start-up", f"{total:8.1f} s"))
    console.print(table("Elapsed", ("stage", ""), rows))


def paths(console: Console, title: str, found: Sequence[Path], base: Path) -> None:
    """A list of files below a folder, each on one line."""
    console.print(Text(title, style="bold"))
    for path in found:
        console.print(Text(f"  {path.relative_to(base) if path.is_relative_to(base) else path}"), soft_wrap=True)
