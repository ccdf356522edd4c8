"""What a simulation gives, small enough to show: totals, and payouts by partner, tier, segment and month.

What belongs here: sums over the calculated models. What does not: any calculation of a payout (the models), layout
(screen.py, workbook.py, chart.py).

Every cut adds up to the totals to the cent, but for the segments: a line counts in each segment that it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import duckdb
import pyarrow as pa

from orchestration.settings import Settings
from orchestration.simulation import engine
from orchestration.simulation.published import LINES, Published
from orchestration.simulation.worlds import CURRENT, World, own, prefix, together

OUTPUTS = ("fct_payout", "fct_qualification", "int_line_share")
"""Models that the results are read from."""

ROWS_PER_PASS = 2_000_000
"""Lines that pay, over all worlds, up to which worlds are calculated together: that bounds the memory."""

SEGMENTS = {
    "partner_segments": "partner",
    "end_customer_segments": "end customer",
    "product_segments": "product",
}
"""Columns of the published lines that name segments, and whose they are."""

Amounts = dict[int, Decimal]
"""Payout by number of the world."""


@dataclass(frozen=True)
class Total:
    """One program in one world: what it pays, to how many payees, on which payout base."""

    versions: str
    """Keys of the versions that are calculated, several where they share the time."""
    currency: str
    payout: Decimal
    unpaid: Decimal
    """Part of the payout that nobody is entitled to (a payee role is missing on the line)."""
    payees: int
    payouts: int
    """Participants and periods with a payout that is not zero."""
    payout_base: Decimal
    """What the rates are applied to: money, or base units where rates are per unit."""
    lines: int
    """Lines in the earning scope."""


@dataclass
class Results:
    """Figures of all worlds. Cuts: by program id and label(s), the payout by number of the world."""

    totals: dict[tuple[str, int], Total] = field(default_factory=dict)
    """By program id and world."""
    partners: dict[tuple[str, str, str], Amounts] = field(default_factory=dict)
    """By program id, payee id ('' for nobody) and name."""
    tiers: dict[tuple[str, int], Amounts] = field(default_factory=dict)
    """By program id and number of the tier reached (0: none)."""
    tier_payouts: dict[tuple[str, int], dict[int, int]] = field(default_factory=dict)
    """By program id and tier: how many payouts reached it."""
    segments: dict[tuple[str, str, str], Amounts] = field(default_factory=dict)
    """By program id, whose segment ('partner', 'end customer', 'product') and segment id ('' for none)."""
    months: dict[tuple[str, str], Amounts] = field(default_factory=dict)
    """By program id and month of the line."""


def results(settings: Settings, published: Published, worlds: Sequence[World], as_of: date) -> Results:
    """Calculate the worlds, as many at a time as memory allows, and read what is shown."""
    found = Results()
    waiting = list(worlds)
    size = 2
    while waiting:
        now, waiting = waiting[:size], waiting[size:]
        with engine.calculated(settings, published, together(now), as_of, OUTPUTS) as connection:
            _read(connection, published, now, found)
            [(rows,)] = connection.execute("select count(*) from int_line_share").fetchall()
        size = max(1, len(now) * ROWS_PER_PASS // max(rows, 1))
    return found


def _read(connection: duckdb.DuckDBPyConnection, published: Published, worlds: Sequence[World], found: Results) -> None:
    windows = [
        {
            "program_key": prefix(world.number) + row["program_key"],
            "world": world.number,
            "program_id": row["program_id"],
            "subject": row["program_id"] in world.subjects,
            "first": world.windows[row["program_key"]].first,
            "last": world.windows[row["program_key"]].last,
        }
        for world in worlds
        for row in world.tables["program"].select(["program_key", "program_id"]).to_pylist()
    ]
    schema = pa.schema(
        [
            ("program_key", pa.string()),
            ("world", pa.int32()),
            ("program_id", pa.string()),
            ("subject", pa.bool_()),
            ("first", pa.date32()),
            ("last", pa.date32()),
        ]
    )
    connection.register("simulated_rows", pa.Table.from_pylist(windows, schema=schema))
    connection.execute("create temp table simulated as select * from simulated_rows")
    connection.execute(
        """create temp view reported as
           select q.*, s.world, s.program_id as id, s.subject
           from fct_qualification as q inner join simulated as s using (program_key)
           where q.period_end >= s.first and q.period_start <= s.last"""
    )
    _read_totals(connection, found)
    _read_cuts(connection, published, found)


def _read_totals(connection: duckdb.DuckDBPyConnection, found: Results) -> None:
    cursor = connection.execute(
        """with paid as (
               select r.id, r.world, sum(f.amount) as payout, sum(f.amount) filter (where not f.is_payable) as unpaid,
                      count(distinct f.payee_id) filter (where f.is_payable and f.amount <> 0) as payees
               from reported as r inner join fct_payout as f using (payout_id) group by all),
           participants as (
               -- under to_date figures run from the start: the last period's are those of all
               select r.id, r.world, r.participant_id, count(*) filter (where r.payout <> 0) as payouts,
                      case p.cumulation when 'to_date' then max_by(r.payout_base, r.period_start)
                      else sum(r.payout_base) end as payout_base,
                      case p.cumulation when 'to_date' then max_by(r.earning_lines, r.period_start)
                      else sum(r.earning_lines) end as lines
               from reported as r inner join given.program as p using (program_key)
               group by r.id, r.world, r.program_key, r.participant_id, p.cumulation),
           bases as (
               select id, world, sum(payouts) as payouts, sum(payout_base) as payout_base, sum(lines) as lines
               from participants group by all),
           worlds as (
               select s.program_id as id, s.world, any_value(p.currency) as currency,
                      string_agg(s.program_key, ' ' order by p.version) as versions
               from simulated as s inner join given.program as p using (program_key)
               where p.calculated and p.valid_from <= s.last and p.valid_to >= s.first group by all)
           select w.id, w.world, w.versions, w.currency, coalesce(d.payout, 0)::decimal(18, 4),
                  coalesce(d.unpaid, 0)::decimal(18, 4), coalesce(d.payees, 0), coalesce(b.payouts, 0)::bigint,
                  coalesce(b.payout_base, 0)::decimal(38, 12), coalesce(b.lines, 0)::bigint
           from worlds as w left join paid as d using (id, world) left join bases as b using (id, world)
           order by w.id, w.world"""
    )
    for program, world, versions, *figures in cursor.fetchall():
        keys = " ".join(own(key)[1] for key in versions.split(" "))
        found.totals[program, world] = Total(keys, *figures)


def _read_cuts(connection: duckdb.DuckDBPyConnection, published: Published, found: Results) -> None:
    partners = published.file("dim_partner.parquet")
    for program, payee, name, world, amount in connection.execute(
        f"""select r.id, f.payee_id, coalesce(p.partner_name, ''), r.world, sum(f.amount)
            from reported as r inner join fct_payout as f using (payout_id)
            left join {partners} as p on p.partner_id = f.payee_id
            where r.subject group by all order by all"""
    ).fetchall():
        found.partners.setdefault((program, payee, name), {})[world] = amount
    for program, tier, world, amount, payouts in connection.execute(
        """select id, tier_number, world, sum(payout),
                  count(*) filter (where target_lines + earning_lines > 0) as payouts
           from reported where subject group by all having payouts > 0 or sum(payout) <> 0 order by all"""
    ).fetchall():
        found.tiers.setdefault((program, tier), {})[world] = amount
        found.tier_payouts.setdefault((program, tier), {})[world] = payouts
    names = ", ".join(SEGMENTS)
    [file] = [each["file"] for each in published.calculation["inputs"] if each["name"] == LINES]
    lines = published.file(file, ", file_row_number = true")
    connection.execute(
        f"""create temp table by_line as
            select r.id, r.world, strftime(n.document_date, '%Y-%m') as month, {names}, sum(s.amount) as amount
            from int_line_share as s
            inner join reported as r on s.payout_id = r.payout_id and r.subject
            inner join {lines} as n on s.line_key = n.file_row_number
            group by all"""
    )
    for program, month, world, amount in connection.execute(
        "select id, month, world, sum(amount) from by_line group by all order by all"
    ).fetchall():
        found.months.setdefault((program, month), {})[world] = amount
    for column, whose in SEGMENTS.items():
        for program, segment, world, amount in connection.execute(
            f"""select id, segment, world, sum(amount)
                from (select id, world, amount, unnest(string_split(coalesce({column}, ''), ';')) as segment
                      from by_line)
                group by all order by all"""
        ).fetchall():
            found.segments.setdefault((program, whose, segment), {})[world] = amount


def numbers(results_of: Results) -> list[int]:
    """Numbers of all worlds that have figures, the current one first."""
    return sorted({world for _, world in results_of.totals})


def variants(results_of: Results) -> list[int]:
    """Numbers of the variants."""
    return [number for number in numbers(results_of) if number != CURRENT]
