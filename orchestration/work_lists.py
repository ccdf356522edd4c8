"""`rebates customers` and `rebates crossref`: what waits for a person, and the way of the answers into landing/.

What belongs here: the commands and the words on the screen. What does not: who is meant by a name (matching/), the
money that hangs on unknown codes (model rpt_unknown_code, read from the snapshot).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from orchestration.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from orchestration.matching import Checked

Plain = Callable[[Callable[..., Any]], Callable[..., Any]]

_FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
_ANSWERS = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_DELIVER = click.option("--deliver", is_flag=True, help="Put the answered rows into landing/ when nothing is wrong.")


def add(main: click.Group, plain: Plain, settings: Callable[[], Settings], console: Callable[[], Console]) -> None:
    """Add the two groups to the command; the rest are its own helpers."""
    main.add_command(_customers(plain, settings, console))
    main.add_command(_crossref(plain, settings, console))


def _customers(plain: Plain, settings: Callable[[], Settings], console: Callable[[], Console]) -> click.Group:
    @click.group()
    def customers() -> None:
        """End customers that third parties name and we do not know by an id."""

    @customers.command("review")
    @click.option("--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
                  help="Write the list as .csv or .xlsx, to be answered.")  # fmt: skip
    @click.option("--answered-by", default="", metavar="NAME", help="Filled in as who answers.")
    @click.option("--limit", default=20, show_default=True, metavar="N", help="Spellings to show.")
    @click.option("--all", "every", is_flag=True, help="Also what is identified or was answered.")
    @plain
    def customers_review(output: Path | None, answered_by: str, limit: int, every: bool) -> None:
        """Spellings that wait for an answer, those with most money first, and whom they may mean."""
        from orchestration import matching, screen

        page = console()
        listed = matching.review(settings(), matching.STATUSES if every else matching.OPEN)
        rows = [
            (
                each.end_customer_spelling,
                each.status,
                each.line_source,
                each.name + (f" · {each.address}" if each.address else ""),
                each.lines,
                each.money,
                each.end_customer_id + (f" ({each.reason})" if each.reason else "")
                if each.end_customer_id
                else "; ".join(map(str, each.candidates[:3])),
            )
            for each in listed[:limit]
        ]
        columns = (
            "spelling",
            "status",
            "source",
            "as reported",
            "lines",
            "net amount",
            "end customer, or who it may be",
        )
        page.print(screen.table(f"{len(listed):,} spellings{'' if every else ' wait for an answer'}", columns, rows))
        if len(listed) > limit:
            page.print(Text(f"{limit} of {len(listed):,} (--limit, --output)", style="dim"))
        if output:
            choices = [[*(found.end_customer_id for found in each.candidates), "none", "new"] for each in listed]
            matching.write(matching.CUSTOMERS, matching.customer_rows(listed, answered_by), output, choices)
            page.print(
                Text(
                    f"Written: {output}. Fill in the column answer (an end customer's id, none, new or open), then:"
                    f" rebates customers check {output} --deliver"
                ),
                soft_wrap=True,
            )

    @customers.command("check")
    @_ANSWERS
    @_DELIVER
    @plain
    def customers_check(file: Path, deliver: bool) -> None:
        """Hold an answered review list against what is known; rows without an answer are left out."""
        from orchestration import matching

        _judge(settings(), console(), matching.check(settings(), file, [matching.CUSTOMERS]), deliver)

    return customers


def _crossref(plain: Plain, settings: Callable[[], Settings], console: Callable[[], Console]) -> click.Group:
    @click.group()
    def crossref() -> None:
        """Product codes and units that third parties used and nobody knows."""

    @crossref.command("list")
    @click.option("--limit", default=30, show_default=True, metavar="N", help="Codes to show.")
    @plain
    def crossref_list(limit: int) -> None:
        """Unknown codes and units with the money that hangs on them, from the published snapshot."""
        from orchestration import screen

        page = console()
        waiting = _waiting(settings())
        rows = [
            (
                w.line_source,
                w.code_type,
                w.code + (f" · {w.product_description}" if w.product_description else ""),
                w.lines,
                w.money,
                w.last,
                "; ".join(w.suggestions),
            )
            for w in waiting[:limit]
        ]
        columns = ("source", "kind", "code", "lines", "net amount", "last date", "may be")
        page.print(screen.table(f"{len(waiting):,} codes and units nobody knows", columns, rows))
        if len(waiting) > limit:
            page.print(Text(f"{limit} of {len(waiting):,} (--limit)", style="dim"))
        if any(w.code_type == "product_unit" for w in waiting):
            page.print(
                Text("product_unit: our own unit without a factor for the product; the product master must say it.")
            )

    @crossref.command("template")
    @click.argument("kind", type=click.Choice(["products", "units"]))
    @_FILE
    @plain
    def crossref_template(kind: str, file: Path) -> None:
        """Write FILE (.csv or .xlsx) with the unknown codes or units, to be answered: our code beside theirs."""
        from orchestration import matching

        page = console()
        wanted, code_type, theirs = {
            "products": (matching.PRODUCTS, "product", "partner_product_id"),
            "units": (matching.UNITS, "unit", "partner_unit"),
        }[kind]
        waiting = [w for w in _waiting(settings()) if w.code_type == code_type]
        rows = [
            {
                "line_source": w.line_source,
                theirs: w.code,
                "valid_from": w.first,
                "product_description": w.product_description,
                "lines": str(w.lines),
                "amounts": w.money,
                "last_date": w.last,
                **{f"suggestion_{n}": found for n, found in enumerate(w.suggestions[:3], start=1)},
            }
            for w in waiting
        ]
        choices = [[found.split(" (")[0] for found in w.suggestions] for w in waiting]
        matching.write(wanted, rows, file, choices)
        page.print(
            Text(
                f"Written: {file}, {len(rows)} {kind}. Fill in the column {wanted.answer}, then:"
                f" rebates crossref check {file} --deliver"
            ),
            soft_wrap=True,
        )

    @crossref.command("check")
    @_ANSWERS
    @_DELIVER
    @plain
    def crossref_check(file: Path, deliver: bool) -> None:
        """Hold an answered list of codes or units against what is known; rows without an answer are left out."""
        from orchestration import matching

        kinds = [matching.PRODUCTS, matching.UNITS]
        _judge(settings(), console(), matching.check(settings(), file, kinds), deliver)

    return crossref


def _judge(settings: Settings, page: Console, checked: Checked, deliver: bool) -> None:
    """Say what is in a file of answers, and deliver it if that is wanted and nothing is wrong."""
    from orchestration import matching

    page.print(
        Text(
            f"{checked.kind.name}: {checked.rows} rows: {len(checked.answered)} answered,"
            f" {checked.blank} left open, {len(checked.problems)} wrong"
        )
    )
    for problem in checked.problems:
        page.print(Text(f"  {problem}", style="red"), soft_wrap=True)
    if checked.problems:
        raise SystemExit(1)
    if deliver:
        target = matching.deliver(settings, checked)
        page.print(Text(f"Delivered: {target}. The next run takes it in."), soft_wrap=True)


@dataclass(frozen=True)
class Waiting:
    """One unknown code over all distributors and currencies."""

    line_source: str
    code_type: str
    code: str
    product_description: str
    lines: int
    amounts: dict[str, Decimal]
    first: str
    last: str
    suggestions: tuple[str, ...]

    @property
    def money(self) -> str:
        """The amounts as text."""
        return ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(self.amounts.items()))


def _waiting(settings: Settings) -> list[Waiting]:
    """Unknown codes of the published snapshot; the largest amount in a currency first."""
    from orchestration import publish

    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in publish.query(settings, "from rpt_unknown_code order by all").to_pylist():
        groups[row["line_source"], row["code_type"], row["code"]].append(row)
    found = []
    for (line_source, code_type, code), rows in groups.items():
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        for row in rows:
            amounts[row["currency"] or "?"] += row["net_amount"] or Decimal(0)
        dates = [row[name] for row in rows for name in ("first_line_date", "last_line_date") if row[name]]
        found.append(
            Waiting(
                line_source,
                code_type,
                code,
                next((row["product_description"] for row in rows if row["product_description"]), ""),
                sum(row["line_count"] for row in rows),
                dict(amounts),
                min(dates).isoformat() if dates else "",
                max(dates).isoformat() if dates else "",
                tuple((rows[0]["suggestions"] or "").split("; ")) if rows[0]["suggestions"] else (),
            )
        )
    return sorted(found, key=lambda w: (-max(map(abs, w.amounts.values())), w.line_source, w.code_type, w.code))
