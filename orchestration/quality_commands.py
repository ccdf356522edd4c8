"""`rebates validate try` and `rebates quarantine`: rules on trial, and rows that wait for somebody.

What belongs here: arguments and the layout of answers. The work is done in the validation room; rates and rebates
come from the published snapshot.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from orchestration import runs
from orchestration.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

RATES = """
    select coalesce(l.reseller_id, l.sold_to_id, l.distributor_id) as partner_id, l.currency,
           sum(r.amount) as rebate, sum(l.net_amount) as amount
    from fct_line as l left join (select line_key, sum(amount) as amount from fct_line_rebate group by 1) as r
        using (line_key)
    group by 1, 2 having sum(r.amount) is not null and sum(l.net_amount) > 0
"""
"""What a partner's lines earned and their net amount: a rate to estimate with."""


def snapshot(settings: Settings, sql: str) -> pa.Table | None:
    """Rows of the published snapshot; None if none was published yet."""
    from orchestration import publish

    if not (settings.published / "snapshot" / "CURRENT").is_file():
        return None
    return publish.query(settings, sql)


def rates(settings: Settings) -> dict[tuple[str, str], Decimal]:
    """(partner, currency) → rebate per unit of net amount; empty without a snapshot."""
    found = snapshot(settings, RATES)
    rows = found.to_pylist() if found is not None else []
    return {
        (row["partner_id"], row["currency"]): Decimal(str(row["rebate"])) / Decimal(str(row["amount"])) for row in rows
    }


def judged(settings: Settings) -> Settings:
    """The settings, once something was validated; RunError before."""
    if not (settings.quarantine / "line" / "_schema.parquet").is_file():
        raise runs.RunError(f"nothing was validated yet in {settings.data}: `rebates run --as-of DATE` does it")
    return settings


def _money(value: Decimal | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def add(
    main: click.Group,
    plain_errors: Callable[..., Any],
    settings_of: Callable[[], Settings],
    console_of: Callable[[], Console],
) -> None:
    """Add the commands to the command line."""

    @main.group()
    def validate() -> None:
        """Rules on rows (expectations/)."""

    @validate.command("try")
    @click.argument("rule")
    @click.option("--on", "month", required=True, metavar="MONTH", help="Month of the lines, e.g. 2017-03.")
    @plain_errors
    def validate_try(rule: str, month: str) -> None:
        """What RULE (a suite file, or FILE:RULE_ID) would hit among a month's lines. Writes nothing."""
        from orchestration import screen, stages, validation

        settings = judged(settings_of())
        runs.month_end(month)
        name, _, rule_id = rule.partition(":")
        wanted = validation.Currencies(("USD",), 10)
        if (settings.program_tables / "program.parquet").is_file():
            codes, age = stages.program_currencies(settings)
            wanted = validation.Currencies(codes, age)
        rebates = snapshot(settings, "select line_key, currency, amount from fct_line_rebate")
        hits = validation.try_rule(
            settings, Path(name), rule_id or None, month, currencies=wanted, line_rebates=rebates
        )
        console = console_of()
        for hit in hits:
            console.print(Text(f"{hit.rule} ({hit.severity}) on the lines of {month}", style="bold"))
            if not hit.rows_judged:
                console.print("  no line of the month is judged by this suite: nothing was tried")
                continue
            console.print(
                f"  {hit.rows:,} of {hit.rows_judged:,} rows, {hit.partners:,} partners;"
                f" {hit.already:,} of the rows are quarantined or held already"
            )
            amounts = ", ".join(f"{_money(amount)} {currency}" for currency, amount in hit.amounts.items())
            console.print(f"  net amount: {amounts or 'none'}")
            if rebates is None:
                console.print("  rebate: not known, no snapshot was published yet")
            else:
                hanging = ", ".join(f"{_money(amount)} {currency}" for currency, amount in hit.rebates.items())
                console.print(f"  rebate that hangs on them in the published snapshot: {hanging or 'none'}")
            if hit.samples:
                columns = ("source", "receipt", "row", "document, line", "value")
                console.print(screen.table("First rows", columns, list(hit.samples)))
        console.print(Text("Nothing was written.", style="dim"))

    @main.group()
    def quarantine() -> None:
        """What waits for somebody: rows quarantined or held, not corrected since, and sales held for stock."""

    @quarantine.command("list")
    @click.option("--source", metavar="SOURCE", help="Rows of this source only.")
    @click.option("--rule", metavar="RULE", help="Rows that failed this rule only.")
    @click.option("--month", metavar="MONTH", help="Lines of this month only, e.g. 2017-03.")
    @click.option("--limit", default=20, show_default=True, metavar="N", help="How many rows to show.")
    @plain_errors
    def quarantine_list(source: str | None, rule: str | None, month: str | None, limit: int) -> None:
        """Open rows and the money that hangs on them: by rule, then row by row, most money first.

        Then sales that are held because their distributor's stock cannot be true, as stock:DISTRIBUTOR:PRODUCT:MONTH.
        """
        from orchestration import screen, stock_holds, validation

        settings, console = judged(settings_of()), console_of()
        items = validation.worklist.open_rows(settings, rates(settings), source=source, rule=rule, month=month)
        wanted = rule in (None, stock_holds.RULE) and source is None
        holds = stock_holds.held(lambda sql: snapshot(settings, sql), month=month) if wanted else []
        if not items:
            console.print("No open rows.")
        if holds:
            of_holds = ("held", "because", "difference", "lines", "net amount", "", "rebate")
            of_stock = [
                (h.name, h.findings, f"{h.difference or 0:f}", h.lines, _money(h.amount), h.currency, _money(h.rebate))
                for h in holds[:limit]
            ]
            title = f"Sales held as stock cannot be true ({stock_holds.RULE}): {len(holds):,}"
            console.print(screen.table(title, of_holds, of_stock))
        if not items:
            return
        by_rule = [
            (name, currency, rows, _money(amount), _money(rebate))
            for name, currency, rows, amount, rebate in validation.worklist.totals(items)
        ]
        columns = ("rule", "currency", "rows", "net amount", "rebate, about")
        console.print(screen.table(f"{len(items):,} open rows, by rule", columns, by_rule))
        items.sort(key=lambda item: (-abs(item.amount or Decimal(0)), item.file_sequence, item.row_number))
        listed = [
            (item.name, item.entity, item.source, item.verdict, "; ".join(item.rules), item.partner,
             _money(item.amount), item.currency, _money(item.rebate))
            for item in items[:limit]
        ]  # fmt: skip
        shown = ("row", "rows are", "source", "verdict", "rules", "partner", "net amount", "", "rebate, about")
        console.print(screen.table(f"The {len(listed)} with most money (--limit)", shown, listed))

    @quarantine.command("show")
    @click.argument("row")
    @plain_errors
    def quarantine_show(row: str) -> None:
        """Why ROW (<receipt>:<row> or stock:..., as the list shows it) is open, its values, and what can be done."""
        from orchestration import screen, stock_holds, validation

        settings, console = judged(settings_of()), console_of()
        if row.startswith("stock:"):
            for hold in stock_holds.named(stock_holds.held(lambda sql: snapshot(settings, sql)), row):
                console.print(Text(f"{hold.name}: {hold.lines:,} lines held ({stock_holds.RULE})", style="bold"))
                console.print(f"because: {hold.findings}; reported less computed stock: {hold.difference or 0:f}")
                money = f"{_money(hold.amount)} {hold.currency}" if hold.lines else "none"
                console.print(f"net amount {money}; rebate accrued and held: {_money(hold.rebate) or 'none'}")
            console.print("repair: a corrected stock or sales report; or `rebates quarantine release`, with --on")
            return
        items = validation.worklist.open_rows(settings, rates(settings), row=row)
        if not items:
            raise validation.DecisionError(f"{row}: no open row of that name; `rebates quarantine list` shows them")
        [item] = items
        money = f"{_money(item.amount)} {item.currency}" if item.amount is not None else "not readable"
        console.print(Text(f"{item.source}/{item.file_name} row {item.row_number}: {item.verdict}", style="bold"))
        rebate = _money(item.rebate) or "not known"
        console.print(f"net amount {money}; rebate at risk, about: {rebate}", soft_wrap=True)
        found = [
            (reason.rule, reason.severity, reason.value, reason.reason, reason.repair or "a corrected file",
             reason.owner, "yes" if reason.releasable else "no")
            for reason in validation.worklist.reasons(settings, item)
        ]  # fmt: skip
        columns = ("rule", "severity", "value", "reason", "repair", "owner", "releasable")
        console.print(screen.table("", columns, found))

    @quarantine.command("release")
    @click.argument("rows", nargs=-1, required=True)
    @click.option("--rule", metavar="RULE", help="From this rule only (default: from all that hold the row).")
    @click.option("--by", required=True, metavar="NAME", help="Who decides.")
    @click.option("--comment", required=True, metavar="TEXT", help="Why.")
    @click.option("--on", metavar="DATE", help="Sales held for stock: the day from which on the release counts.")
    @plain_errors
    def quarantine_release(rows: tuple[str, ...], rule: str | None, by: str, comment: str, on: str | None) -> None:
        """Release ROWS (<receipt>:<row>, or <receipt>: all of a file); counts with the next run.

        Held rows can be released, and rejected ones where the rule says so. The decision is kept in landing/. Sales
        held for stock are named as the list names them (stock:...), with --on.
        """
        from orchestration import stock_holds, validation

        settings = judged(settings_of())
        of_stock = [name for name in rows if name.startswith("stock:")]
        if of_stock:
            if len(of_stock) < len(rows) or rule not in (None, stock_holds.RULE):
                raise stock_holds.ReleaseError(
                    "rows of files and sales held for stock are released one after the other"
                )
            if on is None:
                raise stock_holds.ReleaseError("a release of sales held for stock needs the day it counts from: --on")
            holds = stock_holds.held(lambda sql: snapshot(settings, sql))
            try:
                day = date.fromisoformat(on)
            except ValueError:
                raise stock_holds.ReleaseError(f"--on {on!r}: expected YYYY-MM-DD, for example 2017-06-30") from None
            name = stock_holds.release(settings, holds, of_stock, by=by, comment=comment, on=day)
            console_of().print(
                f"landing/{stock_holds.SOURCE}/{name}: {len(set(of_stock)):,} released by {by.strip()};"
                " they count with the next run whose as-of date is not before that day."
            )
            return
        made, _ = validation.worklist.release_rows(settings, rows, rule=rule, by=by, comment=comment)
        console_of().print(
            f"Decision {made.number:06}: {len(made.rows):,} rows released by {made.by}; they count with the next run."
        )
