"""The published figures through the independent calculator, and what holds for all of them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from orchestration.settings import REPOSITORY, Settings
from tests.golden import cases as golden
from tests.golden.document import document
from tests.reference.calculate import Inputs, Results, calculate
from tests.warehouse import program_tables, write_programs

CASES = golden.cases()
RUN = [case for case in CASES if case.checks]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    settings = Settings(data=tmp_path_factory.mktemp("golden"))
    settings = write_programs(settings, [document for case in RUN for document in case.documents])
    return calculate(Inputs(program_tables(settings), golden.entities(RUN), golden.AS_OF))


@pytest.fixture(scope="module")
def figures(results: Results) -> golden.Figures:
    found: defaultdict[tuple[str, str, str], dict[str, Decimal]] = defaultdict(dict)
    for (key, who, period), each in results.qualification.items():
        found["payout", key, who][period] = each.payout
        for what, exact in (("payout_base", each.payout_base), ("basis", each.basis)):
            if exact is not None:
                found[what, key, who][period] = _decimal(exact)
        for tier in results.tiers[key, who, period]:
            found[f"tier_{tier.tier_number}", key, who][period] = _decimal(tier.amount)
    return dict(found)


def _decimal(exact: Fraction) -> Decimal:
    return Decimal(exact.numerator) / Decimal(exact.denominator)


@pytest.mark.parametrize("case", RUN, ids=[case.id for case in RUN])
def test_published_case(case: golden.Case, figures: golden.Figures) -> None:
    for check in case.checks:
        assert golden.value(check, figures) == check.expected, check.name


def test_parts_add_up(results: Results) -> None:
    whole = results.payouts
    parts = dict.fromkeys(whole, Decimal(0))
    for share in results.shares:
        parts[share.program_key, share.participant_id, share.period_id] += share.amount
    assert parts == whole


def test_every_published_case_is_accounted_for() -> None:
    """Each once; what is not run has a reason, what deviates states both figures, and only that deviates."""
    ids = [case["id"] for file in ("worked_examples", "engine_cases") for case in golden.published(file)]
    assert [case.id for case in CASES] == ids
    assert len(set(ids)) == len(ids)
    for case in CASES:
        assert case.source
        assert bool(case.checks) == (case.status != golden.OUT_OF_SCOPE), case.id
        deviates = any(check.published is not None for check in case.checks)
        assert deviates == (case.status in (golden.CONTRADICTS, golden.OTHER_RULE)), case.id
        assert case.reason or case.status == golden.PASSES, case.id


def test_every_published_figure_is_accounted_for() -> None:
    """No figure of a case that runs is passed over."""
    published = {case["id"]: case for file in ("worked_examples", "engine_cases") for case in golden.published(file)}
    for case in RUN:
        assert {check.name for check in case.checks} == set(_names(published[case.id]["expected"])), case.id


def _names(expected: dict[str, object]) -> Iterator[str]:
    for name, stated in expected.items():
        if isinstance(stated, list):
            yield from (f"{name}[{position}]" for position in range(len(stated)))
        elif name not in golden.NO_FIGURE:
            yield name


def test_what_the_source_says_beside_its_figures() -> None:
    """The published figures that contradict their own rules: each differs from ours as the source itself says."""
    published = {case["id"]: case for file in ("worked_examples", "engine_cases") for case in golden.published(file)}
    for case in CASES:
        if case.status != golden.CONTRADICTS:
            continue
        (check,) = (check for check in case.checks if check.published is not None)
        stated = published[case.id]
        ours = stated.get("textbook_expected") or stated["expected"].get("week_total") or stated["expected"]["rebate"]
        assert check.expected == Decimal(ours) != check.published, case.id


def test_a_program_without_tiers_is_refused(tmp_path: Path) -> None:
    """oca-rebate-line-nofilter is one."""
    with pytest.raises(AssertionError, match=re.escape("tiers.levels")):
        write_programs(Settings(data=tmp_path), [document("NO-TIERS", [])])


def test_published_roll_forwards_tie() -> None:
    """Semantics 12 on figures from annual reports: opening and movements are the closing, the next opening."""
    rows = {case["id"][-4:]: case for case in golden.published("worked_examples") if "rollforward" in case["id"]}
    opening = {}
    for year, case in sorted(rows.items()):
        (total,) = case["totals"]
        opening[year] = Decimal(total["opening"])
        closing = opening[year] + sum(Decimal(movement) for movement in total["movements"])
        assert closing == Decimal(case["expected"]["closing"])
        following = rows.get(str(int(year) + 1))
        assert following is None or Decimal(following["totals"][0]["opening"]) == closing
    assert list(opening) == ["2015", "2016", "2017"]


def test_the_page_is_that_of_the_cases() -> None:
    path: Path = REPOSITORY / "docs" / "golden-figures.md"
    assert path.read_text(encoding="utf-8") == golden.page(), "python -m tests.golden.cases > docs/golden-figures.md"
