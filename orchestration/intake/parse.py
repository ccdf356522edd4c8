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
from orchestration.intake.formats import ISO_DATE, SERIALS, CsvFormat, ExcelFormat, ParquetFormat, has_time
from orchestration.intake.mapping import Mapping, SourceColumn

_BLANKS = "' \t\r\n\u00a0\ufeff'"
SIGNED = ("quantity", "net_amount")
"""Columns of a line that a mapping's ``signs`` turn round."""
_SHOWN = 60  # characters of a bad value that a message quotes


def literal(text: str) -> str:
    """An SQL text literal."""
    return "'" + text.replace("'", "''") + "'"


def statement(mapping: Mapping) -> str:
    """The SELECT that turns the records in view ``records`` into raw columns.

    ``records``: the columns of ``records.staged``, and ``file_sequence`` and ``file_hash`` of each record's
    file. Grain: one row per record that has any value, in the order of ``file_sequence, row_number``.
    Columns: contract.raw_columns of the mapping's entity, in order. The same for every file of a mapping.
    """
    entity = ENTITIES[mapping.entity]
    places = range(len(mapping.staged_columns))
    cells = [f"nullif(trim(c{i}, {_BLANKS}), '') AS t{i}" for i in places]
    origins = [f"CASE WHEN t{i} IS NOT NULL THEN c{i} END AS o{i}" for i in places]
    mapped = [item for column in entity.columns for item in _mapped(mapping, entity, column.name)]
    errors = ["row_error", *(f"e_{column.name}" for column in entity.columns)]
    given = {
        **{column.name: f"v_{column.name}" for column in entity.columns},
        **{f"{column.name}_text": f"o_{column.name}" for column in entity.columns},
        "parse_errors": f"nullif(concat_ws('; ', {', '.join(errors)}), '')",
        "source": literal(mapping.source),
        "file_sequence": "file_sequence",
        "file_hash": "file_hash",
        "row_number": "row_number",
    }
    if entity is LINE:
        given["partner_product_id"] = "v_product_id"
    if turned := [literal(kind) for kind, sign in sorted(mapping.signs.items()) if sign == "reversed"]:
        for name in SIGNED:
            given[name] = f"CASE WHEN v_document_type IN ({', '.join(turned)}) THEN -v_{name} ELSE v_{name} END"
    if mapping.product_codes == "cross_reference":
        given["product_id"] = "NULL"  # known only once validation has applied the cross-reference
    ignored = ""
    for theirs, values in mapping.ignored_rows.items():
        listed = ", ".join(literal(value) for value in values)
        ignored += f" AND coalesce(t{mapping.staged_columns.index(theirs)} NOT IN ({listed}), true)"
    output = [f"CAST({given[column.name]} AS {column.type}) AS {column.name}" for column in raw_columns(entity)]
    return f"""
        WITH cells AS (
            SELECT file_sequence, file_hash, row_number, row_error, {", ".join(f"c{i}" for i in places)},
                {", ".join(cells)}
            FROM records
        ),
        filled AS (
            SELECT *, {", ".join(origins)} FROM cells
            WHERE coalesce(row_error, {", ".join(f"t{i}" for i in places)}) IS NOT NULL{ignored}
        ),
        parsed AS (SELECT *, {", ".join(mapped)} FROM filled)
        SELECT {", ".join(output)} FROM parsed ORDER BY file_sequence, row_number
    """


def _mapped(mapping: Mapping, entity: Entity, name: str) -> tuple[str, str, str]:
    """Value ``v_``, error ``e_`` and the file's own text ``o_`` of one of our columns."""
    if name not in mapping.columns:
        value = literal(mapping.constants[name]) if name in mapping.constants else "NULL"
        return f"{value} AS v_{name}", f"NULL AS e_{name}", f"NULL AS o_{name}"
    spec = mapping.column(name)
    index = mapping.staged_columns.index(spec.column)
    text = f"t{index}"
    kind = entity.column(name).type
    if spec.joined_with:
        # a name without a part is no name: the whole is empty
        further = [f"t{mapping.staged_columns.index(theirs)}" for theirs in spec.joined_with]
        text = "(" + f" || {literal(spec.join)} || ".join([text, *further]) + ")"
    if kind == TEXT:
        value, reason = _text(text, spec, isinstance(mapping.format, ParquetFormat))
    elif kind == DATE:
        value, reason = _date(text, mapping, spec)
    else:
        value, reason = _number(text, kind, mapping, spec.percent)
    shown = f"CASE WHEN length({text}) > {_SHOWN} THEN left({text}, {_SHOWN}) || '…' ELSE {text} END"
    error = f"{literal(name + ': ' + chr(39))} || {shown} || '''' || ({reason})" if reason else "NULL"
    return f"{value} AS v_{name}", f"{error} AS e_{name}", f"o{index} AS o_{name}"


def _text(text: str, spec: SourceColumn, checked: bool) -> tuple[str, str]:
    """``checked``: whether the text may hold NUL characters, which other readers refuse by themselves."""
    value, reasons = text, []
    if checked:
        reasons.append(f"WHEN contains({text}, chr(0)) THEN ' holds a NUL character'")
    if spec.zero_pad is not None:
        digits_only = f"regexp_full_match({text}, '\\d{{1,{spec.zero_pad}}}')"
        value = f"CASE WHEN {digits_only} THEN lpad({text}, {spec.zero_pad}, '0') ELSE {text} END"
    if spec.values is not None:
        padded = value
        cases = " ".join(f"WHEN {literal(theirs)} THEN {literal(ours)}" for theirs, ours in spec.values.items())
        value = f"CASE {padded} {cases} END"
        listed = ", ".join(literal(theirs) for theirs in spec.values)
        known = literal(f" is not one of {', '.join(spec.values)}")
        reasons.append(f"WHEN {text} IS NOT NULL AND ({padded}) NOT IN ({listed}) THEN {known}")
    if spec.template is not None:
        before, after = spec.template.split("{value}")
        value = f"{literal(before)} || ({value}) || {literal(after)}"
    if spec.default is not None:
        value = f"CASE WHEN {text} IS NULL THEN {literal(spec.default)} ELSE {value} END"
    if checked:
        value = f"CASE WHEN contains({text}, chr(0)) THEN NULL ELSE {value} END"
    return value, f"CASE {' '.join(reasons)} END" if reasons else ""


def _date(text: str, mapping: Mapping, spec: SourceColumn) -> tuple[str, str]:
    declared = spec.date_format or mapping.format.date_format
    formats = [declared]
    plain = text
    if isinstance(mapping.format, ExcelFormat | ParquetFormat):
        # typed dates arrive in ISO notation; a time of midnight says nothing, any other must be declared
        time = "\\d{2}:\\d{2}:\\d{2}" if has_time(declared) else "00:00:00"
        plain = f"regexp_replace({text}, '^(\\d{{4}}-\\d{{2}}-\\d{{2}})[ T]{time}(\\.\\d+)?$', '\\1')"
        if not has_time(declared):
            plain = f"regexp_replace({text}, '[ T]00:00:00(\\.0+)?$', '')"
        formats = list(dict.fromkeys([*formats, ISO_DATE]))
    attempts = [f"CAST(try_strptime({plain}, {literal(fmt)}) AS DATE)" for fmt in formats if fmt not in SERIALS]
    if has_time(declared) and plain != text:
        attempts.insert(0, f"CAST(try_strptime({text}, {literal(declared)}) AS DATE)")
    if declared in SERIALS:
        first = 61 if declared == "excel_serial_1900" else 0  # the first system counts a 29 February 1900
        number = f"CASE WHEN regexp_full_match({text}, '\\d{{1,7}}') THEN CAST({text} AS INTEGER) END"
        attempts.append(f"CASE WHEN ({number}) >= {first} THEN DATE '{SERIALS[declared]}' + ({number}) END")
    parsed = f"coalesce({', '.join(attempts)})"
    value = f"CASE WHEN {parsed} BETWEEN DATE '1000-01-01' AND DATE '9999-12-31' THEN {parsed} END"
    expected = literal(f" is not a date ({declared})")
    return value, f"CASE WHEN {text} IS NOT NULL AND ({value}) IS NULL THEN {expected} END"


def digits(kind: str) -> tuple[int, int]:
    """Precision and scale of a numeric type of the contract."""
    if kind == INTEGER:
        return 9, 0
    match = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind)
    if match is None:
        raise ValueError(f"{kind}: expected {TEXT}, {DATE}, {INTEGER} or DECIMAL(precision,scale)")
    return int(match[1]), int(match[2])


def _number(text: str, kind: str, mapping: Mapping, percent: bool) -> tuple[str, str]:
    precision, scale = digits(kind)
    fmt = mapping.format
    decimal, thousands = re.escape(fmt.decimal), re.escape(fmt.thousands)
    whole = f"(\\d+|\\d{{1,3}}({thousands}\\d{{3}})+)" if thousands else "\\d+"
    figure = f"({whole}({decimal}\\d+)?|{decimal}\\d+)"
    # typed numbers are written with a leading sign, whatever is declared of those in text
    negatives = set(fmt.negatives) | (set() if isinstance(fmt, CsvFormat) else {"leading"})
    if negatives == {"leading"} and not fmt.currency_signs and not percent:
        pattern = f"[+-]?{figure}"
        plain = text
    else:
        pattern = _styled(figure, negatives, fmt.currency_signs, percent)
        plain = text
        for sign in sorted(fmt.currency_signs, key=len, reverse=True):
            plain = f"replace({plain}, {literal(sign)}, '')"
        bare = f"translate({plain}, '-+()% \u00a0\u2009\u202f', '')"
        plain = f"CASE WHEN {text} LIKE '%-%' OR {text} LIKE '%(%' THEN '-' ELSE '' END || {bare}"
    if fmt.thousands:
        plain = f"replace({plain}, {literal(fmt.thousands)}, '')"
    if fmt.decimal != ".":
        plain = f"replace({plain}, {literal(fmt.decimal)}, '.')"
    shift = 2 if percent else 0
    decimals = f"length(rtrim(split_part({plain}, '.', 2), '0')) + {shift}"
    wholes = f"length(ltrim(split_part({plain}, '.', 1), '+-0')) - {shift}"
    many = f" has more than {scale - shift} decimals" if scale else " is not a whole number"
    large = f" has more than {precision - scale + shift} digits before the decimals"
    reason = f"""CASE
        WHEN {text} IS NULL THEN NULL
        WHEN NOT regexp_full_match({text}, {literal(pattern)}) THEN ' is not a number'
        WHEN {decimals} > greatest({scale}, {shift}) THEN {literal(many)}
        WHEN {wholes} > {precision - scale} THEN {literal(large)}
        END"""
    number = f"TRY_CAST({plain} AS {kind})"
    if percent:
        number = f"CAST(TRY_CAST({plain} AS DECIMAL(36,{scale})) * CAST(0.01 AS DECIMAL(2,2)) AS {kind})"
    return f"CASE WHEN ({reason}) IS NULL THEN {number} END", reason


def _styled(figure: str, negatives: set[str], currency_signs: tuple[str, ...], percent: bool) -> str:
    """Pattern of a number whose mapping declares more than a leading sign.

    A currency sign stands before or after the figure, outside or inside of a leading sign, once at most.
    """
    blank = "[ \u00a0\u2009\u202f]*"
    sign = "[+-]?" if "leading" in negatives else ""
    ends = [figure]
    if percent:
        ends = [f"{figure}({blank}%)?"]
    if currency_signs:
        listed = "|".join(re.escape(item) for item in sorted(currency_signs, key=len, reverse=True))
        ends = [f"({listed}){blank}{ends[0]}", f"{ends[0]}({blank}({listed}))?"]
    inner = "|".join(ends)
    ways = [f"{sign}{blank if sign else ''}({inner})"]
    if currency_signs and sign:
        ways.append(f"({listed}){blank}[+-]{figure}")
    if "trailing" in negatives:
        ways.append(f"({inner})-")
    if "parentheses" in negatives:
        ways.append(f"\\(({inner})\\)")
        if currency_signs:
            ways.append(f"({listed}){blank}\\({figure}\\)")
    return "|".join(ways)
