"""Mapping files: what is refused, and with which words."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.contract import ENTITIES
from orchestration.intake import MappingError, agreement, load_mapping, load_mappings
from orchestration.settings import REPOSITORY

SOURCES = REPOSITORY / "seeds" / "sources"


def changed(tmp_path: Path, **changes: Any) -> Path:
    """north_pos.yml with other values; ``a__b`` stands for field b of a, None removes a field."""
    document = yaml.safe_load((SOURCES / "north_pos.yml").read_text())
    for name, value in changes.items():
        *parents, last = name.split("__")
        place = document
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    path = tmp_path / "north_pos.yml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_every_shipped_mapping_is_usable() -> None:
    mappings = load_mappings(SOURCES)
    assert mappings.refused == {}
    assert {mapping.entity for mapping in mappings.usable.values()} == set(ENTITIES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "north_pos.yml: colour: unknown field"),
        ({"owner": None}, "north_pos.yml: owner: Field required"),
        ({"source": "south_pos"}, "source: 'south_pos' differs from the file's name"),
        ({"entity": "lines"}, "entity: unknown entity 'lines'; expected one of line, partner"),
        ({"columns__colour": "Farbe"}, "columns.colour: line has no such column; expected one of stream"),
        ({"columns__quantity": None}, "columns.quantity: required column is neither mapped nor a constant"),
        ({"columns__distributor_id": "Lieferant"}, "constants.distributor_id: the column is also mapped"),
        ({"constants__stream": "sell_out"}, "constants.stream: 'sell_out' is not one of sell_in, sell_through"),
        ({"constants__colour": "red"}, "constants.colour: line has no such column"),
        (
            {"columns__document_type__values": {"R": "bill"}},
            "columns.document_type.values: 'bill' is not one of invoice",
        ),
        ({"columns__reseller_id__template": "R-"}, "template: 'R-': expected text with exactly one {value}"),
        ({"columns__quantity": {"column": "Menge", "default": "1"}}, "columns.quantity: values, template and default"),
        ({"format__encoding": "latin-99"}, "encoding: unknown encoding 'latin-99'"),
        ({"format__separator": ";;"}, "separator: String should have at most 1 character"),
        ({"format__decimal": None}, "decimal: Field required"),
        ({"format__thousands": ","}, "decimal and thousands are the same character"),
        ({"format__date_format": "dd.mm.yyyy"}, "expected a day (%d), a month"),
        ({"format__type": "edi"}, "Input tag 'edi' found using 'type' does not match"),
        ({"format__header_row": 0}, "header_row: Input should be greater than or equal to 1"),
        ({"format__sheet": "A"}, "sheet: unknown field"),
        ({"product_codes": "theirs"}, "product_codes: Input should be 'own' or 'cross_reference'"),
        ({"ignored_columns": ["Menge"]}, "ignored_columns: 'Menge' is mapped to quantity"),
        ({"delivery": {}}, "delivery.due_days: Field required"),
        ({"delivery": {"due_days": -1}}, "delivery.due_days: Input should be greater than or equal to 0"),
        ({"delivery": {"due_days": 5, "frequency": "week"}}, "delivery.frequency: Input should be 'month'"),
        ({"delivery": {"due_days": 5, "first_month": "2017-13"}}, "delivery.first_month: String should match"),
        ({"delivery": {"due_days": 5, "fields": ["colour"]}}, "delivery.fields: line has no column 'colour'"),
        ({"delivery": {"due_days": 5, "fields": ["end_customer_city"]}}, "'end_customer_city' is not scored"),
        ({"tolerance": {"percent": 2}}, "tolerance: is for sources of stock reports only"),
    ],
)
def test_refused_with_file_field_and_reason(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = changed(tmp_path, **changes)
    with pytest.raises(MappingError) as caught:
        load_mapping(path)
    assert "north_pos.yml: " in str(caught.value)
    assert message in str(caught.value)


def test_all_errors_of_a_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError) as caught:
        load_mapping(changed(tmp_path, owner=None, colour="red"))
    assert "owner: Field required" in str(caught.value)
    assert "colour: unknown field" in str(caught.value)


def test_key_given_twice_and_broken_yaml(tmp_path: Path) -> None:
    path = tmp_path / "north_pos.yml"
    path.write_text("source: north_pos\nsource: north_pos\n")
    with pytest.raises(MappingError, match="'source' is given twice"):
        load_mapping(path)
    path.write_text("source: [")
    with pytest.raises(MappingError, match="not readable as YAML"):
        load_mapping(path)
    path.write_text("- a\n")
    with pytest.raises(MappingError, match="expected fields"):
        load_mapping(path)


def test_recipe_follows_what_is_read_and_nothing_else(tmp_path: Path) -> None:
    plain = load_mapping(SOURCES / "north_pos.yml").recipe
    assert load_mapping(changed(tmp_path, description="other", owner="other")).recipe == plain
    assert load_mapping(changed(tmp_path, delivery={"due_days": 3})).recipe == plain
    assert load_mapping(changed(tmp_path, format__date_format="%d.%m.%y")).recipe != plain
    assert load_mapping(changed(tmp_path, constants__distributor_id="D-X")).recipe != plain


def test_what_a_source_agreed_to_becomes_its_row_of_the_register(tmp_path: Path) -> None:
    agreed = changed(tmp_path, delivery={"due_days": 12, "first_month": "2017-02", "fields": ["region", "reseller_id"]})
    [row] = agreement.rows([load_mapping(agreed)])
    assert row == ("north_pos", "line", "D-NORTH", 12, 30, "2017-02", "region|reseller_id", None, None)
    [row] = agreement.rows([load_mapping(changed(tmp_path, delivery={"due_days": 12}))])
    assert row[6] == (
        "document_number|line_number|document_type|document_date|record_intent|product_id|quantity|unit|net_amount"
        "|currency"
    )
    [row] = agreement.rows([load_mapping(changed(tmp_path, delivery=None))])
    assert row == ("north_pos", "line", "D-NORTH", None, None, None, None, None, None)
    assert agreement.rows([load_mapping(SOURCES / "erp_invoices.yml")])[0][2] == "direct"
    [row] = agreement.rows([load_mapping(SOURCES / "stock_reports.yml")])
    assert row == ("stock_reports", "stock_report", None, None, None, None, None, Decimal(2), Decimal(1))


@pytest.mark.parametrize(
    ("tolerance", "message"),
    [
        ({"percent": 101}, "tolerance.percent: Input should be less than or equal to 100"),
        ({"quantity": -1}, "tolerance.quantity: Input should be greater than or equal to 0"),
        ({"quantity": "many"}, "tolerance.quantity: Input should be a valid decimal"),
        ({"share": 2}, "tolerance.share: unknown field"),
    ],
)
def test_a_tolerance_that_is_none_is_refused(tmp_path: Path, tolerance: dict[str, Any], message: str) -> None:
    document = yaml.safe_load((SOURCES / "stock_reports.yml").read_text()) | {"tolerance": tolerance}
    path = tmp_path / "stock_reports.yml"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(MappingError) as caught:
        load_mapping(path)
    assert f"stock_reports.yml: {message}" in str(caught.value)
