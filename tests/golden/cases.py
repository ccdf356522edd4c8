"""All published cases together: their rows, their figures, and the page that lists them.

What belongs here: what looks at all cases at once. What does not: how one of them reads in our words
(worked.py, engine.py). ``python -m tests.golden.cases`` prints docs/golden-figures.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.golden.case import (
    AS_OF,
    CONTRADICTS,
    OTHER_RULE,
    OUT_OF_SCOPE,
    PASSES,
    SPELLED_OUT,
    Case,
    Check,
    Term,
    published,
)
from tests.golden.engine import engine_cases
from tests.golden.worked import worked_examples
from tests.reference.build import partner

__all__ = ["AS_OF", "CONTRADICTS", "OTHER_RULE", "OUT_OF_SCOPE", "PASSES", "SPELLED_OUT", "Case", "Check", "published"]

NO_FIGURE = {
    "settlements": "how many settlements are made: none, as nothing is paid",
    "oca_asserted": "the published figure of rebate",
    "oca_overpayment": "the difference of the two",
}
"""Names under `expected` that are no figures of their own."""

Figures = Mapping[tuple[str, str, str], Mapping[str, Decimal]]
"""What (see case.Term), program_key and participant_id to the figure by period."""


def cases() -> list[Case]:
    """Return every published case, in the order of the files."""
    return [*worked_examples(), *engine_cases()]


def entities(of: Sequence[Case]) -> dict[str, list[dict[str, Any]]]:
    """Return the accepted rows of the cases: lines, the partners that lines or documents name, products, and more."""
    lines = [{**row, "row_number": number} for number, row in enumerate((r for c in of for r in c.lines), start=1)]
    named = {row[role] for row in lines for role in ("sold_to_id", "distributor_id")} - {None}
    named |= {who for case in of for each in case.documents for who in each["participants"]["partners"]}
    rows: dict[str, list[dict[str, Any]]] = {"line": lines, "partner": [partner(name) for name in sorted(named)]}
    for case in of:
        for entity, more in case.entities.items():
            rows.setdefault(entity, []).extend(more)
    return rows


def value(check: Check, figures: Figures) -> Decimal:
    """Return what the figures make of the check. KeyError where a program has no figure for a participant."""
    return sum((term.weight * _figure(term, figures) for term in check.terms), Decimal(0))


def _figure(term: Term, figures: Figures) -> Decimal:
    by_period = figures[term.what, term.program_key, term.participant_id]
    return sum(by_period.values(), Decimal(0)) if term.period_id is None else by_period[term.period_id]


# --- the page -------------------------------------------------------------------------------------------
def page() -> str:
    """Return docs/golden-figures.md."""
    every = cases()
    counts = {
        status: sum(case.status == status for case in every)
        for status in (PASSES, SPELLED_OUT, CONTRADICTS, OTHER_RULE, OUT_OF_SCOPE)
    }
    rows = []
    for case in every:
        figures = "; ".join(_shown(check) for check in case.checks) or "not run"
        rows.append(f"| {case.id} | {case.status} | {figures} | {case.reason} |")
    return "\n".join(
        [
            "# Golden figures",
            "",
            "Figures that other systems and standards publish, and what ours makes of them. The cases stand in",
            "`tests/golden/worked_examples.json` and `engine_cases.json` with their sources; `worked.py` and",
            "`engine.py` beside them say how each reads in our words: program documents and lines. All of them go",
            "through the models in one build, and through the independent calculator",
            "(`tests/golden/test_models_golden.py`, `test_reference_golden.py`).",
            "This page is printed by `python -m tests.golden.cases`; a test holds it to the cases.",
            "",
            f"{len(every)} cases: " + "; ".join(f"{count} {status}" for status, count in counts.items()) + ".",
            f"{sum(len(case.checks) for case in every)} figures.",
            "",
            f"- **{PASSES}**: every published figure comes out.",
            f"- **{SPELLED_OUT}**: every published figure comes out too, but the source has one rule for what takes",
            "  ours more tiers (up to some number) or a second program; the remark says how.",
            f"- **{CONTRADICTS}**: the published figure does not follow from the rules published with it; both are",
            "  stated, and ours is the one that follows.",
            f"- **{OTHER_RULE}**: the source has a rule that our semantics does not have; both figures are stated.",
            f"- **{OUT_OF_SCOPE}**: no payout; the remark says where it belongs.",
            "",
            "| case | status | figures | remark |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _shown(check: Check) -> str:
    shown = format(check.expected.normalize(), "f")
    if check.published is None:
        return f"{check.name} {shown}"
    return f"{check.name}: published {format(check.published.normalize(), 'f')}, ours {shown}"


if __name__ == "__main__":
    print(page(), end="")
