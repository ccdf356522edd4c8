"""`python -m benchmarks.validation`: validation beside what DuckDB needs to read, parse and write the same files.

What belongs here: made-up reports of a distributor, both runs, and the table that is printed. What does not: the
watch (measured.py). The yardstick reads the CSV files as text, parses dates and numbers, and writes them as Parquet,
without row numbers, checks or errors; validation judges the same rows in raw/ with the shipped suites (more than 40
rules concern a line of the source). Both are child processes, from an empty folder. One row in 500 is
wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measured import Measured, measure
from orchestration import contract, validation
from orchestration.settings import REPOSITORY, Settings
from orchestration.warehouse import in_memory

SOURCE = "north_pos"
PRODUCTS, RESELLERS, END_CUSTOMERS = 5000, 2000, 800
FILE_LINES = 1_000_000
"""Lines of one file, unless the number of files is given."""

LINE = f"""
    SELECT
        'sell_through' AS stream, 'N' || (i // 8 + 10000000) AS document_number,
        CAST(i % 8 + 1 AS VARCHAR) AS line_number,
        CASE WHEN i % 97 = 0 THEN 'return' ELSE 'invoice' END AS document_type,
        strftime(DATE '2017-01-01' + CAST(h % 365 AS INTEGER), '%d.%m.%Y') AS document_date,
        CASE WHEN i % 97 = 0 THEN 'N' || (i // 16) END AS reference_document_number,
        'original' AS record_intent, NULL AS sold_to_id, NULL AS ship_to_id, 'D-NORTH' AS distributor_id,
        'R-' || (h % {RESELLERS} + 1) AS reseller_id,
        CASE WHEN h % 3 > 0 THEN 'H-' || (h % {END_CUSTOMERS} + 1) END AS end_customer_id,
        CASE WHEN h % 3 > 0 THEN 'Household ' || (h % {END_CUSTOMERS} + 1) END AS end_customer_name,
        CASE WHEN i % 499 = 3 THEN 'unknown' ELSE CAST(h // 7 % {PRODUCTS} + 1 AS VARCHAR) END AS product_id,
        CAST((CASE WHEN i % 97 = 0 THEN -1 ELSE 1 END) * (h // 11 % 20 + 1) AS VARCHAR) AS quantity,
        CASE WHEN h % 5 = 0 THEN 'CS' ELSE 'EA' END AS unit,
        (CASE WHEN i % 97 = 0 THEN '-' ELSE '' END) || (h // 13 % 5000) || ',' || lpad(CAST(h % 100 AS VARCHAR), 2, '0')
            AS net_amount,
        'USD' AS currency, NULL AS authorization_number, NULL AS sales_rep_id, 'NORTH' AS region
    FROM (SELECT i, hash(i) // 2 AS h FROM range({{first}}, {{end}}) AS r (i))
"""


def _sql(path: Path | str) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _file_hash(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def generate(settings: Settings, lines: int, files: int) -> None:
    """Write the reports as CSV files, and the master data that they need as raw/ files."""
    with in_memory(settings) as connection:
        folder = settings.data / "reports"
        folder.mkdir(parents=True)
        for number in range(files):
            first, end = lines * number // files, lines * (number + 1) // files
            connection.execute(
                f"COPY ({LINE.format(first=first, end=end)}) TO {_sql(folder / f'{number:06}.csv')} (DELIMITER ';')"
            )
        masters = {
            "product": f"SELECT CAST(i AS VARCHAR) AS product_id, 'P' AS product_name, 'F' AS family, 'B' AS brand,"
            f" 'C' AS category, 'EA' AS base_unit, 3 AS list_price FROM range(1, {PRODUCTS + 1}) AS r (i)",
            "partner": "SELECT partner_id, 'N' AS partner_name, partner_type, 'grocery' AS channel, 'US' AS country"
            f" FROM (SELECT 'R-' || i AS partner_id, 'reseller' AS partner_type FROM range(1, {RESELLERS + 1}) AS r (i)"
            " UNION ALL SELECT 'D-NORTH', 'distributor')",
            "end_customer": "SELECT 'H-' || i AS end_customer_id, 'N' AS end_customer_name,"
            f" 'household' AS end_customer_type FROM range(1, {END_CUSTOMERS + 1}) AS r (i)",
            "product_unit": "SELECT CAST(i AS VARCHAR) AS product_id, 'CS' AS unit, 12 AS factor"
            f" FROM range(1, {PRODUCTS + 1}) AS r (i)",
        }
        for sequence, (name, rows) in enumerate(masters.items(), start=1):
            _write(settings, connection, contract.ENTITIES[name], f"erp_{name}s", sequence, rows)


def _write(settings: Settings, connection, entity: contract.Entity, source: str, sequence: int, rows: str) -> None:  # type: ignore[no-untyped-def]
    """One file of raw/ and its row of the register."""
    key = f"{sequence:06}_{_file_hash(sequence)[:16]}"
    origin = {"source": _sql(source), "file_sequence": str(sequence), "file_hash": _sql(_file_hash(sequence))}
    given = [column[0] for column in connection.execute(f"DESCRIBE {rows}").fetchall()]
    values = {name: name for name in given} | origin
    values.setdefault("row_number", "1 + row_number() OVER ()")
    select = ", ".join(
        f"CAST({values.get(c.name, 'NULL')} AS {c.type}) AS {c.name}" for c in contract.raw_columns(entity)
    )
    target = settings.raw / entity.name / f"{key}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    count = connection.execute(
        f"COPY (SELECT {select} FROM ({rows})) TO {_sql(target)}"
        " (FORMAT parquet, COMPRESSION zstd, KV_METADATA {recipe: '1'})"
    ).fetchall()[0][0]
    register = origin | {"entity": _sql(entity.name), "file_name": _sql(f"{key}.csv"), "file_bytes": "1"}
    register |= {"rows_in": str(count), "status": "'read'"}
    select = ", ".join(f"CAST({register.get(c.name, 'NULL')} AS {c.type}) AS {c.name}" for c in contract.FILE.columns)
    target = settings.raw / "file" / f"{key}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"COPY (SELECT {select}) TO {_sql(target)} (FORMAT parquet, KV_METADATA {{recipe: '1'}})")


def _parsed(path: Path) -> str:
    """SELECT of a report's columns: read as text, dates and numbers parsed, their texts kept beside them."""
    parsed = {
        "document_date": "CAST(try_strptime(document_date, '%d.%m.%Y') AS DATE)",
        "quantity": f"TRY_CAST(replace(quantity, ',', '.') AS {contract.QUANTITY})",
        "net_amount": f"TRY_CAST(replace(net_amount, ',', '.') AS {contract.AMOUNT})",
    }
    values = ", ".join(f"{value} AS {name}" for name, value in parsed.items())
    columns = [f"* REPLACE ({values})", *(f"{name} AS {name}_text" for name in parsed)]
    source = f"read_csv({_sql(path)}, delim = ';', header = true, all_varchar = true)"
    return f"SELECT {', '.join(columns)}, product_id AS partner_product_id FROM {source}"


def _reports(settings: Settings) -> list[Path]:
    return sorted((settings.data / "reports").glob("*.csv"))


def yardstick(settings: Settings) -> None:
    """Read the reports as text, parse them, write Parquet: what validation is measured against."""
    folder = settings.data / "yardstick"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with in_memory(settings) as connection:
        connection.execute("SET preserve_insertion_order = true")
        for path in _reports(settings):
            target = _sql(folder / f"{path.stem}.parquet")
            connection.execute(f"COPY ({_parsed(path)}) TO {target} (FORMAT parquet, COMPRESSION zstd)")


def take_in(settings: Settings) -> None:
    """The same rows as files of raw/, numbered as a person counts them."""
    with in_memory(settings) as connection:
        connection.execute("SET preserve_insertion_order = true")
        for sequence, path in enumerate(_reports(settings), start=11):
            _write(settings, connection, contract.LINE, SOURCE, sequence, _parsed(path))


def judge(settings: Settings) -> None:
    """Validate everything from nothing."""
    report = validation.validate(settings)
    print({name: report.total(name, "line") for name in ("rows", "accepted", "held", "quarantined")})
    print(report.by_rule("line"))


CHILDREN: dict[str, Callable[[Settings], None]] = {"yardstick": yardstick, "take_in": take_in, "judge": judge}


def _child(name: str, what: str, settings: Settings) -> Measured:
    arguments = ["-m", "benchmarks.validation", "--child", what]
    env = {**settings.environment(), "PYTHONPATH": str(REPOSITORY)}
    return measure(name, arguments, settings.data.with_name(f"{what}.log"), env)


def main(arguments: list[str] | None = None) -> None:
    """Run what the arguments ask for and print seconds, processor seconds, peak memory and the ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.validation", description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines of all files (default: 1,000,000)")
    parser.add_argument("--files", type=int, help=f"files (default: one per {FILE_LINES:,} lines)")
    parser.add_argument("--folder", type=Path, help="an empty folder, kept (default: a temporary one)")
    parser.add_argument("--child", choices=sorted(CHILDREN), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        CHILDREN[given.child](Settings.from_env())
        return
    files = given.files or max(1, given.lines // FILE_LINES)
    with tempfile.TemporaryDirectory() as temporary:
        folder = ((given.folder or Path(temporary)) / "validation").resolve()
        settings = Settings.from_env({**os.environ, "REBATES_DATA": str(folder)})
        print(
            f"\n{given.lines:,} lines in {files:,} files; {os.cpu_count()} processors,"
            f" DuckDB may use {settings.memory_limit}"
        )
        if not (settings.data / "reports").is_dir():
            generate(settings, given.lines, files)
            _child("raw files", "take_in", settings)
        base = _child("read as text, parse, write Parquet", "yardstick", settings)
        print(base.line(), flush=True)
        for room in (settings.accepted, settings.quarantine, settings.validation_results):
            shutil.rmtree(room, ignore_errors=True)
        judged = _child("validation from nothing", "judge", settings)
        print(judged.line(base.seconds))
        again = _child("validation, nothing new", "judge", settings)
        print(again.line(base.seconds))
        if files > 1:
            print(f"    {1000 * judged.seconds / files:.1f} ms a file")


if __name__ == "__main__":
    main()
