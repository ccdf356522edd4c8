"""The published figures through the models: program documents and lines in, payouts out, all in one build."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest

from orchestration.settings import Settings
from tests.golden import cases as golden
from tests.property.compare import differences
from tests.reference.calculate import calculate
from tests.warehouse import Built, build, inputs_of

pytestmark = pytest.mark.slow
RUN = [case for case in golden.cases() if case.checks]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    settings = Settings(data=tmp_path_factory.mktemp("golden"), memory_limit="1GB")
    documents = [document for case in RUN for document in case.documents]
    return build(settings, documents, golden.entities(RUN), golden.AS_OF)


@pytest.fixture(scope="module")
def figures(built: Built) -> golden.Figures:
    found: defaultdict[tuple[str, str, str], dict[str, Decimal]] = defaultdict(dict)
    for row in built.rows("fct_qualification"):
        for what in ("payout", "payout_base", "basis"):
            if row[what] is not None:
                found[what, row["program_key"], row["participant_id"]][row["period_id"]] = row[what]
    for row in built.rows("fct_tier_application"):
        what = f"tier_{row['tier_number']}"
        found[what, row["program_key"], row["participant_id"]][row["period_id"]] = row["amount"]
    return dict(found)


@pytest.mark.parametrize("case", RUN, ids=[case.id for case in RUN])
def test_published_case(case: golden.Case, figures: golden.Figures) -> None:
    for check in case.checks:
        assert golden.value(check, figures) == check.expected, check.name


def test_every_part_equals_the_calculator(built: Built) -> None:
    """Published are sums; lines, payees, tiers, exclusions and authorisations must be the calculator's too.

    What a next tier would pay is no part: tests/property compares it.
    """
    found = differences(built, calculate(inputs_of(built.settings)))
    assert {mart: texts[:5] for mart, texts in found.items() if texts and mart != "fct_qualification"} == {}
