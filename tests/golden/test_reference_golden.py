"""The published figures through the independent calculator."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.settings import REPOSITORY, Settings
from tests.golden import cases as golden
from tests.reference.calculate import Inputs, Results, calculate
from tests.warehouse import program_tables, write_programs

CASES = golden.cases()
RUN = [case for case in CASES if case.checks]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    settings = Settings(data=tmp_path_factory.mktemp("golden"))
    settings = write_programs(settings, [document for case in RUN for document in case.documents])
    return calculate(Inputs(program_tables(settings), golden.entities(RUN), golden.AS_OF))


@pytest.mark.parametrize("case", RUN, ids=[case.id for case in RUN])
def test_published_case(case: golden.Case, results: Results) -> None:
    for check in case.checks:
        assert golden.value(check, results.payouts) == check.expected, check.name


def test_parts_add_up(results: Results) -> None:
    whole: Mapping[tuple[str, str, str], Decimal] = results.payouts
    parts = dict.fromkeys(whole, Decimal(0))
    for share in results.shares:
        parts[share.program_key, share.participant_id, share.period_id] += share.amount
    assert parts == whole


def test_every_published_case_is_accounted_for() -> None:
    """Each once; what is not run has a reason, and what deviates states both figures."""
    ids = [case["id"] for file in ("worked_examples", "engine_cases") for case in golden.published(file)]
    assert [case.id for case in CASES] == ids
    assert len(set(ids)) == len(ids)
    for case in CASES:
        assert case.source
        assert case.checks or case.reason, case.id
        assert bool(case.checks) == (case.status != golden.LATER) or case.id in golden.NOT_OURS, case.id
        if case.status == golden.PASSES and "first step" not in case.reason:
            assert all(check.published is None for check in case.checks), case.id


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
