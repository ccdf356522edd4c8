"""Rows of a received file as they were delivered: the text of a record, or the text of its cells.

What belongs here: finding records by their row numbers in the store's byte-exact copy. What does not: values
(parse.py). Nothing is written but a temporary copy of what is compressed, in the system's own place for such.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TextIO

import pyarrow.parquet as pq

from orchestration.contract import ENTITIES, raw_columns
from orchestration.intake import landing
from orchestration.intake.formats import CsvFormat
from orchestration.intake.landing import LandingError, Receipt
from orchestration.intake.mapping import Mapping, load_mappings
from orchestration.intake.read_csv import dialect
from orchestration.intake.unpack import unpacked
from orchestration.settings import Settings

TEXT_SUFFIX = "_text"


def original_rows(settings: Settings, sequence: int, rows: Collection[int]) -> dict[int, str]:
    """The rows of the file with a receipt number, by row number, as delivered.

    Of delimited text the record as it stands in the file, without its line end; of every other format ``column=text``
    of the cells that are not empty, as intake read them. Rows that the file does not have are left out. Raises
    LandingError when the receipt or the copy is missing or the copy's bytes are not those that were received.
    """
    receipt = next((each for each in landing.receipts(settings) if each.sequence == sequence), None)
    if receipt is None:
        raise LandingError(f"landing/.receipts has no receipt {sequence:06}")
    path = landing.check_stored(settings, receipt)
    mapping, reason = load_mappings(settings.sources).find(receipt.source, receipt.file_name)
    if mapping is None:
        raise LandingError(f"receipt {sequence:06} ({receipt.file_name}): {reason}")
    wanted = set(rows)
    if not wanted:
        return {}
    if isinstance(mapping.format, CsvFormat):
        return dict(_delimited(path, mapping, mapping.format, wanted))
    return _cells(settings, mapping.entity, receipt, wanted)


def _delimited(path: Path, mapping: Mapping, fmt: CsvFormat, wanted: set[int]) -> Iterator[tuple[int, str]]:
    """(row number, text) of the wanted records, members of an archive one after the other."""
    last = max(wanted)
    with tempfile.TemporaryDirectory() as folder, unpacked(path, mapping.format, Path(folder) / "copy") as files:
        number = 0
        for _, file in files:
            with file.open(encoding=fmt.encoding, newline="") as stream:
                for text in _records(stream, fmt):
                    number += 1
                    if number in wanted:
                        yield number, text
                    if number >= last:
                        return


def _records(stream: TextIO, fmt: CsvFormat) -> Iterator[str]:
    """The text of each record, several lines where a quoted value holds line ends."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in stream:
            taken.append(line)
            yield line

    for _ in csv.reader(lines(), **dialect(fmt)):
        yield "".join(taken).rstrip("\r\n")
        taken.clear()


def _cells(settings: Settings, entity: str, receipt: Receipt, wanted: set[int]) -> dict[int, str]:
    """The cells' texts from raw/, where intake keeps them beside what it parsed."""
    path = settings.raw / entity / f"{receipt.key}.parquet"
    if not path.is_file():
        raise LandingError(f"receipt {receipt.sequence:06} ({receipt.file_name}): raw/{entity} has no rows of it")
    names = {column.name for column in raw_columns(ENTITIES[entity])}
    texts = [
        f"{column.name}{TEXT_SUFFIX}" if f"{column.name}{TEXT_SUFFIX}" in names else column.name
        for column in ENTITIES[entity].columns
    ]
    texts += sorted(names & {"partner_product_id"})  # the code as reported, before any cross-reference
    table = pq.read_table(path, columns=["row_number", *texts], filters=[("row_number", "in", sorted(wanted))])
    shown = {name: name.removesuffix(TEXT_SUFFIX) for name in texts}
    return {
        row["row_number"]: ", ".join(f"{shown[name]}={row[name]}" for name in texts if row[name])
        for row in table.to_pylist()
    }
