"""A batch's ERP files: every neutral format as CSV, the workbooks that hold them, and each legal entity's own.

What belongs here: which files a batch gets, and the check that they equal the ledger's tables.
What does not: the look of a file (delimited.py, workbook.py, erp/) and its columns (formats/).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.publish.delimited import write_csv
from orchestration.publish.erp.bank import read_accounts
from orchestration.publish.erp.model import Batch
from orchestration.publish.erp.rows import with_line_keys
from orchestration.publish.erp.seeds import enabled_formats, entity_currencies
from orchestration.publish.erp.write import write_erp_files
from orchestration.publish.format import Format, PublishError, all_formats
from orchestration.publish.money import check_currencies, minor_units
from orchestration.publish.workbook import Sheet, Sums, write_workbook
from orchestration.settings import Settings


def renderer(settings: Settings) -> Callable[[Path, Mapping[str, Any], Mapping[str, pa.Table]], None]:
    """What books take as ``render``: the neutral files, then those that seeds/erp switches on.

    Minor units come from the seed ``currency``. Raises PublishError for mistakes in seeds/erp; what it
    returns raises PublishError as write_batch_files and write_erp_files do, before the batch is written.
    """
    units, enabled = minor_units(settings), enabled_formats(settings)
    currencies, accounts = entity_currencies(settings), read_accounts(settings.erp / "bank_account.csv")

    def render(folder: Path, facts: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> None:
        write_batch_files(folder, facts, tables, units=units)
        write_erp_files(Batch(facts, tables, units, currencies, folder / "erp", accounts), enabled)

    return render


def write_batch_files(
    folder: Path, facts: Mapping[str, Any], tables: Mapping[str, pa.Table], *, units: Mapping[str, int]
) -> None:
    """Write ``folder/erp/``: each format of the batch's kind as CSV, and the workbooks.

    ``facts``: batch, batch_number, kind, accounting_month (YYYY-MM), as_of (ISO), calculation_id,
    file_sequence, program_keys, rows (by table), totals (legal_entity, currency, debit and credit as
    text). ``tables``: the batch's tables by name (posting; payment and payment_line of a settlement).
    ``units``: minor units by currency. The bytes depend on these alone.
    Raises PublishError for a kind without formats, unknown currencies, amounts that have more decimals
    than their currency, and figures that do not tie to the tables and facts.
    """
    kind, month = facts["kind"], facts["accounting_month"]
    mine = [one for one in all_formats() if kind in one.files]
    if not mine:
        raise PublishError(f"no ERP format has files for a batch of kind {kind}")
    _check_journal(facts, tables["posting"])
    tables = {**tables, "posting": with_line_keys(tables["posting"])}
    erp = folder / "erp"
    erp.mkdir(parents=True, exist_ok=True)
    workbooks: dict[str, list[Sheet]] = {}
    for one in mine:
        table = one.table(tables)
        check_currencies(table["currency"], units)
        controls = _controls(one, table, tables)
        path = erp / f"{one.files[kind]}_{month}.csv"
        write_csv(path, one, table, units)
        csv_hash = hashlib.sha256(path.read_bytes()).hexdigest()
        if kind in one.workbooks:
            sheet = Sheet(one, table, controls, path.name, csv_hash)
            workbooks.setdefault(one.workbooks[kind], []).append(sheet)
    for name, sheets in workbooks.items():
        write_workbook(erp / f"{name}_{month}.xlsx", facts, sheets, units)


def _check_journal(facts: Mapping[str, Any], posting: pa.Table) -> None:
    """PublishError unless the facts' totals are those of the journal lines, and balance."""
    debit, credit = _sums(posting, "debit"), _sums(posting, "credit")
    told = {(row["legal_entity"], row["currency"]): row for row in facts["totals"]}
    actual = {key: {"debit": f"{debit[key]:.4f}", "credit": f"{credit[key]:.4f}"} for key in debit}
    for key in sorted(told.keys() | actual.keys()):
        row = {side: told[key][side] for side in ("debit", "credit")} if key in told else {}
        if row != actual.get(key, {}) or row["debit"] != row["credit"]:
            raise PublishError(f"{facts['batch']}, {', '.join(key)}: totals {row}, journal lines {actual.get(key)}")


def _controls(one: Format, table: pa.Table, tables: Mapping[str, pa.Table]) -> dict[str, Sums]:
    """The ledger's sums per amount column; PublishError when the format's rows have other sums."""
    controls: dict[str, Sums] = {}
    for column in one.columns:
        if column.kind != "amount":
            continue
        source, _, amount = column.control.partition(".")
        expected, actual = _sums(tables[source], amount), _sums(table, column.name)
        if expected != actual:
            raise PublishError(f"format {one.name}: {column.name} sums to {actual}, {column.control} to {expected}")
        controls[column.name] = expected
    return controls


def _sums(table: pa.Table, column: str) -> Sums:
    """Sum of one column by (legal entity, currency)."""
    rows = table.group_by(["legal_entity", "currency"]).aggregate([(column, "sum")]).to_pylist()
    return {(row["legal_entity"], row["currency"]): row[f"{column}_sum"] for row in rows}
