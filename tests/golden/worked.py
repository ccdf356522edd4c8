"""The cases of worked_examples.json in our words: figures from the pages of vendors, standards and filings.

What belongs here: their translation, case by case, and the reason for those that do not translate.
What does not: the published figures (worked_examples.json).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tests.golden.case import CONTRADICTS, OUT_OF_SCOPE, YEARS, Case, Draft, published
from tests.golden.document import level

FILE = "worked_examples"

OCA = "a passed section is paid on its upper bound instead of its width; the marginal answer is ours"
STRAIGHT_LINE = "an accrual (`straight_line`), not a payout: passes, 100 and 110, in `test_accruals_golden.py`"
EXPECTED = (
    "revenue by the tier that is expected, not a payout: passes, 7,500 and 44,250 with a catch-up entry of 750, "
    "in `test_accruals_golden.py` (`expected` by the run rate)"
)
ROLL_FORWARD = "a roll-forward, not a payout: its figures are tested through the report (test_rollforward_golden)"
GROUPING = "how journal lines are grouped, not a payout: issue 5"

CONTRACT = (
    "the second step is not published (above 7,000, at most 27,000): taken as 10,000, any gives the same. "
    "The minimum is a gate; by month, `cumulation: to_date`"
)
AT_START = "the guarantee holds for the two months together: one period, shown as it stands after each month"
CARRY = "`floor` with `cumulation: to_date`; what it carries forward is what the second quarter pays less than without"
REDUCTION = (
    "`net_of` in the sequence's order; reduced_by_earlier where a deal applies reduction to provisions, "
    "reduces_later where it is not excluded"
)
VERSIONS = (
    "`replaces: from_valid_from` keeps the version of the sale's date, `period_start` is the preference for the latest"
)


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
        draft.expect("rebate", draft.term(key, "all"))

    return build


def _month(number: int) -> str:
    return f"2022-{number:02}"


def _by_month(draft: Draft, levels: Mapping[str, Any], purchases: Sequence[str], first: int = 1, **fields: Any) -> str:
    """A program by month, everything to date, with one purchase a month from month ``first`` of 2022 on."""
    fields = {"rate_kind": "percent", "basis": "amount", **fields}
    key = draft.program(
        **levels,
        measurement="month",
        cumulation="to_date",
        valid=(f"{_month(first)}-01", "2022-12-31"),
        partners=[draft.partner("all")],
        **fields,
    )
    for number, bought in enumerate(purchases, start=first):
        what = (bought, None) if fields["basis"] == "amount" else (None, bought)
        draft.buy("all", *what, document_date=date(2022, number, 15))
    return key


def _oca_global(draft: Draft) -> None:
    key = draft.program([level("0", draft.published["program"]["percent"])], partners=[draft.partner("all")])
    for row in draft.published["totals"]:
        draft.buy("all", row["value"], product=row["product"])
    draft.expect("rebate", draft.term(key, "all"))


def _oca(draft: Draft) -> None:
    case = draft.published
    draft.status, draft.reason = CONTRADICTS, OCA
    key = draft.program(**_tiers(case, "incremental"), partners=[draft.partner("all")])
    for row in case["totals"]:
        draft.buy("all", row["value"])
    expected = case["expected"]
    draft.expect("rebate", draft.term(key, "all"), ours=expected["rebate"], published=expected["oca_asserted"])


def _price_basis(draft: Draft) -> None:
    draft.reason = "at the purchase price in sell-in lines, at the sales price in the partner's reports: 100 % of each"
    (row,) = draft.published["totals"]
    prices = {"purchase_price": ("sell_in", "sold_to"), "sales_price": ("sell_through", "distributor")}
    for number, (price, (stream, role)) in enumerate(prices.items(), start=1):
        amount = str(Decimal(row["quantity"]) * Decimal(row[price]))
        who: dict[str, Any] = {"sold_to": draft.partner("all") if role == "sold_to" else None}
        draft.buy("all", amount, row["quantity"], stream=stream, **who, **_distributor(draft, role))
        key = draft.program(
            [level("0", "100")],
            suffix=f"-{number}",
            role=role,
            lines={"stream": stream},
            partners=[draft.partner("all")],
        )
        draft.expect(f"base_on_{price}", draft.term(key, "all", what="payout_base"))


def _distributor(draft: Draft, role: str = "distributor") -> dict[str, str]:
    return {"distributor_id": draft.partner("all")} if role == "distributor" else {}


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
    draft.expect("free_items", draft.term(key, "all"))


def _guarantee_by_quarter(draft: Draft) -> None:
    """What is earned without the guarantee, with one for each quarter, and with one that carries forward."""
    case = draft.published
    guaranteed = {"participant": case["program"]["guarantee_per_period"]}

    def program(suffix: str, **fields: Any) -> str:
        return draft.program([level("0", "100")], suffix=suffix, measurement="quarter", partners=who, **fields)

    who = [draft.partner("all")]
    earned, each = program("-EARNED"), program("", floor=guaranteed)
    for month, row in zip((1, 4), case["totals"], strict=True):
        draft.buy("all", row["earned"], document_date=date(2022, month, 15))
    second = [draft.term(key, "all", weight, "2022-Q2") for key, weight in ((each, 1), (earned, -1))]
    if not case["program"]["carry_forward"]:
        draft.expect("q2_guarantee_payment", *second)
        return
    draft.reason = CARRY
    carried = program("-CARRIED", cumulation="to_date", floor=guaranteed)
    draft.expect("q1_carry_forward", draft.term(each, "all", 1, "2022-Q2"), draft.term(carried, "all", -1, "2022-Q2"))
    draft.expect("q2_guarantee", draft.term(carried, "all", 1, "2022-Q2"))
    draft.expect(
        "q2_guarantee_payment", draft.term(carried, "all", 1, "2022-Q2"), draft.term(earned, "all", -1, "2022-Q2")
    )


def _guarantee_of_two_months(draft: Draft) -> None:
    """One period of two months; what stands after the first is another partner."""
    case = draft.published
    draft.reason = AT_START
    states = ("M1", "M2")
    fields: dict[str, Any] = {
        "measurement": "program",
        "valid": ("2022-01-01", "2022-02-28"),
        "partners": [draft.partner(state) for state in states],
    }
    key = draft.program([level("0", "100")], floor={"participant": case["program"]["guarantee_per_period"]}, **fields)
    earned = draft.program([level("0", "100")], suffix="-EARNED", **fields)
    for number, state in enumerate(states, start=1):
        for month, row in enumerate(case["totals"][:number], start=1):
            draft.buy(state, row["earned"], document_date=date(2022, month, 15))
    if case["program"]["paid"] == "at_beginning":
        draft.expect("m1_guarantee_payment", draft.term(key, "M1"))
        draft.expect("m2_royalty_payment", draft.term(key, "M2"), draft.term(key, "M1", -1))
    else:
        draft.expect("guarantee_payment", draft.term(key, "M2"), draft.term(earned, "M2", -1))


def _reduction(draft: Draft) -> None:
    draft.reason = REDUCTION
    case = draft.published
    (row,) = case["totals"]
    draft.buy("all", row["value"])
    terms = []
    for deal in case["program"]["deals"]:
        key = draft.program(
            [level("0", deal["percent"])],
            suffix=f"-DEAL-{deal['deal']}",
            partners=[draft.partner("all")],
            stacking={
                "group": case["id"],
                "rule": "net_of",
                "order": case["program"]["processing_sequence"].index(deal["deal"]) + 1,
                "reduced_by_earlier": deal["apply_reduction"] and deal["reduction_basis"] == "both",
                "reduces_later": not deal["exclude_from_reduction"],
            },
        )
        terms.append(draft.term(key, "all"))
        draft.expect(f"deal_{deal['deal']}", terms[-1])
    draft.expect("total", *terms)


def _legacy_claims(draft: Draft) -> None:
    draft.status = CONTRADICTS
    draft.reason = "the rules give 4,000 for the week, as ours do; the page states 400. Measured by month, not by week"
    states = ("line 1", "line 2", "both")
    key = draft.program(
        **_tiers(draft.published, "retrospective"),
        basis="quantity",
        rate_kind="per_unit",
        measurement="month",
        partners=[draft.partner(state) for state in states],
    )
    first, second = (row["quantity"] for row in draft.published["totals"])
    for state, quantity in zip(("line 1", "line 2", "both", "both"), (first, second, first, second), strict=True):
        draft.buy(state, None, quantity)
    draft.expect("line_1", draft.term(key, "line 1"))
    draft.expect("line_2", draft.term(key, "line 2"))
    stated = re.search(r"wrongly \((\d+)\)", draft.published["notes"])
    assert stated is not None
    total = draft.published["expected"]["week_total"]
    draft.expect("week_total", draft.term(key, "both"), ours=total, published=stated[1])
    single = (draft.term(key, "line 1", -1), draft.term(key, "line 2", -1))
    draft.expect("adjustment", draft.term(key, "both"), *single)


def _condition_contract(draft: Draft) -> None:
    draft.reason = CONTRACT
    case = draft.published["program"]
    low, high = case["percents"]
    gate = {"basis": {"kind": "amount"}, "operator": ">=", "figure": case["minimum"]}
    purchases = [row["value"] for row in draft.published["totals"]]
    key = _by_month(draft, {"levels": [level("0", low), level("10000", high)]}, purchases, first=10, gates=[gate])
    draft.expect("oct_settlement", draft.term(key, "all", period="2022-10"))
    draft.expect("nov_settlement", draft.term(key, "all", period="2022-11"))
    draft.expect("entitlement", draft.term(key, "all"))
    draft.expect("dec_final_settlement", draft.term(key, "all", period="2022-12"))


def _sales_rent(draft: Draft) -> None:
    key = draft.program(**_tiers(draft.published, "retrospective"), partners=[draft.partner("all")])
    for row in draft.published["totals"]:
        draft.buy("all", row["value"])
    draft.expect("amount", draft.term(key, "all"))


def _ship_and_debit(draft: Draft) -> None:
    case = draft.published["program"]
    (row,) = draft.published["totals"]
    end_customer = f"{draft.published['id']}:H"
    draft.others["end_customer"] = [
        {"end_customer_id": end_customer, "end_customer_name": "Hospital", "end_customer_type": "hospital"}
    ]
    quoted = {"end_customer_id": end_customer, "authorization_number": draft.published["id"]}
    draft.buy("all", None, row["quantity"], stream="sell_through", sold_to=None, **_distributor(draft), **quoted)
    price, cost = {
        "down_to": ({"method": "contract_price"}, {"contract_price": case.get("contract_price")}),
        "down_by_amount": ({"method": "amount", "amount": case.get("amount")}, {}),
        "down_by_percent": ({"method": "percent", "percent": case.get("percent")}, {}),
    }[case["method"]]
    authorization = {
        "number": draft.published["id"],
        "partner": draft.partner("all"),
        "end_customer": end_customer,
        "product": draft.product("P1"),
        "valid_from": YEARS[0],
        "valid_to": YEARS[1],
        "quantity": row["quantity"],
        **({} if case["method"] == "down_by_amount" else {"reference_cost": row["sell_in_cost"]}),
        **cost,
    }
    key = draft.program(
        role="distributor",
        partners=[draft.partner("all")],
        lines={"stream": "sell_through"},
        price_difference={**price, "authorizations": [authorization]},
    )
    draft.expect("claim", draft.term(key, "all"))


def _growth(growth_payout: str) -> Callable[[Draft], None]:
    """The baseline from the lines of the year before."""

    def build(draft: Draft) -> None:
        case = draft.published
        key = draft.program(
            [level(band["from_percent_of_baseline"], band["rate"]) for band in case["program"]["bands"]],
            method="incremental" if growth_payout == "marginal_growth" else "retrospective",
            growth_payout=growth_payout,
            basis={"kind": "growth", "baseline": "lines"},
            valid=("2023-01-01", "2023-12-31"),
            partners=[draft.partner("all")],
        )
        years = {"baseline": date(2022, 6, 15), "actual": date(2023, 6, 15)}
        for row in case["totals"]:
            draft.buy("all", row["value"], document_date=years[row["period"]])
        draft.expect("rebate", draft.term(key, "all"))

    return build


def _target_and_earning(draft: Draft) -> None:
    values = {row["role"]: Decimal(row["value"]) for row in draft.published["totals"]}
    levels = [level(row["from"], row["rate"]) for row in draft.published["program"]["tiers"]]
    who = [draft.partner("all")]
    narrow = {"skus": [draft.product("narrow")]}
    target = {"stream": "sell_in"}
    both = draft.program(levels, method="incremental", target_lines=target, lines={"products": narrow}, partners=who)
    wide = draft.program(levels, suffix="-NOTIONAL", method="incremental", partners=who)
    share = draft.program([level("0", "1")], suffix="-SHARE", basis={"kind": "share", "subset": narrow}, partners=who)
    draft.buy("all", str(values["earning"]), product="narrow")
    draft.buy("all", str(values["target"] - values["earning"]), product="wide")
    draft.expect("notional", draft.term(wide, "all"))
    draft.expect("share", draft.term(share, "all", "0.01", what="basis"))
    draft.expect("rebate", draft.term(both, "all"))


def _two_lines(draft: Draft) -> None:
    """A is reduced by B where the case deducts B from A."""
    case = draft.published["program"]
    deducted = {each["from"] for each in case["deductions"]}
    keys = {}
    for row in case["lines"]:
        stacking = {
            "group": draft.published["id"],
            "rule": "net_of",
            "order": 2 if row["line"] in deducted else 1,
            "reduced_by_earlier": row["line"] in deducted,
            "reduces_later": row["line"] not in deducted,
        }
        keys[row["line"]] = draft.program(
            [level("0", row["percent"])],
            suffix=f"-{row['line']}",
            lines={"products": {"skus": [draft.product(name) for name in row["products"]]}},
            partners=[draft.partner("all")],
            **({"stacking": stacking} if deducted else {}),
        )
    for row in draft.published["totals"]:
        draft.buy("all", row["value"], product=row["product"])
    draft.expect("line_a", draft.term(keys["A"], "all"))
    draft.expect("line_b", draft.term(keys["B"], "all"))
    draft.expect("total", draft.term(keys["A"], "all"), draft.term(keys["B"], "all"))


def _versions(draft: Draft) -> None:
    draft.reason = VERSIONS
    first, second = draft.published["program"]["versions"]
    before, after = draft.published["totals"]
    partners = [draft.partner("sold"), draft.partner("edited")]

    def versions(suffix: str, replaces: str) -> tuple[str, str]:
        fields: dict[str, Any] = {"suffix": suffix, "measurement": "month", "partners": partners}
        old = draft.program([level("0", first["percent"])], valid=(first["from"], YEARS[1]), **fields)
        fields |= {"version": 2, "supersedes": old, "replaces": replaces}
        return old, draft.program([level("0", second["percent"])], valid=(second["from"], YEARS[1]), **fields)

    of_the_date = versions("", "from_valid_from")
    _, latest = versions("-LATEST", "period_start")  # nothing is left for the earlier one to measure
    sold = date.fromisoformat(before["date"])
    draft.buy("sold", before["value"], document_date=sold)
    draft.buy("edited", before["value"], document_date=sold, number="edited")
    draft.buy("edited", after["value"], "3", document_date=sold, number="edited", file_sequence=2)
    draft.expect("initial", *(draft.term(key, "sold") for key in of_the_date))
    draft.expect("after_edit_latest_version", draft.term(latest, "edited"))
    draft.expect("after_edit_original_version", *(draft.term(key, "edited") for key in of_the_date))


def _reprice(draft: Draft) -> None:
    key = _by_month(
        draft, _tiers(draft.published, "retrospective"), _movements(draft), basis="quantity", rate_kind="per_unit"
    )
    draft.expect("period_1", draft.term(key, "all", period=_month(1)))
    draft.expect("reversal", draft.term(key, "all", -1, _month(1)))
    draft.expect("rebook", draft.term(key, "all", 1, _month(1)), draft.term(key, "all", 1, _month(2)))
    draft.expect("period_2_net", draft.term(key, "all", period=_month(2)))


def _graduated(draft: Draft) -> None:
    key = _by_month(
        draft, _tiers(draft.published, "incremental"), _movements(draft), basis="quantity", rate_kind="per_unit"
    )
    draft.expect("period_1", draft.term(key, "all", period=_month(1)))
    draft.expect("period_2", draft.term(key, "all", period=_month(2)))


def _movements(draft: Draft) -> list[str]:
    """Cumulative quantities as movements."""
    totals = [Decimal(row["cumulative_quantity"]) for row in draft.published["totals"]]
    return [str(now - before) for before, now in zip([Decimal(0), *totals], totals, strict=False)]


WORKED: dict[str, str | Callable[[Draft], None]] = {
    "d365-deal-stepped": _at_once("incremental"),
    "d365-deal-cumulative": _at_once("retrospective"),
    "d365-deal-rolling": _at_once("rolling"),
    "d365-deal-total": _at_once("total"),
    "d365-vendor-basis-purchase-price": _price_basis,
    "d365-item-rebate-multiples": _free_goods,
    "d365-royalty-guarantee-cumulative": _guarantee_by_quarter,
    "d365-royalty-guarantee-noncumulative": _guarantee_by_quarter,
    "d365-royalty-guarantee-at-start": _guarantee_of_two_months,
    "d365-royalty-guarantee-at-end": _guarantee_of_two_months,
    "d365-reduction-seq-1234": _reduction,
    "d365-reduction-seq-4321": _reduction,
    "d365-reduction-seq-3214": _reduction,
    "d365-reduction-seq-2413": _reduction,
    "d365-legacy-cumulate-claims": _legacy_claims,
    "sap-cc-partial-final": _condition_contract,
    "sap-salesrent-whole-scale": _sales_rent,
    "sap-shipdebit-down-to": _ship_and_debit,
    "sap-shipdebit-down-by-amount": _ship_and_debit,
    "sap-shipdebit-down-by-percent": _ship_and_debit,
    "sap-fixed-amount-daily-accrual": STRAIGHT_LINE,
    "enable-growth-fully_retrospective": _growth("all"),
    "enable-growth-retrospective_on_growth": _growth("on_growth"),
    "enable-growth-marginal_growth": _growth("marginal_growth"),
    "enable-target-vs-earning": _target_and_earning,
    "enable-two-lines-no-deduction": _two_lines,
    "enable-two-lines-b-deducted-from-a": _two_lines,
    "netsuite-marginal-per-unit-line-a": _at_once("incremental", rate_kind="per_unit"),
    "netsuite-marginal-per-unit-line-b": _at_once("incremental", rate_kind="per_unit"),
    "netsuite-marginal-percent-line-a": _at_once("incremental"),
    "netsuite-marginal-percent-line-b": _at_once("incremental"),
    "netsuite-agreement-version": _versions,
    "netsuite-accrual-grouping": GROUPING,
    "oca-global": _oca_global,
    "oca-section-total": _at_once("retrospective"),
    "oca-section-prorated-3800": _oca,
    "oca-section-prorated-1000": _oca,
    "openmeter-delta-volume-reprice": _reprice,
    "openmeter-delta-graduated-cross": _graduated,
    "ifrs15-example-24": EXPECTED,
    "rollforward-vertex-2017": ROLL_FORWARD,
    "rollforward-vertex-2016": ROLL_FORWARD,
    "rollforward-vertex-2015": ROLL_FORWARD,
}
"""How each case is built, or why it is not."""


def worked_examples() -> Iterator[Case]:
    """Yield every case of the file, in its order. KeyError for one that is not translated."""
    for case in published(FILE):
        draft = Draft(case)
        how = WORKED[case["id"]]
        if isinstance(how, str):
            draft.status, draft.reason = OUT_OF_SCOPE, how
        else:
            how(draft)
        yield draft.done(FILE)
