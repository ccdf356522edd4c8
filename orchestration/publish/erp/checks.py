"""What an importer would refuse, found before the batch is written.

What belongs here: turning rows into the text of a layout's fields, and the refusals: required, too
long, wrong characters, too large or too fine amounts, sums that differ. What does not: files (write.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.publish.erp.model import DATE_FORMATS, Batch, ErpFormat, Field, Layout
from orchestration.publish.format import PublishError
from orchestration.publish.money import amount_text

SHOWN = 5
"""Refusals that a message shows; it counts the others."""


@dataclass(frozen=True)
class Refusal:
    """One value that the importer would refuse."""

    line: str
    field: str
    reason: str


def refuse(batch: Batch, one: ErpFormat, entity: str, refusals: list[Refusal]) -> None:
    """PublishError that names batch, format, legal entity, and line, field and reason of each refusal."""
    if refusals:
        shown = [f"line {r.line}, field {r.field}: {r.reason}" if r.line else r.reason for r in refusals[:SHOWN]]
        more = f"; and {len(refusals) - SHOWN} more" if len(refusals) > SHOWN else ""
        raise PublishError(f"batch {batch.facts['batch']}, {one.name} of {entity}: {'; '.join(shown)}{more}")


Text = Mapping[str, "pa.ChunkedArray | str"]
"""The text of fields by name: of each row without nulls, or one text where all rows have the same."""


def texts(batch: Batch, one: ErpFormat, layout: Layout, rows: pa.Table, settings: Mapping[str, str]) -> Text:
    """The text of every field, in the layout's order.

    Raises PublishError for amounts that have more decimals than their currency.
    """
    return {field.name: _text(batch, one, field, rows, settings) for field in layout.fields}


def refusals(batch: Batch, one: ErpFormat, layout: Layout, rows: pa.Table, fields: Text) -> Iterator[Refusal]:
    """Everything in these rows that the importer would refuse, field by field."""
    for field in layout.fields:
        values = fields[field.name]
        of = rows
        if isinstance(values, str):  # the same in every row: one is enough
            of, values = rows.slice(0, 1), pa.chunked_array([pa.array([values])])
        if field.required:
            yield from _found(of, field, values, pc.equal(values, ""), "is empty, but required")
        if field.size:
            long = pc.greater(pc.utf8_length(values), field.size)
            yield from _found(of, field, values, long, f"has more than {field.size} characters", show=True)
        strange = pc.match_substring_regex(values, one.forbidden)
        yield from _found(of, field, values, strange, "has characters that the importer does not take", show=True)
        if field.kind == "amount":
            yield from _amounts(batch, one, field, of, values)


def check_sums(batch: Batch, one: ErpFormat, entity: str, layout: Layout, rows: pa.Table, fields: Text) -> None:
    """PublishError unless each amount of the file, read back from its text, sums to the ledger's, per currency."""
    for name, column in layout.controls.items():
        text = fields[name]
        read = pc.if_else(pc.equal(text, ""), "0", text).cast(pa.decimal128(38, 4))
        wrote = _sums(rows["currency"], read)
        told = _sums(rows["currency"], rows[column].cast(pa.decimal128(38, 4)))
        if wrote != told:
            raise PublishError(f"batch {batch.facts['batch']}, {one.name} of {entity}: {name} is {wrote}, not {told}")


def check_balance(batch: Batch, one: ErpFormat, entity: str, rows: pa.Table) -> None:
    """PublishError unless debit equals credit in every document of a journal."""
    difference = pc.subtract(rows["debit"], rows["credit"])
    sums = rows.select(["document_id", "entry_id", "currency"]).append_column("difference", difference)
    for key in (["document_id", "currency"], ["entry_id", "currency"]):
        found = sums.group_by(key).aggregate([("difference", "sum")]).sort_by([(key[0], "ascending")])
        found = found.filter(pc.not_equal(found["difference_sum"], Decimal(0)))
        wrong = [
            Refusal(
                "", "", f"{key[0]} {row[key[0]]}, {row['currency']}: debit and credit differ by {row['difference_sum']}"
            )
            for row in found.to_pylist()
        ]
        refuse(batch, one, entity, wrong)


def _sums(currency: pa.ChunkedArray, amount: pa.ChunkedArray) -> dict[str, str]:
    table = pa.table({"currency": currency, "amount": amount}).group_by("currency").aggregate([("amount", "sum")])
    return {row["currency"]: f"{row['amount_sum']:.4f}" for row in table.sort_by("currency").to_pylist()}


def _text(
    batch: Batch, one: ErpFormat, field: Field, rows: pa.Table, settings: Mapping[str, str]
) -> pa.ChunkedArray | str:
    if not field.column:
        return settings[field.setting] if field.setting else field.constant
    if field.optional and field.column not in rows.column_names:
        return ""
    values = rows[field.column]
    if field.kind == "amount":
        text = pc.fill_null(amount_text(values, rows["currency"], batch.units, f"{one.name}.{field.name}"), "")
        if not one.zeros:
            text = pc.if_else(pc.equal(values, pa.scalar(0, values.type)), "", text)
        return text
    if field.kind == "date":
        form = one.date_format
        values = pc.strftime(values, format=DATE_FORMATS[settings[form[1:]]] if form.startswith("$") else form)
    text = pc.fill_null(values.cast(pa.string()), "")
    if field.cut:
        text = pc.utf8_slice_codeunits(pc.replace_substring_regex(text, one.forbidden, " "), 0, field.size)
    return text


def _amounts(batch: Batch, one: ErpFormat, field: Field, rows: pa.Table, values: pa.ChunkedArray) -> Iterator[Refusal]:
    if one.decimals:
        fine = pa.array([code for code, units in batch.units.items() if units > one.decimals], pa.string())
        wrong = pc.and_(pc.is_in(rows["currency"], fine), pc.not_equal(values, ""))
        reason = f"is in a currency with more than {one.decimals} decimals, which the importer does not take"
        yield from _found(rows, field, values, wrong, reason, show=True)
    if one.digits:
        wrong = pc.match_substring_regex(values, rf"^-?\d{{{one.digits + 1},}}")
        reason = f"has more than {one.digits} digits before the decimal point"
        yield from _found(rows, field, values, wrong, reason, show=True)


def _found(
    rows: pa.Table, field: Field, values: pa.ChunkedArray, wrong: pa.ChunkedArray, reason: str, *, show: bool = False
) -> Iterator[Refusal]:
    found = pa.table({"line": rows["line_key"], "value": values}).filter(wrong)
    for row in found.to_pylist():
        yield Refusal(str(row["line"]), field.name, f"{row['value']!r} {reason}" if show else reason)
