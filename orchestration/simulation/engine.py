"""The published models over program tables of one's own: ``calculated``.

What belongs here: an in-memory database in which the compiled SQL of the warehouse's own models runs, over the
snapshot's inputs and given program tables. What does not: any rule of a rebate (dbt), which programs (variants.py).

Nothing is written but the memory of this process: neither warehouse nor snapshot is opened for writing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.settings import Settings
from orchestration.simulation.published import CONTEXT, LINES, Published, SimulationError
from orchestration.warehouse import in_memory

REDUCTIONS, REDUCTION_MODEL, GIVEN_REDUCTIONS = "int_line_reduction", "stg_line_reduction", "line_reduction"
"""What net_of programs should read their lines less by, the model that reads it, and the table that it is given in."""

MOST_PASSES = 100
"""Passes after which reductions that still change are an error: no group has so many programs."""

KNOWN_READERS = {
    "fct_line_rebate",
    "int_line_original",
    "int_line_share",
    "int_line_sum",
    "int_measure_part",
    "int_profile_day",
    "int_scope_candidate",
    "int_single_line",
    "rpt_excluded_line",
}
"""Models that read lines only where a scope looks at them (but for first-time customers, and documents that returns
refer to)."""

OF_PROGRAMS = ("program_id", "claim_id")
"""Columns of inputs that name programs, and what belongs to one: each world has rows of its own (worlds.py)."""

Model = Mapping[str, Any]


@contextmanager
def database(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database. Its spill files stand in a folder of the system: the data folder may be read-only."""
    with (
        tempfile.TemporaryDirectory(prefix="rebates-simulation-") as folder,
        in_memory(replace(settings, data=Path(folder))) as connection,
    ):
        yield connection


@contextmanager
def calculated(
    settings: Settings,
    published: Published,
    tables: Mapping[str, pa.Table],
    as_of: date,
    outputs: Sequence[str],
    only: pa.Table | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which the models ``outputs`` stand, calculated over the given program tables.

    ``tables``: the program tables, all of them, by name (docs/architecture.md). ``as_of``: lines dated later do not
    count. ``line_key`` is there the number of the row in the published file of lines, in the same order as the key.
    ``only``: keys of the only lines that are looked at (column ``line_key``), for questions about single lines; what
    programs of one stacking group pay does not reduce the others then. Raises SimulationError for tables that are
    missing.
    """
    with database(settings) as connection:
        run = _Run(connection, published, as_of, only)
        run.give(tables)
        run.models(outputs)
        yield connection


class _Run:
    """One run of the models in one database."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, published: Published, as_of: date, only: pa.Table | None
    ) -> None:
        self.connection = connection
        self.published = published
        self.as_of = as_of
        self.only = only
        self.inputs = {each["name"]: each for each in published.calculation["inputs"]}
        self.all: dict[str, Model] = {each["name"]: each for each in published.calculation["models"]}
        self.database = published.calculation["database"]
        connection.execute(f"attach ':memory:' as \"{self.database}\"")
        connection.execute(f'use "{self.database}"')

    def give(self, tables: Mapping[str, pa.Table]) -> None:
        """The program tables, and no reductions yet."""
        self.connection.execute("create schema given")
        for each in self.published.calculation["given"]:
            name, relation = each["name"], each["relation"]
            if name == GIVEN_REDUCTIONS:
                self.connection.execute(
                    f"create table {relation} (program_key varchar, line_key bigint, reduction decimal(18, 4))"
                )
            elif name not in tables:
                raise SimulationError(
                    f"the published models read the program table {name}, which this version of the"
                    " program documents does not give: `rebates run` publishes them again"
                )
            else:
                self.connection.register("given_rows", tables[name])
                self.connection.execute(f"create table {relation} as select * from given_rows")
                self.connection.unregister("given_rows")

    def models(self, outputs: Sequence[str]) -> None:
        """Build the outputs and all that they are made of; those that do not look at lines first."""
        reduced = self._reduces()
        wanted = self._upstream([*outputs, REDUCTIONS] if reduced else outputs)
        order = [name for name in self.all if name in wanted]
        on_lines = self._downstream(LINES)
        self._read_inputs({parent for name in order for parent in self.all[name]["reads"]})
        for name in order:
            if name not in on_lines:
                self._build(name)
        self._read_lines([name for name in order if LINES in self.all[name]["reads"]])
        for name in order:
            if name in on_lines:
                self._build(name)
        if reduced:
            self._reduce([name for name in order if name in self._downstream(REDUCTION_MODEL)])

    def _build(self, name: str) -> None:
        """One model. A view that looks at the lines themselves is kept as a table: they are read once."""
        model = self.all[name]
        kind = "view" if model["materialized"] == "view" and LINES not in model["reads"] else "table"
        self.connection.execute(f"create or replace {kind} {model['relation']} as {model['sql']}")

    def _read_inputs(self, names: set[str]) -> None:
        """The inputs as views; lines and as-of date are this run's own."""
        for name in sorted(names & self.inputs.keys() - {LINES}):
            relation = self.inputs[name]["relation"]
            columns = ", ".join(f'"{column}"' for column in self.inputs[name]["columns"])
            source = self.published.parquet(name)
            if name == CONTEXT:
                columns = columns.replace('"as_of"', f"cast('{self.as_of}' as date) as as_of")
            elif "program_id" in self.inputs[name]["columns"]:
                for column in OF_PROGRAMS:
                    columns = columns.replace(f'"{column}"', f'world || "{column}" as "{column}"')
                worlds = "select distinct regexp_extract(program_id, '^[0-9]+/') as world from given.program"
                source += f" cross join ({worlds})"
            kind = "table" if "line_key" in self.inputs[name]["columns"] else "view"
            if kind == "table":
                lines = self.published.file(self.inputs[LINES]["file"], ", file_row_number = true")
                positions = f"(select line_key, file_row_number as position from {lines})"
                columns = columns.replace('"line_key"', 'lines.position as "line_key"')
                source += f" inner join {positions} as lines using (line_key)"
            self.connection.execute(f"create {kind} {relation} as select {columns} from {source}")

    def _by_original(self) -> bool:
        """Whether a scope dates returns by the document that they refer to."""
        return self._has("program_scope", "returns = 'by_original_document'")

    def _read_lines(self, readers: Sequence[str]) -> None:
        """The lines that a scope can look at, with their position in the file instead of their key."""
        each = self.inputs[LINES]
        columns = ", ".join(
            'file_row_number as "line_key"' if column == "line_key" else f'"{column}"' for column in each["columns"]
        )
        source = self.published.file(each["file"], ", file_row_number = true")
        conditions = [f"document_date <= date '{self.as_of}'", *self._looked_at(readers)]
        if self.only is not None:
            self.connection.register("only_lines", self.only)
            conditions.append("file_row_number in (select line_key from only_lines)")
        self.connection.execute(
            f"create table {each['relation']} as select {columns} from {source} where {' and '.join(conditions)}"
        )

    def _looked_at(self, readers: Sequence[str]) -> list[str]:
        """Conditions that every line that a scope can look at fulfils; none where a model may look at others.

        They only save time: the models apply the scopes themselves.
        """
        first_time = self._has("program_measure", "counted = 'first_time_end_customers'")
        if not set(readers) <= KNOWN_READERS or first_time or self._by_original():
            return []
        streams = (
            "'sell_in', 'sell_through'"
            if self._has("program_scope", "stream = 'both'")
            else ("select stream from given.program_scope")
        )
        conditions = [f"stream in ({streams})", "product_id in (select product_id from int_scope_product)"]
        roles = self.connection.execute("select distinct participant_role from given.program order by 1").fetchall()
        partners = "select partner_id from int_program_participant where participant_role = '{0}'"
        admitted = " or ".join(f"{role}_id in ({partners.format(role)})" for (role,) in roles)
        conditions.append(f"({admitted or 'false'})")
        # a line stands for the day one fiscal year later: at most 53 weeks and a month's difference of calendars
        days = 366 + 62 if self._has("program_measure", "baseline = 'lines'") else 0
        conditions.append(f"document_date >= (select min(valid_from) - {days} from given.program)")
        return conditions

    def _has(self, table: str, condition: str) -> bool:
        """Whether a row of a given table fulfils a condition."""
        found = self.connection.execute(f"select 1 from given.{table} where {condition} limit 1").fetchone()
        return found is not None

    def _reduces(self) -> bool:
        return self.only is None and REDUCTIONS in self.all and self._has("program", "stacking_rule = 'net_of'")

    def _reduce(self, again: Sequence[str]) -> None:
        """Give the net_of programs what earlier ones pay on their lines, and calculate again, until that stands.

        A program is right once those before it in its group are, so there are as many passes as programs in a row.
        """
        given = next(
            each["relation"] for each in self.published.calculation["given"] if each["name"] == GIVEN_REDUCTIONS
        )
        wanted = self.all[REDUCTIONS]["relation"]
        for _ in range(MOST_PASSES):
            differences = self.connection.execute(
                f"(from {wanted} except from {given}) union all (from {given} except from {wanted}) limit 1"
            ).fetchall()
            if not differences:
                return
            self.connection.execute(f"create or replace temp table stands as from {wanted}")
            self.connection.execute(f"delete from {given}")
            self.connection.execute(f"insert into {given} select program_key, line_key, reduction from stands")
            for name in again:
                self._build(name)
        raise SimulationError(f"the reductions of net_of programs still change after {MOST_PASSES} passes")

    # --- the graph ----------------------------------------------------------------------------

    def _upstream(self, names: Sequence[str]) -> set[str]:
        """The models and all models that they are made of. SimulationError for one that was not published."""
        found: set[str] = set()
        for name in reversed(list(self.all)):
            if name in names or any(name in self.all[reader]["reads"] for reader in found):
                found.add(name)
        if missing := sorted(set(names) - found):
            raise SimulationError(f"snapshot {self.published.version} holds no model {', '.join(missing)}")
        return found

    def _downstream(self, start: str) -> set[str]:
        """The models that read a model or an input, directly or not."""
        found: set[str] = set()
        for name, model in self.all.items():
            if name == start or start in model["reads"] or found.intersection(model["reads"]):
                found.add(name)
        return found
