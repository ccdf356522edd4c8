"""How each published case reads in our words: documents, lines, and the figures that must come out.

What belongs here: the translation of worked_examples.json and engine_cases.json, case by case, and
for those that do not translate the reason. What does not: the published figures themselves: they are
read from the JSON files, never typed again.

Every state of a case that the source speaks of ("after two purchases") is a partner of its own, so
that one calculation of everything gives all states at once. ``python -m tests.golden.cases`` prints
docs/golden-figures.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.golden.document import Document, document, level
from tests.reference.build import line, partner, product

HERE = Path(__file__).parent
YEAR = ("2022-01-01", "2023-12-31")
DAY = date(2022, 3, 1)
AS_OF = date(2023, 12, 15)

PASSES = "passes"
CONTRADICTS = "contradicts its own rules"
OTHER_RULE = "another rule"
LATER = "later issue"

Term = tuple[int, str, str]
"""Sign, program_key, participant_id."""


@dataclass(frozen=True)
class Check:
    """One figure: the sum of payouts (over all periods) with their signs. ``published`` where it differs."""

    name: str
    expected: Decimal
    terms: tuple[Term, ...]
    published: Decimal | None = None


@dataclass(frozen=True)
class Case:
    """One published case. Without checks it is not run, and the reason says why."""

    id: str
    file: str
    source: str
    status: str
    reason: str = ""
    checks: tuple[Check, ...] = ()
    documents: tuple[Document, ...] = ()
    lines: tuple[dict[str, Any], ...] = ()
    products: tuple[dict[str, Any], ...] = ()


@dataclass
class Draft:
    """A case in the making."""

    published: Mapping[str, Any]
    status: str = PASSES
    reason: str = ""
    checks: list[Check] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    products: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def program_id(self) -> str:
        """The case's id as a program id: capitals, digits, hyphens."""
        return re.sub(r"[^A-Z0-9]+", "-", self.published["id"].upper())

    def partner(self, state: str) -> str:
        """The partner that stands for a state of the case."""
        return f"{self.published['id']}:{state}"

    def program(self, levels: Sequence[Mapping[str, str]], suffix: str = "", **fields: Any) -> str:
        """Add a program; returns its key."""
        fields.setdefault("valid", YEAR)
        made = document(self.program_id + suffix, levels, **fields)
        self.documents.append(made)
        return f"{made['id']}@{made['version']}"

    def buy(self, state: str, amount: str | None, quantity: str | None = None, **columns: Any) -> None:
        """Add a purchase of the partner of that state; an unknown amount or quantity does not matter."""
        number = f"{self.published['id']}-{len(self.lines) + 1}"
        columns.setdefault("day", DAY)
        columns.setdefault("product", "P1")
        self.products.setdefault(columns["product"], product(columns["product"]))
        self.lines.append(
            line(
                columns.pop("number", number),
                amount if amount is not None else quantity or "0",
                quantity=quantity if quantity is not None else "1",
                partner=self.partner(state),
                source="golden",
                **columns,
            )
        )

    def expect(self, name: str, *terms: tuple[int, str, str], ours: str | None = None) -> None:
        """Add a figure: the published one of that name, unless ``ours`` says what our rules give instead."""
        published = Decimal(_figure(self.published["expected"], name))
        self.checks.append(
            Check(
                name,
                published if ours is None else Decimal(ours),
                tuple((sign, key, self.partner(state)) for sign, key, state in terms),
                None if ours is None else published,
            )
        )

    def done(self, file: str) -> Case:
        """Return the finished case."""
        return Case(
            self.published["id"],
            file,
            f"{self.published['system']}: {self.published['source']}",
            self.status,
            self.reason,
            tuple(self.checks),
            tuple(self.documents),
            tuple(self.lines),
            tuple(self.products.values()),
        )


def _figure(expected: Mapping[str, Any], name: str) -> str:
    match = re.fullmatch(r"(\w+)\[(\d+)\]", name)
    return str(expected[match[1]][int(match[2])] if match else expected[name])


def published(file: str) -> list[dict[str, Any]]:
    """Return the cases of a file as they were published."""
    cases: list[dict[str, Any]] = json.loads((HERE / f"{file}.json").read_text(encoding="utf-8"))
    return cases


def cases() -> list[Case]:
    """Return every published case, in the order of the files."""
    return [*_worked(), *_engine()]


# --- engine_cases.json ------------------------------------------------------------------------------
MINIMUM = "guaranteed minimum: `floor` is not calculated yet"
ZERO = "the source pays its first flat amount at a quantity of zero; ours pays nothing there"
NOT_OURS: dict[str, str] = {
    "oca-rebate-line-nofilter": "a program without tiers: our schema refuses the document; nothing is paid either way",
    "openmeter-unitconfig-grad": "rounds the converted quantity up; ours never rounds before the payout",
    "openmeter-unitconfig-unit": "rounds the converted quantity up; ours never rounds before the payout",
    "openmeter-unitconfig-discount": "rounds the converted quantity up and takes a free quantity off",
    "openmeter-voldelta-freeqty": "a free quantity is taken off first; semantics has no free quantity",
}
STARTED = "a started package counts whole; ours pays whole increments only"
STARTED_PACKAGES: dict[str, tuple[str, ...]] = {"openmeter-package-5": ("0",), "openmeter-package-17+5": ("15", "30")}
"""What our rule pays after each purchase where the source counts started packages."""

OCA = "a passed section is paid on its upper bound instead of its width; the marginal answer is ours"


def _engine() -> Iterator[Case]:
    for case in published("engine_cases"):
        draft = Draft(case)
        if case["id"] in NOT_OURS:
            draft.status, draft.reason = OTHER_RULE, NOT_OURS[case["id"]]
        elif "minimum" in case:
            draft.status, draft.reason = LATER, MINIMUM
        else:
            _engine_case(draft)
        yield draft.done("engine_cases")


def _engine_case(draft: Draft) -> None:
    case = draft.published
    customers = case["filters"].get("customers") or sorted({row["customer"] for row in case["transactions"]})
    states = range(1, len(case["transactions"]) + 1)
    if "delta_each" not in case["expected"]:
        states = range(len(case["transactions"]), len(case["transactions"]) + 1)
    cap: dict[str, Any] = {"cap": {"participant": case["cap"]}} if "cap" in case else {}
    tiers = _engine_tiers(case)
    key = draft.program(
        tiers.pop("levels"),
        **tiers,
        basis=case["tier_basis"],
        rate_kind=case["payout"],
        partners=[draft.partner(f"{customer}:{state}") for customer in customers for state in states],
        lines=_engine_lines(case),
        **cap,
    )
    for state in states:
        for row in case["transactions"][:state]:
            draft.buy(
                f"{row['customer']}:{state}",
                row["amount"],
                row["qty"],
                product=row["product"],
                document_type="return" if row.get("is_return") else "invoice",
            )
    last = [(1, key, f"{customer}:{states[-1]}") for customer in customers]
    ours: dict[str, str] = {}
    if case["id"] in STARTED_PACKAGES:
        draft.status, draft.reason = OTHER_RULE, STARTED
        steps = STARTED_PACKAGES[case["id"]]
        ours = {"rebate": steps[-1]} | {f"delta_each[{n}]": each for n, each in enumerate(_differences(steps))}
    elif "textbook_expected" in case:
        draft.status, draft.reason = CONTRADICTS, OCA
        ours = {"rebate": case["textbook_expected"]}
    elif "pays_at_zero" in case["needs"]:
        draft.status, draft.reason = OTHER_RULE, ZERO
        ours = {"rebate": "0", "delta_each[0]": "0"}
        if case["expected"]["rebate"] == "0":
            draft.status, draft.reason, ours = PASSES, "", {}
    elif case["id"] == "openmeter-subtract-flat":
        draft.reason = f"the total; in the first step {ZERO}"
        ours = {"delta_each[0]": "0", "delta_each[1]": case["expected"]["rebate"]}
    draft.expect("rebate", *last, ours=ours.get("rebate"))
    for number in range(len(case["expected"].get("delta_each", ()))):
        terms = [(1, key, f"{customer}:{number + 1}") for customer in customers]
        terms += [(-1, key, f"{customer}:{number}") for customer in customers if number]
        draft.expect(f"delta_each[{number}]", *terms, ours=ours.get(f"delta_each[{number}]"))


def _differences(totals: Sequence[str]) -> list[str]:
    return [str(Decimal(now) - Decimal(before)) for before, now in zip(["0", *totals], totals, strict=False)]


def _engine_tiers(case: Mapping[str, Any]) -> dict[str, Any]:
    """Levels, method and boundary of an engine case."""
    method = {"fixed": "retrospective", "per_unit": "retrospective"}.get(case["method"], case["method"])
    tiers: dict[str, Any] = {"boundary": "inclusive" if case["boundary"] == "lower_inclusive" else "exclusive"}
    rows = case["tiers"]
    if "block" in case:  # free goods and packages: so much for each whole block, counted from zero
        size = Decimal(case["block"]["size"])
        rate = format(Decimal(rows[0]["rate"]) / size, "f")
        return {
            "levels": [level("0", rate)],
            "method": "whole_increment",
            "tiers": {**tiers, "increment": case["block"]["size"]},
        }
    if _closed_range(case):
        return {"levels": [level("0", rows[0]["rate"])], "method": method, "tiers": tiers}
    # a section ends where the next begins: above 100, not from 100.01 (no gap, whatever the decimals)
    starts = [rows[0]["from"], *(row["to"] for row in rows[:-1])]
    levels = [level(start, row["rate"] or "0", row["flat"]) for start, row in zip(starts, rows, strict=True)]
    return {"levels": levels, "method": case.get("variant", method), "tiers": tiers}


def _closed_range(case: Mapping[str, Any]) -> bool:
    """Say whether the case is one rule for lines whose quantity lies in a closed range."""
    return len(case["tiers"]) == 1 and case["tiers"][0]["from"] != "0" and case["tiers"][0]["to"] is not None


def _engine_lines(case: Mapping[str, Any]) -> dict[str, Any]:
    lines: dict[str, Any] = {}
    if "products" in case["filters"]:
        lines["products"] = {"skus": case["filters"]["products"]}
    if case["filters"].get("exclude_returns"):
        lines["exclude"] = {"document_types": ["return"]}
    if _closed_range(case):
        lines["limits"] = {"quantity": {"min": case["tiers"][0]["from"], "max": case["tiers"][0]["to"]}}
    return lines


# --- worked_examples.json ---------------------------------------------------------------------------
def _tiers(case: Mapping[str, Any], method: str, **tiers: Any) -> dict[str, Any]:
    """Levels as published; a tier that begins 0.01 after the last one's end begins at that end."""
    rows = case["program"]["tiers"]
    starts = [rows[0]["from"], *(row["to"] for row in rows[:-1])]
    levels = [level(start, row["rate"]) for start, row in zip(starts, rows, strict=True)]
    return {"levels": levels, "method": method, "tiers": {"boundary": "exclusive", **tiers}}


def _at_once(method: str, **fields: Any) -> Callable[[Draft], None]:
    """Everything bought in one period, one figure: rebate."""

    def build(draft: Draft) -> None:
        case = draft.published
        key = draft.program(**_tiers(case, method), partners=[draft.partner("all")], **fields)
        for row in case["totals"]:
            draft.buy("all", row["value"], row.get("quantity"), product=row.get("product", "P1"))
        draft.expect("rebate", (1, key, "all"))

    return build


def _growing(method: str, figures: Sequence[str], amounts: Sequence[str], **fields: Any) -> Callable[[Draft], None]:
    """Bought in steps: the figure of each step is what it adds to the payout so far."""

    def build(draft: Draft) -> None:
        states = [str(number) for number in range(1, len(amounts) + 1)]
        key = draft.program(
            **_tiers(draft.published, method),
            partners=[draft.partner(state) for state in states],
            basis="quantity",
            rate_kind="per_unit",
            **fields,
        )
        for number, state in enumerate(states):
            for quantity in amounts[: number + 1]:
                draft.buy(state, None, quantity)
        for name, state, before in zip(figures, states, [None, *states], strict=False):
            draft.expect(name, (1, key, state), *([(-1, key, before)] if before else []))

    return build


def _oca_global(draft: Draft) -> None:
    key = draft.program([level("0", draft.published["program"]["percent"])], partners=[draft.partner("all")])
    for row in draft.published["totals"]:
        draft.buy("all", row["value"], product=row["product"])
    draft.expect("rebate", (1, key, "all"))


def _oca(draft: Draft) -> None:
    draft.status, draft.reason = CONTRADICTS, OCA
    _at_once("incremental")(draft)
    (check,) = draft.checks
    draft.checks = [
        Check(check.name, check.expected, check.terms, Decimal(draft.published["expected"]["oca_asserted"]))
    ]


def _free_goods(draft: Draft) -> None:
    case = draft.published["program"]
    draft.reason = "free items counted as money of 1 each"
    rate = format(Decimal(case["free_quantity"]) / Decimal(case["per_multiple"]), "f")
    key = draft.program(
        [level("0", rate)],
        method="whole_increment",
        rate_kind="per_unit",
        basis="quantity",
        tiers={"increment": case["per_multiple"]},
        partners=[draft.partner("all")],
    )
    draft.buy("all", None, draft.published["totals"][0]["quantity"])
    draft.expect("free_items", (1, key, "all"))


def _legacy_claims(draft: Draft) -> None:
    draft.status = CONTRADICTS
    draft.reason = "the page states the total as 400; its rules give 4,000, as ours do. Measured by month, not by week"
    states = ("line 1", "line 2", "both")
    key = draft.program(
        **_tiers(draft.published, "retrospective"),
        basis="quantity",
        rate_kind="per_unit",
        measurement="month",
        partners=[draft.partner(state) for state in states],
    )
    first, second = (row["quantity"] for row in draft.published["totals"])
    for state, quantities in zip(states, ([first], [second], [first, second]), strict=True):
        for quantity in quantities:
            draft.buy(state, None, quantity)
    draft.expect("line_1", (1, key, "line 1"))
    draft.expect("line_2", (1, key, "line 2"))
    draft.expect("week_total", (1, key, "both"))
    draft.expect("adjustment", (1, key, "both"), (-1, key, "line 1"), (-1, key, "line 2"))


def _condition_contract(draft: Draft) -> None:
    draft.reason = "the second step is not published (above 7,000, at most 27,000): taken as 10,000, any gives the same"
    case = draft.published["program"]
    low, high = case["percents"]
    states = ("Oct", "Nov", "Dec")
    key = draft.program(
        [level(case["minimum"], low), level("10000", high)],
        measurement="program",
        valid=("2022-10-01", "2022-12-31"),
        partners=[draft.partner(state) for state in states],
    )
    for number, state in enumerate(states):
        for month, row in enumerate(draft.published["totals"][: number + 1], start=10):
            draft.buy(state, row["value"], day=date(2022, month, 15))
    draft.expect("oct_settlement", (1, key, "Oct"))
    draft.expect("nov_settlement", (1, key, "Nov"), (-1, key, "Oct"))
    draft.expect("entitlement", (1, key, "Dec"))
    draft.expect("dec_final_settlement", (1, key, "Dec"), (-1, key, "Nov"))


def _sales_rent(draft: Draft) -> None:
    key = draft.program(**_tiers(draft.published, "retrospective"), partners=[draft.partner("all")])
    for row in draft.published["totals"]:
        draft.buy("all", row["value"])
    draft.expect("amount", (1, key, "all"))


def _growth(growth_payout: str) -> Callable[[Draft], None]:
    def build(draft: Draft) -> None:
        case = draft.published
        figures = {row["period"]: row["value"] for row in case["totals"]}
        key = draft.program(
            [level(band["from_percent_of_baseline"], band["rate"]) for band in case["program"]["bands"]],
            method="incremental" if growth_payout == "marginal_growth" else "retrospective",
            growth_payout=growth_payout,
            basis={
                "kind": "growth",
                "baseline": "given",
                "figures": {draft.partner("all"): {"2022": figures["baseline"]}},
            },
            partners=[draft.partner("all")],
        )
        draft.buy("all", figures["actual"])
        draft.expect("rebate", (1, key, "all"))

    return build


def _target_and_earning(draft: Draft) -> None:
    values = {row["role"]: Decimal(row["value"]) for row in draft.published["totals"]}
    rows = draft.published["program"]["tiers"]
    both = draft.program(
        [level(row["from"], row["rate"]) for row in rows],
        method="incremental",
        target_lines={"stream": "sell_in"},
        lines={"products": {"skus": ["narrow"]}},
        partners=[draft.partner("all")],
    )
    wide = draft.program(
        [level(row["from"], row["rate"]) for row in rows],
        suffix="-NOTIONAL",
        method="incremental",
        partners=[draft.partner("all")],
    )
    draft.buy("all", str(values["earning"]), product="narrow")
    draft.buy("all", str(values["target"] - values["earning"]), product="wide")
    draft.expect("notional", (1, wide, "all"))
    draft.expect("rebate", (1, both, "all"))


def _two_lines(draft: Draft) -> None:
    keys = {}
    for row in draft.published["program"]["lines"]:
        keys[row["line"]] = draft.program(
            [level("0", row["percent"])],
            suffix=f"-{row['line']}",
            lines={"products": {"skus": row["products"]}},
            partners=[draft.partner("all")],
        )
    for row in draft.published["totals"]:
        draft.buy("all", row["value"], product=row["product"])
    draft.expect("line_a", (1, keys["A"], "all"))
    draft.expect("line_b", (1, keys["B"], "all"))
    draft.expect("total", (1, keys["A"], "all"), (1, keys["B"], "all"))


def _versions(draft: Draft) -> None:
    draft.reason = "without the preference for the latest version (45): a new version applies from its date on"
    first, second = draft.published["program"]["versions"]
    before, after = draft.published["totals"]
    partners = [draft.partner("sold"), draft.partner("edited")]
    key = draft.program([level("0", first["percent"])], valid=(first["from"], YEAR[1]), partners=partners)
    draft.program(
        [level("0", second["percent"])], version=2, supersedes=key, valid=(second["from"], YEAR[1]), partners=partners
    )
    sold = date.fromisoformat(before["date"])
    draft.buy("sold", before["value"], day=sold)
    draft.buy("edited", before["value"], day=sold, number="edited")
    draft.buy("edited", after["value"], "3", day=sold, number="edited", file_sequence=2)
    for name, state in (("initial", "sold"), ("after_edit_original_version", "edited")):
        draft.expect(name, (1, key, state), (1, key.replace("@1", "@2"), state))


PRICE = "`price_difference` programs are not calculated yet"
STACKING = "stacking rule `net_of` is not calculated yet"
GUARANTEE = "a guarantee with carry-forward or advances: `floor`, `cumulation: to_date` and `advances` come later"
BOOKS = "a roll-forward, not a payout: the figures tie (tested here), the books are tested with the books"

WORKED: dict[str, str | Callable[[Draft], None]] = {
    "d365-deal-stepped": _at_once("incremental"),
    "d365-deal-cumulative": _at_once("retrospective"),
    "d365-deal-rolling": _at_once("rolling"),
    "d365-deal-total": _at_once("total"),
    "d365-vendor-basis-purchase-price": "a choice of price: lines carry one net amount, no purchase price",
    "d365-item-rebate-multiples": _free_goods,
    "d365-royalty-guarantee-cumulative": GUARANTEE,
    "d365-royalty-guarantee-noncumulative": GUARANTEE,
    "d365-royalty-guarantee-at-start": GUARANTEE,
    "d365-royalty-guarantee-at-end": GUARANTEE,
    "d365-reduction-seq-1234": STACKING,
    "d365-reduction-seq-4321": STACKING,
    "d365-reduction-seq-3214": STACKING,
    "d365-reduction-seq-2413": STACKING,
    "d365-legacy-cumulate-claims": _legacy_claims,
    "sap-cc-partial-final": _condition_contract,
    "sap-salesrent-whole-scale": _sales_rent,
    "sap-shipdebit-down-to": PRICE,
    "sap-shipdebit-down-by-amount": PRICE,
    "sap-shipdebit-down-by-percent": PRICE,
    "sap-fixed-amount-daily-accrual": "accrual method `straight_line` is not calculated yet",
    "enable-growth-fully_retrospective": _growth("all"),
    "enable-growth-retrospective_on_growth": _growth("on_growth"),
    "enable-growth-marginal_growth": _growth("marginal_growth"),
    "enable-target-vs-earning": _target_and_earning,
    "enable-two-lines-no-deduction": _two_lines,
    "enable-two-lines-b-deducted-from-a": STACKING,
    "netsuite-marginal-per-unit-line-a": _at_once("incremental", rate_kind="per_unit"),
    "netsuite-marginal-per-unit-line-b": _at_once("incremental", rate_kind="per_unit"),
    "netsuite-marginal-percent-line-a": _at_once("incremental"),
    "netsuite-marginal-percent-line-b": _at_once("incremental"),
    "netsuite-agreement-version": _versions,
    "netsuite-accrual-grouping": "how journal lines are grouped, not a payout: tested with the books",
    "oca-global": _oca_global,
    "oca-section-total": _at_once("retrospective"),
    "oca-section-prorated-3800": _oca,
    "oca-section-prorated-1000": _oca,
    "openmeter-delta-volume-reprice": _growing("retrospective", ("period_1", "period_2_net"), ("15", "1")),
    "openmeter-delta-graduated-cross": _growing("incremental", ("period_1", "period_2"), ("3", "4")),
    "ifrs15-example-24": "revenue by the expected tier: accrual method `expected` is not calculated yet",
    "rollforward-vertex-2017": BOOKS,
    "rollforward-vertex-2016": BOOKS,
    "rollforward-vertex-2015": BOOKS,
}


def _worked() -> Iterator[Case]:
    for case in published("worked_examples"):
        draft = Draft(case)
        how = WORKED[case["id"]]
        if isinstance(how, str):
            draft.status, draft.reason = LATER, how
        else:
            how(draft)
        yield draft.done("worked_examples")


# --- the whole, and the page ------------------------------------------------------------------------
def entities(of: Sequence[Case]) -> dict[str, list[dict[str, Any]]]:
    """Return the accepted rows of the cases: lines, their partners and products."""
    rows = (row for case in of for row in case.lines)
    lines = [{**row, "row_number": number} for number, row in enumerate(rows, start=1)]
    products = {row["product_id"]: row for case in of for row in case.products}
    return {
        "line": lines,
        "partner": [partner(name) for name in sorted({row["sold_to_id"] for row in lines})],
        "product": [products[name] for name in sorted(products)],
    }


def value(check: Check, payouts: Mapping[tuple[str, str, str], Decimal]) -> Decimal:
    """Return what the payouts (program_key, participant_id, period_id) make of the figure."""
    total = Decimal(0)
    for sign, program_key, participant_id in check.terms:
        for (key, who, _), payout in payouts.items():
            if (key, who) == (program_key, participant_id):
                total += sign * payout
    return total


def page() -> str:
    """Return docs/golden-figures.md."""
    every = cases()
    counts = {
        status: sum(case.status == status for case in every) for status in (PASSES, CONTRADICTS, OTHER_RULE, LATER)
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
            "`tests/golden/worked_examples.json` and `engine_cases.json` with their sources; `tests/golden/cases.py`",
            "says how each reads in our words. All that have figures below run through the independent calculator",
            "(`tests/golden/test_reference_golden.py`) and the models (`tests/property/`).",
            "This page is printed by `python -m tests.golden.cases`; a test holds it to the cases.",
            "",
            f"{len(every)} cases: " + ", ".join(f"{count} {status}" for status, count in counts.items()) + ".",
            "",
            f"- **{PASSES}**: we get the published figure.",
            f"- **{CONTRADICTS}**: the published figure does not follow from the rules published with it; both are",
            "  stated, and ours is the one that follows.",
            f"- **{OTHER_RULE}**: the source has a rule that our semantics does not have; both figures are stated",
            "  where ours runs.",
            f"- **{LATER}**: a kind that this version does not calculate (the document is refused).",
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
