"""Which programs count the same lines as a new one, and what its place in a stacking group changes.

What belongs here: comparing programs line by line, before one is approved. What does not: whether an overlap is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.settings import Settings
from orchestration.simulation import engine
from orchestration.simulation.published import Published
from orchestration.simulation.report import Column, Table
from orchestration.simulation.results import results
from orchestration.simulation.worlds import World, own, prefix, together

OUTPUTS = ("fct_payout", "int_line_share", "int_scope_line")

_COUNTED = """
    select l.program_key, l.line_key, sum(l.amount) as amount
    from int_scope_line as l inner join given.program as p
        on l.program_key = p.program_key and l.scope_key = p.earning_scope
    where l.excluded_reason is null and l.line_use = 'current' group by all"""
"""The lines that each program counts: in its earning scope, and nothing leaves them out."""


@dataclass(frozen=True)
class Pair:
    """The lines that both the new program and another one count. Payouts in the currency of the program they are of."""

    program_key: str
    stands: str
    """How the two stand to each other."""
    lines: int
    amount: Decimal
    """Of these lines, as the new program counts them."""
    own_payout: Decimal
    other_payout: Decimal
    currency: str


@dataclass(frozen=True)
class Order:
    """A place of the new program in its stacking group: ids of the programs in order, and what each then pays."""

    names: tuple[str, ...]
    payouts: tuple[Decimal, ...]
    currency: str


@dataclass(frozen=True)
class Overlaps:
    """What overlaps with a program. ``lines`` and ``amount``: of all lines that it counts."""

    program_key: str
    lines: int
    amount: Decimal
    payout: Decimal
    currency: str
    shared_lines: int
    """Lines that at least one other program counts too."""
    pairs: tuple[Pair, ...]
    orders: tuple[Order, ...]
    as_of: date

    @property
    def title(self) -> str:
        """What the page is about."""
        return f"Overlaps of {self.program_key}, as of {self.as_of}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what the tables mean."""
        notes = [
            f"{self.program_key} counts {self.lines:,} lines of {self.amount:,.2f} {self.currency} and would pay"
            f" {self.payout:,.2f}; {self.shared_lines:,} of the lines count for another program too.",
            "A line counts for a program when it is in its earning scope and nothing leaves it out.",
            "What programs outside of the stacking group pay is what was published.",
        ]
        if self.orders:
            notes.append("The first order is the declared one.")
        return tuple(notes)

    def tables(self) -> list[Table]:
        """The tables, those that have rows."""
        columns = (
            Column("program", "text"),
            Column("stands", "text"),
            Column("lines", "integer"),
            Column("amount", "money"),
            Column("new one pays", "money"),
            Column("other pays", "money"),
            Column("", "text"),
        )
        rows = tuple(
            (each.program_key, each.stands, each.lines, each.amount, each.own_payout, each.other_payout, each.currency)
            for each in self.pairs
        )
        pairs = Table("Programs in force that count the same lines", columns, rows)
        orders = Table(
            "Payouts by order in the stacking group",
            (Column("order", "text"), Column("payouts", "text"), Column("together", "money"), Column("", "text")),
            tuple(
                (
                    ", ".join(each.names),
                    ", ".join(f"{payout:,.2f}" for payout in each.payouts),
                    sum(each.payouts, Decimal(0)),
                    each.currency,
                )
                for each in self.orders
            ),
        )
        return [table for table in (pairs, orders) if table.rows]


def overlaps(
    settings: Settings,
    published: Published,
    group: World,
    others: Sequence[tuple[World, bool]],
    program_key: str,
    as_of: date,
    orders: Sequence[tuple[tuple[str, ...], World]],
) -> Overlaps:
    """Compare a program with the others line by line, and its stacking group in each of the given orders.

    ``group``: the world of the program with those that it stacks with; all of it is calculated. ``others``: worlds of
    the other programs, each with whether the lines in question are enough to say what they count; what those pay is
    taken from the published marts. ``orders``: ids of the group's programs in order, each with its world.
    The pair with the most money comes first.
    """
    key = prefix(group.number) + program_key
    with engine.calculated(settings, published, together([group]), as_of, OUTPUTS) as connection:
        connection.execute(f"create temp table counted as {_COUNTED}")
        mine = connection.execute(
            """select c.line_key, c.amount, coalesce(sum(s.amount), 0) as paid
               from counted as c left join int_line_share as s using (program_key, line_key)
               where c.program_key = $key group by all order by c.line_key""",
            {"key": key},
        ).to_arrow_table()
        theirs = [
            connection.execute(
                """select c.program_key, c.line_key, coalesce(sum(s.amount), 0) as paid
                   from counted as c left join int_line_share as s using (program_key, line_key)
                   where c.program_key <> $key and c.line_key in (select line_key from counted where program_key = $key)
                   group by all""",
                {"key": key},
            ).to_arrow_table()
        ]
        [(payout,)] = connection.execute(
            "select coalesce(sum(amount), 0) from fct_payout where program_key = $key", {"key": key}
        ).fetchall()
    for world, enough in others:
        only = mine.select(["line_key"]) if enough else None
        with engine.calculated(settings, published, together([world]), as_of, ["int_scope_line"], only) as connection:
            connection.register("mine", mine)
            theirs.append(
                connection.execute(
                    f"""with lines as (
                            select n.file_row_number as position, n.line_key
                            from {published.file("fct_line.parquet", ", file_row_number = true")} as n
                            where n.file_row_number in (select line_key from mine)),
                        paid as (
                            select r.program_key, n.position, sum(r.amount) as amount
                            from {published.file("fct_line_rebate.parquet")} as r inner join lines as n using (line_key)
                            group by all)
                        select c.program_key, c.line_key, coalesce(p.amount, 0) as paid
                        from ({_COUNTED}) as c
                        left join paid as p
                            on c.line_key = p.position and c.program_key = '{prefix(world.number)}' || p.program_key
                        where c.line_key in (select line_key from mine)"""
                ).to_arrow_table()
            )
    pairs, shared = _pairs(settings, mine, theirs, group, [group, *(world for world, _ in others)], program_key)
    found = results(settings, published, [world for _, world in orders], as_of) if orders else None
    subject = _row(group, program_key)
    return Overlaps(
        program_key=program_key,
        lines=mine.num_rows,
        amount=pc.sum(mine.column("amount")).as_py() or Decimal(0),
        payout=payout,
        currency=subject["currency"],
        shared_lines=shared,
        pairs=pairs,
        orders=tuple(
            Order(names, tuple(found.totals[name, world.number].payout for name in names), subject["currency"])
            for names, world in orders
            if found is not None
        ),
        as_of=as_of,
    )


def _pairs(
    settings: Settings,
    mine: pa.Table,
    theirs: Sequence[pa.Table],
    group: World,
    worlds: Sequence[World],
    program_key: str,
) -> tuple[tuple[Pair, ...], int]:
    """The pairs, and how many lines at least one other program counts."""
    with engine.database(settings) as connection:
        connection.register("mine", mine)
        for number, table in enumerate(theirs):
            connection.register(f"theirs_{number}", table)
        parts = " union all ".join(f"from theirs_{number}" for number in range(len(theirs)))
        rows = connection.execute(
            f"""select t.program_key, count(*), sum(m.amount) as amount, sum(m.paid), sum(t.paid)
                from mine as m inner join ({parts}) as t using (line_key)
                group by all order by amount desc, t.program_key"""
        ).fetchall()
        [(shared,)] = connection.execute(f"select count(distinct line_key) from ({parts})").fetchall()
    by_number = {world.number: world for world in worlds}
    subject = _row(group, program_key)
    pairs = []
    for key, lines, amount, own_payout, other_payout in rows:
        number, other_key = own(key)
        other = _row(by_number[number], other_key)
        pairs.append(
            Pair(other_key, _stands(subject, other), lines, amount, own_payout, other_payout, other["currency"])
        )
    return tuple(pairs), shared


def _row(world: World, program_key: str) -> dict[str, Any]:
    """A program's row in the program tables of its world."""
    rows: list[dict[str, Any]] = world.tables["program"].to_pylist()
    return next(row for row in rows if row["program_key"] == program_key)


def _stands(subject: dict[str, Any], other: dict[str, Any]) -> str:
    """How two programs stand to each other, in words."""
    group, rule = subject["stacking_group"], subject["stacking_rule"]
    if group is None or group != other["stacking_group"] or rule == "stack":
        return "each pays in full"
    return f"{rule} in group {group}"
