"""The figures of an example against the marts: ``wrong(example, built)``.

What belongs here: which column of a table is which column of a mart, and the arithmetic of the column ``how``.
What does not: how rows and documents come about (rows.py, example.py).
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

from tests.examples.example import AS_ABOVE, INPUTS, NOTHING, Case, Example, Row
from tests.examples.rows import claim_id, line_key, number
from tests.warehouse import Built

Marts = Mapping[str, Sequence[Mapping[str, Any]]]
"""Mart to its rows."""

Reader = Callable[[Example, Case, str], Any]
"""What a cell stands for in the mart."""


def _number(_: Example, __: Case, cell: str) -> Decimal | None:
    return None if cell == NOTHING else number(cell.removesuffix(" %"))


def _rate(_: Example, __: Case, cell: str) -> Decimal:
    return number(cell.removesuffix(" %")) / (100 if cell.endswith(" %") else 1)


def _tier(_: Example, __: Case, cell: str) -> int:
    return 0 if cell == "none" else int(cell)


def _flag(_: Example, __: Case, cell: str) -> bool:
    return {"yes": True, "no": False}[cell]


def _text(_: Example, __: Case, cell: str) -> str | None:
    return None if cell == NOTHING else cell.strip("`")


def _name(example: Example, _: Case, cell: str) -> str:
    return "" if cell == "nobody" else example.unique(cell)


def _line(example: Example, _: Case, cell: str) -> str:
    return line_key(example, cell)


def _claim(_: Example, case: Case, cell: str) -> str:
    return claim_id(case.document["id"], cell)


@dataclass(frozen=True)
class Kind:
    """A kind of table. ``keys`` and ``figures``: column of the page to column of the mart, and how its cell reads.

    ``rest``: the column that is zero in all rows that the table does not list; None: it lists all that there are.
    """

    title: str
    mart: str
    keys: Mapping[str, tuple[str, Reader]]
    figures: Mapping[str, tuple[str, Reader]]
    rest: str | None


PAYOUT = {"partner": ("participant_id", _name), "group": ("participant_id", _name), "period": ("period_id", _text)}

KINDS: Mapping[str, Kind] = {
    "payouts": Kind(
        "What it pays",
        "fct_qualification",
        PAYOUT,
        {
            "bought": ("actual", _number),
            "of the brand": ("actual", _number),
            "of all": ("figure", _number),
            "baseline": ("figure", _number),
            "target": ("figure", _number),
            "basis": ("basis", _number),
            "tier": ("tier_number", _tier),
            "pays on": ("payout_base", _number),
            "before bounds": ("uncapped_payout", _number),
            "gates hold": ("gates_hold", _flag),
            "limited by": ("limited_by", _text),
            "shortfall": ("shortfall", _number),
            "payout": ("payout", _number),
            "missing": ("gap_to_next_tier", _number),
            "next tier pays": ("next_payout", _number),
        },
        "payout",
    ),
    "payees": Kind(
        "Who is paid", "fct_payout", {**PAYOUT, "payee": ("payee_id", _name)}, {"payout": ("amount", _number)}, "amount"
    ),
    "tiers": Kind(
        "Tier by tier",
        "fct_tier_application",
        {**PAYOUT, "tier": ("tier_number", _tier)},
        {"pays on": ("payout_base", _number), "rate": ("rate", _rate), "amount": ("amount", _number)},
        "",
    ),
    "rules": Kind(
        "Gates",
        "fct_qualification_rule",
        {**PAYOUT, "rule": ("rule", _text)},
        {"required": ("required", _number), "actual": ("actual", _number), "holds": ("holds", _flag)},
        "",
    ),
    "parts": Kind(
        "Line by line", "fct_line_rebate", {"document": ("line_key", _line)}, {"amount": ("amount", _number)}, "amount"
    ),
    "left_out": Kind(
        "Left out", "rpt_excluded_line", {"document": ("line_key", _line)}, {"reason": ("reason", _text)}, None
    ),
    "authorizations": Kind(
        "Authorisations",
        "rpt_authorization",
        {"number": ("authorization_number", _text)},
        {
            "authorised": ("authorized_quantity", _number),
            "claimed": ("claimed_quantity", _number),
            "paid": ("paid_quantity", _number),
            "exceeded": ("exceeded_quantity", _number),
            "open": ("open_quantity", _number),
        },
        None,
    ),
    "claims_drawn": Kind(
        "What the claims drew",
        "rpt_fund_claim",
        {"claim": ("claim_id", _claim)},
        {"drawn": ("drawn_amount", _number), "reason": ("reason", _text)},
        None,
    ),
    "funds": Kind(
        "The fund",
        "fct_fund",
        {"partner": ("partner_id", _name)},
        {
            "built": ("built_amount", _number),
            "drawn": ("drawn_amount", _number),
            "open": ("open_amount", _number),
            "expired": ("expired_amount", _number),
        },
        None,
    ),
}
"""Tables of what comes out. An empty ``rest``: the table shows some of the rows, the others are not looked at."""

ALWAYS = ("payouts", "left_out")
"""Looked at in every example: what no table lists pays nothing, and nothing is left out."""


def marts(built: Built) -> dict[str, list[dict[str, Any]]]:
    """The rows of every mart that tables are compared with."""
    found = {kind.mart: built.rows(kind.mart) for kind in KINDS.values()}
    at = {row["payout_id"]: row for row in found["fct_qualification"]}
    found["fct_qualification_rule"] = [{**at[row["payout_id"]], **row} for row in found["fct_qualification_rule"]]
    return found


def wrong(example: Example, found: Marts) -> list[str]:
    """What the marts say otherwise than the example's tables; empty when all figures are right."""
    texts: list[str] = []
    for kind in dict.fromkeys([*ALWAYS, *(kind for kind in example.tables if kind not in INPUTS)]):
        for case in example.cases():
            rows = [row for row in example.rows(kind) if _belongs(row, case)]
            texts += [
                f"{kind}, {case.key} ({case.change}): {text}" for text in _compared(example, case, kind, rows, found)
            ]
    return texts


def _belongs(row: Row, case: Case) -> bool:
    return row.get("with", AS_ABOVE) == case.change and row.get("program", case.block) == case.block


def _compared(example: Example, case: Case, name: str, rows: Sequence[Row], found: Marts) -> Iterator[str]:
    kind = KINDS[name]
    left = [row for row in found[kind.mart] if row["program_key"] == case.key]
    for row in rows:
        keys = {
            kind.keys[column][0]: kind.keys[column][1](example, case, row[column])
            for column in kind.keys
            if column in row
        }
        meant = [each for each in left if all(each[column] == value for column, value in keys.items())]
        if len(meant) != 1:
            yield f"{len(meant)} rows are {keys}"
            continue
        left.remove(meant[0])
        for column in row.keys() & kind.figures.keys():
            mart_column, reader = kind.figures[column]
            expected, actual = reader(example, case, row[column]), meant[0][mart_column]
            if actual != expected:
                yield f"{column} of {keys} is {actual}, the page says {expected}"
    for each in left:
        if kind.rest is None or (kind.rest and each[kind.rest]):
            yield f"the page does not list {each}"


# --- arithmetic -----------------------------------------------------------------------------------------
OPERATORS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def miscalculated(example: Example) -> list[str]:
    """Cells of ``how`` whose sides are not equal, or do not come to the cell on their right.

    After ``≈`` stands what is rounded to the cent.
    """
    texts = []
    for kind, table in example.tables.items():
        if "how" not in table.columns:
            continue
        result = table.columns[table.columns.index("how") + 1]
        for row in table.rows:
            if re.search(r"[a-z]", row["how"]):  # in words: nothing is paid
                values = [Fraction(0)]
            else:
                exact, _, rounded = row["how"].partition("≈")
                values = [_value(side) for side in exact.split("=")]
                if rounded:  # half away from zero, to the cent
                    values = [Fraction(floor(value * 100 + Fraction(1, 2)), 100) for value in {*values}]
            if {*values} != {Fraction(number(row[result]))}:
                texts.append(f"{kind}: {row['how']} and {result} {row[result]}")
    return texts


def _value(text: str) -> Fraction:
    """The value of a sum as the page writes it: ``(1,000 − 100) × 5 %``."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text.strip()).replace("×", "*").replace("−", "-")
    plain = re.sub(r"([\d.]+) %", r"(\1 / 100)", plain)

    def value(node: ast.expr) -> Fraction:
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        return Fraction(ast.get_source_segment(plain, node) or "")

    return value(ast.parse(plain, mode="eval").body)
