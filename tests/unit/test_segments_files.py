"""segment.csv and segment_rule.csv: what is refused, with file, row, column and reason, and what is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestration import segments
from orchestration.programs import BadReferenceError
from orchestration.programs import reference as programs_reference
from orchestration.settings import REPOSITORY

SEGMENTS = """segment_id,entity,name,description,owner
gold,partner,Gold,,sales
homes,end_customer,Homes,,marketing
snacks,product,Snacks,,category
sellers,product,Sellers,,category
"""
RULES = """segment_id,attribute,operator,value,months,of,currency,stream,product_segment
gold,tier,=,gold,,,,,
homes,size_band,>=,3,,,,,
snacks,family,in,A|B,,,,,
sellers,purchases,>=,10,3,quantity,,sell_in,
"""


def folder(path: Path, names: str = SEGMENTS, rules: str = RULES) -> Path:
    """Write the files that segments are read from."""
    path.mkdir(exist_ok=True)
    (path / "legal_entity.csv").write_text("legal_entity,currency\nUS01,USD\nCA01,CAD\n")
    (path / "segment.csv").write_text(names)
    (path / "segment_rule.csv").write_text(rules)
    return path


def problems(path: Path) -> tuple[str, ...]:
    with pytest.raises(segments.SegmentError) as caught:
        segments.read(path)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_segments_with_their_rules(tmp_path: Path) -> None:
    known = segments.read(folder(tmp_path, rules=RULES + "gold,purchases,<,-1.5,36,amount,CAD,,snacks\n"))
    assert list(known) == ["gold", "homes", "snacks", "sellers"]
    assert known["gold"] == segments.Segment(
        "gold",
        "partner",
        "Gold",
        (
            segments.Rule("tier", "=", "gold"),
            segments.Rule("purchases", "<", "-1.5", 36, "amount", "CAD", "", "snacks"),
        ),
    )
    assert [name for name, segment in known.items() if segment.by_purchases] == ["gold", "sellers"]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            "gold,colour,=,red,,,,,",
            "attribute colour; expected partner_type, channel, region, country, tier, group_id,",
        ),
        ("homes,tier,=,gold,,,,,", "attribute tier; expected end_customer_type, income_band"),
        ("snacks,channel,=,x,,,,,", "attribute channel; expected family, brand, category, product_id, purchases"),
        ("gold,,=,x,,,,,", "attribute empty; expected partner_type"),
        ("platinum,tier,=,x,,,,,", "segment_id platinum; there is no such segment in segment.csv"),
        (",tier,=,x,,,,,", "segment_id empty; there is no such segment"),
        ("gold,tier,~,gold,,,,,", "operator ~; expected = != in >= <"),
        ("gold,tier,,gold,,,,,", "operator empty; expected"),
        ("gold,tier,>,3,,,,,", "operator >; expected = != in >= <"),
        ("gold,tier,!=,,,,,,", "value empty; empty value"),
        ("gold,tier,in,a|,,,,,", "value a|; empty value between bars"),
        ("gold,tier,in,a|b|a,,,,,", "value a|b|a; a is named 2 times"),
        ("homes,size_band,<,5+,,,,,", "value 5+; expected a number with operator <"),
        ("homes,size_band,>=,1e3,,,,,", "value 1e3; expected a number with operator >="),
        ("gold,tier,=,gold,,,,,", "the same rule as in row 2"),
        ("gold,tier,!=,gold,12,amount,,,", "months, of: only with attribute purchases"),
        ("gold,tier,!=, gold,,,,,", "value ' gold'; has blanks around it"),
        ("gold,purchases,=,5,12,quantity,,,", "operator =; expected >= or < with purchases"),
        ("gold,purchases,in,5,12,quantity,,,", "operator in; expected >= or < with purchases"),
        ("gold,purchases,>=,,12,quantity,,,", "value empty; expected a number with at most 4 decimals"),
        ("gold,purchases,>=,1.00001,12,quantity,,,", "value 1.00001; expected a number with at most 4 decimals"),
        ("gold,purchases,>=,1 000,12,quantity,,,", "value 1 000; expected a number"),
        ("gold,purchases,>=,5,,quantity,,,", "months empty; expected 1 to 36 complete months"),
        ("gold,purchases,>=,5,0,quantity,,,", "months 0; expected 1 to 36"),
        ("gold,purchases,>=,5,37,quantity,,,", "months 37; expected 1 to 36"),
        ("gold,purchases,>=,5,1.5,quantity,,,", "months 1.5; expected 1 to 36"),
        ("gold,purchases,>=,5,12,,,,", "of empty; expected amount or quantity"),
        ("gold,purchases,>=,5,12,lines,,,", "of lines; expected amount or quantity"),
        ("gold,purchases,>=,5,12,amount,,,", "currency empty; expected an ISO 4217 code with of amount"),
        ("gold,purchases,>=,5,12,amount,usd,,", "currency usd; expected an ISO 4217 code"),
        ("gold,purchases,>=,5,12,amount,EUR,,", "currency EUR; expected one of legal_entity.csv: CAD, USD"),
        ("gold,purchases,>=,5,12,quantity,USD,,", "currency USD; has no meaning with of quantity"),
        ("gold,purchases,>=,5,12,quantity,,both,", "stream both; expected sell_in, sell_through or nothing (both)"),
        (
            "gold,purchases,>=,5,12,quantity,,,cheap",
            "product_segment cheap; there is no such product segment; known: se",
        ),
        ("gold,purchases,>=,5,12,quantity,,,homes", "product_segment homes; there is no such product segment"),
        ("gold,purchases,>=,5,12,quantity,,,sellers", "product_segment sellers has a rule on purchases itself"),
    ],
)
def test_a_rule_is_refused(tmp_path: Path, row: str, problem: str) -> None:
    [found] = problems(folder(tmp_path, rules=RULES + row + "\n"))
    assert re.match(rf"segment_rule\.csv row 6( \({row.partition(',')[0]}\))?: ", found), found
    assert problem in found


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("gold,partner,Gold,,sales", ["segment_id gold is given 2 times"] * 2),
        (
            "vip,customer,V,,x",
            ["entity customer; expected partner, end_customer, product", "there is no rule in segme"],
        ),
        ("a;b,partner,V,,x", ["segment_id a;b; expected letters, digits, _ and -", "there is no rule"]),
        ("vip,partner,,,", ["name empty; expected a text", "owner empty; expected a text", "there is no rule"]),
        (",partner,V,,x", ["segment_id empty; expected letters", "there is no rule"]),
    ],
)
def test_a_segment_is_refused(tmp_path: Path, row: str, expected: list[str]) -> None:
    found = problems(folder(tmp_path, names=SEGMENTS + row + "\n"))
    assert len(found) == len(expected)
    assert all(part in text and text.startswith("segment.csv row ") for part, text in zip(expected, found, strict=True))


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    found = problems(folder(tmp_path, SEGMENTS + "vip,partner,V,,x\n", RULES + "gold,tier,~,,,,,,\nx,y,=,z,,,,,\n"))
    assert [text.partition(" (")[0] for text in found] == [
        "segment.csv row 6",
        "segment_rule.csv row 6",
        "segment_rule.csv row 6",
        "segment_rule.csv row 7",
    ]


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (RULES.replace(",months,of", ""), "segment_rule.csv: no column months, of; expected segment_id, attribute"),
        (RULES.replace("stream", "streams"), "segment_rule.csv: unknown column streams; expected segment_id"),
        (RULES.replace("of,", "months,"), "segment_rule.csv: twice the column months; expected"),
        (RULES + "gold,tier,!=,x\n", "segment_rule.csv row 6: 4 fields; expected 9, as the header has"),
        (RULES + "gold,tier,!=,x,,,,,,,\n", "segment_rule.csv row 6: 11 fields; expected 9, as the header has"),
    ],
)
def test_the_shape_of_a_file(tmp_path: Path, rules: str, problem: str) -> None:
    assert any(text.startswith(problem) for text in problems(folder(tmp_path, rules=rules)))


def test_a_bad_file_stops_the_run_of_programs(tmp_path: Path) -> None:
    shipped = REPOSITORY / "seeds" / "reference"
    path = folder(tmp_path / "reference", rules=RULES + "gold,colour,=,red,,,,,\n")
    for name in ("legal_entity.csv", "fiscal_month.csv"):
        (path / name).write_bytes((shipped / name).read_bytes())
    with pytest.raises(BadReferenceError, match="attribute colour"):
        programs_reference.read(path)
    (path / "segment_rule.csv").write_text(RULES)
    assert programs_reference.read(path).segments["gold"] == "partner"


def test_those_of_the_sample_company() -> None:
    known = segments.read(REPOSITORY / "seeds" / "reference")
    assert {segment.entity for segment in known.values()} == set(segments.ATTRIBUTES)
    assert {name for name, segment in known.items() if segment.by_purchases} == {"strong_resellers", "snack_households"}
