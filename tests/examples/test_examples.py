"""The worked examples of docs/programs.md through the models, all in one build; and the page that shows them."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from orchestration.settings import Settings
from tests.examples import figures, page, rows
from tests.examples.example import Example, examples
from tests.property.compare import differences
from tests.reference.calculate import calculate
from tests.warehouse import Built, build, inputs_of

AS_OF = date(2017, 12, 31)
EXAMPLES = examples()
EACH = pytest.mark.parametrize("example", EXAMPLES, ids=[example.id for example in EXAMPLES])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    settings = Settings(data=tmp_path_factory.mktemp("examples"), memory_limit="1GB")
    documents = [case.document for example in EXAMPLES for case in example.cases()]
    return build(settings, documents, rows.entities(EXAMPLES), AS_OF)


@pytest.fixture(scope="module")
def marts(built: Built) -> dict[str, list[dict[str, Any]]]:
    return figures.marts(built)


@EACH
def test_figures_of_the_example(example: Example, marts: dict[str, list[dict[str, Any]]]) -> None:
    assert figures.wrong(example, marts) == []


def test_every_other_figure_equals_the_calculator(built: Built) -> None:
    """Down to the lines: what the page shows is a part."""
    with (built.settings.reference / "fiscal_month.csv").open(encoding="utf-8", newline="") as file:
        months = [row for row in csv.DictReader(file) if "2016" <= row["year_id"] <= "2018"]
    found = differences(built, calculate(replace(inputs_of(built.settings), fiscal_months=months)))
    assert {mart: texts[:5] for mart, texts in found.items() if texts} == {}


@EACH
def test_steps_come_to_the_result(example: Example) -> None:
    assert figures.miscalculated(example) == []


def test_page_shows_the_examples() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.updated(text) == text, "run python -m tests.examples"


def test_names_are_unique() -> None:
    for values in ([example.id for example in EXAMPLES], [example.title for example in EXAMPLES]):
        assert len(set(values)) == len(values)
