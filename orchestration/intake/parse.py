"""Text to typed columns, set-based: one SQL statement made from a mapping.

What belongs here: how a text becomes a date or a number, and the reason when it does not. What
does not: reading files (readers.py), judging values (validation).

A value that cannot be parsed becomes null, keeps its text in ``<column>_text`` and gives an entry
``<column>: <reason>`` in ``parse_errors``. Nothing is rounded: more decimals than the type holds
are an error.
"""

from __future__ import annotations

import re

from orchestration.contract import DATE, ENTITIES, INTEGER, LINE, TEXT, Entity, raw_columns
from orchestration.intake.mapping import ISO_DATE, CsvFormat, Mapping, SourceColumn

_BLANKS = "' \t\r\n\u00a0\ufeff'"
_SHOWN = 60  # characters of a bad value that a message quotes


def literal(text: str) -> str:
    """An SQL text literal."""
    return "'" + text.replace("'", "''") + "'"


def statement(mapping: Mapping, header: list[str], source: str, file_sequence: int, file_hash: str) -> str:
    """The SELECT that turns the records in view ``records`` (readers.py) into raw columns.

    Grain: one row per record of the file that has any value, in the order of ``row_number``.
    Columns: contract.raw_columns of the mapping's entity, in order.
    """
    entity = ENTITIES[mapping.entity]
    cells = [f"nullif(trim(c{i}, {_BLANKS}), '') AS t{i}" for i in range(len(header))]
    origins = [f"CASE WHEN t{i} IS NOT NULL THEN c{i} END AS o{i}" for i in range(len(header))]
    mapped = [item for column in entity.columns for item in _mapped(mapping, entity, column.name, header)]
    errors = [_shape_error(header), *(f"e_{column.name}" for column in entity.columns)]
    given = {
        **{column.name: f"v_{column.name}" for column in entity.columns},
        **{f"{column.name}_text": f"o_{column.name}" for column in entity.columns},
        "parse_errors": f"nullif(concat_ws('; ', {', '.join(errors)}), '')",
        "source": literal(source),
        "file_sequence": str(file_sequence),
        "file_hash": literal(file_hash),
        "row_number": "row_number",
    }
    if entity is LINE:
        given["partner_product_id"] = "v_product_id"
    if mapping.product_codes == "cross_reference":
        given["product_id"] = "NULL"  # known only once validation has applied the cross-reference
    output = [f"CAST({given[column.name]} AS {column.type}) AS {column.name}" for column in raw_columns(entity)]
    return f"""
        WITH cells AS (
            SELECT row_number, row_error, {", ".join(f"c{i}" for i in range(len(header)))}, {", ".join(cells)}
            FROM records
        ),
        filled AS (
            SELECT *, {", ".join(origins)} FROM cells
            WHERE coalesce(row_error, {", ".join(f"t{i}" for i in range(len(header)))}) IS NOT NULL
        ),
        parsed AS (SELECT *, {", ".join(mapped)} FROM filled)
        SELECT {", ".join(output)} FROM parsed ORDER BY row_number
    """


def _shape_error(header: list[str]) -> str:
    """Why the record does not have the header's shape, or a value stands under no name."""
    unnamed = [i for i, name in enumerate(header) if not name]
    cases = [f"WHEN t{i} IS NOT NULL THEN 'row: a value in column {i + 1}, which has no name'" for i in unnamed]
    return f"coalesce(row_error, CASE {' '.join(cases)} END)" if cases else "row_error"


def _mapped(mapping: Mapping, entity: Entity, name: str, header: list[str]) -> tuple[str, str, str]:
    """Value ``v_``, error ``e_`` and the file's own text ``o_`` of one of our columns."""
    if name not in mapping.columns:
        value = literal(mapping.constants[name]) if name in mapping.constants else "NULL"
        return f"{value} AS v_{name}", f"NULL AS e_{name}", f"NULL AS o_{name}"
    spec = mapping.column(name)
    index = header.index(spec.column)
    text = f"t{index}"
    kind = entity.column(name).type
    if kind == TEXT:
        value, reason = _text(text, spec)
    elif kind == DATE:
        value, reason = _date(text, mapping)
    else:
        value, reason = _number(text, kind, mapping)
    shown = f"CASE WHEN length({text}) > {_SHOWN} THEN left({text}, {_SHOWN}) || '…' ELSE {text} END"
    error = f"{literal(name + ': ' + chr(39))} || {shown} || '''' || ({reason})" if reason else "NULL"
    return f"{value} AS v_{name}", f"{error} AS e_{name}", f"o{index} AS o_{name}"


def _text(text: str, spec: SourceColumn) -> tuple[str, str]:
    value, reason = text, ""
    if spec.values is not None:
        cases = " ".join(f"WHEN {literal(theirs)} THEN {literal(ours)}" for theirs, ours in spec.values.items())
        value = f"CASE {text} {cases} END"
        listed = ", ".join(literal(theirs) for theirs in spec.values)
        known = literal(f" is not one of {', '.join(spec.values)}")
        reason = f"CASE WHEN {text} IS NOT NULL AND {text} NOT IN ({listed}) THEN {known} END"
    if spec.template is not None:
        before, after = spec.template.split("{value}")
        value = f"{literal(before)} || ({value}) || {literal(after)}"
    if spec.default is not None:
        value = f"CASE WHEN {text} IS NULL THEN {literal(spec.default)} ELSE {value} END"
    return value, reason


def _date(text: str, mapping: Mapping) -> tuple[str, str]:
    formats = [mapping.format.date_format]
    plain = text
    if not isinstance(mapping.format, CsvFormat):
        # typed dates arrive in ISO notation; a time of midnight says nothing, any other is an error
        plain = f"regexp_replace({text}, '[ T]00:00:00(\\.0+)?$', '')"
        formats = list(dict.fromkeys([*formats, ISO_DATE]))
    attempts = ", ".join(f"try_strptime({plain}, {literal(fmt)})" for fmt in formats)
    parsed = f"CAST(coalesce({attempts}) AS DATE)"
    value = f"CASE WHEN {parsed} BETWEEN DATE '1000-01-01' AND DATE '9999-12-31' THEN {parsed} END"
    expected = literal(f" is not a date ({mapping.format.date_format})")
    return value, f"CASE WHEN {text} IS NOT NULL AND ({value}) IS NULL THEN {expected} END"


def digits(kind: str) -> tuple[int, int]:
    """Precision and scale of a numeric type of the contract."""
    if kind == INTEGER:
        return 9, 0
    match = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind)
    if match is None:
        raise ValueError(f"{kind}: expected {TEXT}, {DATE}, {INTEGER} or DECIMAL(precision,scale)")
    return int(match[1]), int(match[2])


def _number(text: str, kind: str, mapping: Mapping) -> tuple[str, str]:
    precision, scale = digits(kind)
    decimal, thousands = re.escape(mapping.format.decimal), re.escape(mapping.format.thousands)
    whole = f"(\\d+|\\d{{1,3}}({thousands}\\d{{3}})+)" if thousands else "\\d+"
    pattern = f"[+-]?({whole}({decimal}\\d+)?|{decimal}\\d+)"
    plain = text
    if mapping.format.thousands:
        plain = f"replace({plain}, {literal(mapping.format.thousands)}, '')"
    if mapping.format.decimal != ".":
        plain = f"replace({plain}, {literal(mapping.format.decimal)}, '.')"
    decimals = f"length(rtrim(split_part({plain}, '.', 2), '0'))"
    wholes = f"length(ltrim(split_part({plain}, '.', 1), '+-0'))"
    many = f" has more than {scale} decimals" if scale else " is not a whole number"
    large = f" has more than {precision - scale} digits before the decimals"
    reason = f"""CASE
        WHEN {text} IS NULL THEN NULL
        WHEN NOT regexp_full_match({text}, {literal(pattern)}) THEN ' is not a number'
        WHEN {decimals} > {scale} THEN {literal(many)}
        WHEN {wholes} > {precision - scale} THEN {literal(large)}
        END"""
    return f"CASE WHEN ({reason}) IS NULL THEN TRY_CAST({plain} AS {kind}) END", reason
