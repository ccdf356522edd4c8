"""Who is meant by a spelling: what decides, in which order, on rows that the tests make up."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from benchmarks.matching import judge, write
from benchmarks.spellings import WAYS, customers, spellings
from orchestration import contract
from orchestration.matching import MatchingRuleError, identify
from orchestration.settings import Settings
from orchestration.validation import lookups

Row = dict[str, Any]

TYPES = {"VARCHAR": pa.string(), "DATE": pa.date32(), "INTEGER": pa.int32(), "DECIMAL(18,4)": pa.decimal128(18, 4)}

MASTER: list[Row] = [
    {"id": "C-1", "name": "Müller & Söhne GmbH", "street": "Hauptstraße 5", "postal_code": "80331", "city": "München",
     "country": "DE", "tax_id": "DE 123 456 789"},
    {"id": "C-2", "name": "Saint Mary's Hospital", "street": "12 Main Street", "postal_code": "60614",
     "city": "Chicago", "country": "US", "tax_id": "36-1234567"},
    {"id": "C-3", "name": "Saint Mary's Hospital", "street": "9 Oak Avenue", "postal_code": "94110",
     "city": "San Francisco", "country": "US"},
    {"id": "C-4", "name": "Riverside Dental Clinic North", "city": "Boston", "country": "US"},
    {"id": "C-5", "name": "Riverside Dental Clinic South", "city": "Boston", "country": "US"},
    {"id": "C-6", "name": "Household 1001"},
    {"id": "C-7", "name": "Consolidated Industrial Supply Corporation", "street": "77 Station Road",
     "postal_code": "10001", "city": "New York", "country": "US"},
]  # fmt: skip


class World:
    """accepted/ and raw/ as validation and intake leave them, from short rows (columns without their prefix)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.master(*MASTER)
        self.answers()

    def _write(self, folder: Path, columns: tuple[contract.Column, ...], rows: list[Row], sequence: int) -> None:
        full = [{"file_sequence": sequence, "row_number": n, **row} for n, row in enumerate(rows, start=2)]
        arrays = {c.name: pa.array([row.get(c.name) for row in full], TYPES[c.type]) for c in columns}
        folder.mkdir(parents=True, exist_ok=True)
        # as in a file's key, its content tells it from others
        table = pa.table(arrays).replace_schema_metadata({"recipe": hashlib.sha256(repr(rows).encode()).hexdigest()})
        pq.write_table(table, folder / f"{sequence:06}_test.parquet")

    def master(self, *rows: Row, sequence: int = 1) -> None:
        """A file of end customers."""
        named = [{f"end_customer_{name}": value for name, value in row.items()} for row in rows]
        columns = contract.accepted_columns(contract.END_CUSTOMER)
        self._write(self.settings.accepted / "end_customer", columns, named, sequence)

    def answers(self, *rows: tuple[str, str | None], sequence: int = 2) -> None:
        """A file of answers: spelling and answer."""
        given = [{"end_customer_spelling": key, "answer": word, "answered_by": "maria"} for key, word in rows]
        columns = contract.accepted_columns(contract.END_CUSTOMER_ANSWER)
        self._write(self.settings.accepted / "end_customer_answer", columns, given, sequence)

    def lines(self, *rows: Row, sequence: int = 3, source: str = "north_pos") -> None:
        """A file of reported lines."""
        named = [
            {"source": source, "stream": "sell_through", "net_amount": Decimal(1)}
            | {f"end_customer_{name}": value for name, value in row.items()}
            for row in rows
        ]
        self._write(self.settings.raw / "line", contract.raw_columns(contract.LINE), named, sequence)

    def identify(self) -> list[Row]:
        """Every spelling, after identification."""
        identify(self.settings)
        return pq.read_table(self.settings.matching / "spelling.parquet").to_pylist()

    def of(self, *rows: Row, source: str = "north_pos") -> list[tuple[str, str, str | None]]:
        """Method, status and end customer of each of these ways to name one, in their order."""
        self.lines(*rows, source=source)
        self.identify()
        found = {}
        statuses = {row["end_customer_spelling"]: row["status"] for row in self.identify()}
        for row in pq.read_table(self.settings.matching / "reported.parquet").to_pylist():
            key = tuple(row[name] for name in contract.REPORTED_END_CUSTOMER)
            found[key] = (row["end_customer_method"], statuses[row["end_customer_spelling"]], row["identified_id"])
        short = [name.removeprefix("end_customer_") for name in contract.REPORTED_END_CUSTOMER]
        return [found[tuple(row.get(name) for name in short)] for row in rows]

    def key(self, **row: str) -> str:
        """Key of the spelling with these values."""
        wanted = {f"end_customer_{name}": value for name, value in row.items()}
        [found] = [r for r in self.identify() if all(r[name] == value for name, value in wanted.items())]
        return str(found["end_customer_spelling"])


@pytest.fixture
def world(settings: Settings) -> World:
    return World(settings)


def test_the_same_name_in_another_way_of_writing(world: World) -> None:
    ways = ["MUELLER UND SOEHNE", "Müller + Söhne G.m.b.H.", "Söhne, Müller", "müller & söhne ag", "Mu\u0308ller Söhne"]
    assert world.of(*({"name": way} for way in ways)) == [("normalised", "identified", "C-1")] * len(ways)


def test_of_two_with_one_name_the_address_decides_and_without_one_a_person_is_asked(world: World) -> None:
    assert world.of(
        {"name": "ST. MARYS HOSP.", "postal_code": "94110-2233"},
        {"name": "Saint Marys Hospital", "city": "Chicago"},
        {"name": "St Marys Hospital"},
        {"name": "St Marys Hospital", "postal_code": "10001", "city": "New York"},
        {"name": "Saint Mary's Hospital", "city": "Chicago", "country": "CA"},
    ) == [
        ("normalised", "identified", "C-3"),
        ("normalised", "identified", "C-2"),
        ("unidentified", "review", None),
        ("unidentified", "review", None),
        ("unidentified", "unknown", None),
    ]


def test_a_misspelt_name_is_found_and_a_different_word_or_number_is_not_taken_for_a_misspelling(world: World) -> None:
    assert world.of(
        {"name": "Consolidatd Industrial Suply", "city": "New York"},
        {"name": "Riverside Dentl Clinic Nort", "city": "Boston"},
        {"name": "Riverside Dental Clinic", "city": "Boston"},
        {"name": "Riverside Dental Clinic East", "city": "Boston"},
        {"name": "Riverside Dental Clinic North 2", "city": "Boston"},
        {"name": "Household 1002"},
        {"name": "Household 1001"},
        {"name": "Something Else Entirely"},
    ) == [
        ("fuzzy", "identified", "C-7"),
        ("fuzzy", "identified", "C-4"),
        ("unidentified", "review", None),
        ("unidentified", "review", None),
        ("unidentified", "review", None),
        ("unidentified", "unknown", None),
        ("normalised", "identified", "C-6"),
        ("unidentified", "unknown", None),
    ]


def test_a_tax_id_of_one_end_customer_identifies_whatever_the_name(world: World) -> None:
    world.master(*MASTER, {"id": "C-8", "name": "A", "tax_id": "999"}, {"id": "C-9", "name": "B", "tax_id": "77-777"})
    world.master({"id": "C-10", "name": "C", "tax_id": "77777"}, sequence=5)
    assert world.of(
        {"name": "Some Trade Name", "tax_id": "de123456789"},
        {"tax_id": "361234567"},
        {"name": "Too short", "tax_id": "999"},
        {"name": "Two have it", "tax_id": "77777"},
    ) == [
        ("exact", "identified", "C-1"),
        ("exact", "identified", "C-2"),
        ("unidentified", "unknown", None),
        ("unidentified", "unknown", None),
    ]


def test_answers_win_stick_and_carry_over_to_the_sources_own_code(world: World) -> None:
    ways = [
        {"name": "Saint Mary's Hospital", "city": "Chicago", "code": "77"},
        {"name": "Mary's on the lake", "code": "77"},
        {"name": "Household 1001"},
    ]
    assert [found[2] for found in world.of(*ways)] == ["C-2", None, "C-6"]
    first, third = world.key(name="Saint Mary's Hospital"), world.key(name="Household 1001")
    world.answers((first, "C-3"), (third, "none"))
    expected = [("answered", "identified", "C-3"), ("exact", "identified", "C-3"), ("unidentified", "none", None)]
    assert world.of(*ways) == expected
    # the same name from elsewhere, and a code of another source, are not touched
    assert world.of({"name": "Mary's on the lake", "code": "77"}, source="lakeside_pos")[0][1] == "unknown"
    # a rebuild finds the same, a row that was left empty in a later file takes nothing back
    shutil.rmtree(world.settings.matching)
    world.answers((first, None), sequence=7)
    assert world.of(*ways) == expected
    # a later answer replaces an earlier one; 'open' forgets it
    world.answers((first, "C-1"), (third, "open"), sequence=8)
    assert [found[2] for found in world.of(*ways)] == ["C-1", "C-1", "C-6"]


def test_new_keeps_likeness_from_deciding_until_the_end_customer_is_there(world: World) -> None:
    way = {"name": "Consolidatd Industrial Supply Corp", "city": "New York"}
    assert world.of(way) == [("fuzzy", "identified", "C-7")]
    world.answers((world.key(**way), "new"))
    assert world.of(way) == [("unidentified", "new", None)]
    world.master({"id": "C-99", "name": way["name"], "city": "New York"}, sequence=9)
    assert world.of(way) == [("normalised", "identified", "C-99")]


def test_an_unknown_id_is_looked_up_by_its_name_and_a_known_one_is_left_alone(world: World) -> None:
    world.lines({"id": "C-1", "name": "Household 1001"}, {"id": "X-1", "name": "Household 1001"}, {"street": "12 Main"})
    [row] = world.identify()
    assert (row["end_customer_id"], row["end_customer_code"], row["method"]) == ("C-6", "X-1", "normalised")


def test_the_same_again_is_not_identified_twice_and_any_change_is(world: World) -> None:
    world.lines({"name": "Household 1001"})
    assert [identify(world.settings).again for _ in range(2)] == [True, False]
    bytes_before = (world.settings.matching / "spelling.parquet").read_bytes()
    world.lines({"name": "Household 1001"}, sequence=4)
    assert identify(world.settings).again
    assert (world.settings.matching / "spelling.parquet").read_bytes() == bytes_before
    world.master({"id": "C-6", "name": "Household 5"}, sequence=6)
    assert (identify(world.settings).statuses, identify(world.settings).again) == ({"unknown": 1}, False)


def test_the_key_of_a_spelling_never_changes(world: World) -> None:
    world.lines({"name": "Café  Müller, Inc.", "code": "A-1", "postal_code": "60614"})
    [row] = world.identify()
    # people's answers hang on it: if this fails, the change that made it fail is wrong
    assert row["end_customer_spelling"] == "s523ed16a9be135f"
    world.lines({"name": "CAFE MULLER INC", "code": "a 1", "postal_code": "606-14"})
    assert world.identify()[0]["end_customer_spelling"] == "s523ed16a9be135f"


TOLD = [
    {"name": "MUELLER UND SOEHNE"}, {"name": "St Marys Hospital"}, {"name": "St Marys Hospital", "city": "Chicago"},
    {"name": "Riverside Dentl Clinic Nort", "city": "Boston"}, {"name": "Household 1002"}, {"code": "77", "name": "Z"},
    {"code": "77"}, {"name": "Consolidatd Industrial Suply"}, {"tax_id": "36 1234567"}, {"name": "Riverside Clinic"},
]  # fmt: skip


def made(folder: Path, files: list[list[Row]], masters: list[list[Row]]) -> list[bytes]:
    """The tables of identification, to the byte, from these files."""
    one = World(Settings(data=folder, memory_limit="1GB"))
    for number, rows in enumerate(masters):
        one.master(*rows, sequence=1 + 20 * number)
    for number, rows in enumerate(files):
        one.lines(*rows, sequence=3 + number)
    one.identify()
    return [(one.settings.matching / f"{name}.parquet").read_bytes() for name in ("spelling", "reported", "candidate")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return made(tmp_path_factory.mktemp("whole"), [TOLD], [MASTER])


@given(order=st.permutations(range(len(TOLD))), cuts=st.sets(st.integers(1, len(TOLD) - 1)), masters=st.booleans())
@limits(max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_of_rows_and_no_split_into_files_changes_anything(
    tmp_path_factory: pytest.TempPathFactory, whole: list[bytes], order: list[int], cuts: set[int], masters: bool
) -> None:
    rows = [TOLD[place] for place in order]
    files = [rows[first:last] for first, last in pairwise([0, *sorted(cuts), len(TOLD)])]
    master = [MASTER[3:], MASTER[:3][::-1]] if masters else [MASTER]
    assert made(tmp_path_factory.mktemp("split"), files, master) == whole


def test_precision_and_recall_on_spellings_whose_truth_is_known(settings: Settings) -> None:
    master = customers(4000)
    said = spellings(master, 2500)
    write(settings, master, said)
    identify(settings)
    found = judge(settings, said)
    assert set(found) == {*WAYS, "with address", "name alone", "all"}
    assert found["all"].precision > 0.99
    assert found["all"].recall > 0.8
    assert found["all"].reach > 0.95
    for kind in ("as it is", "legal form", "letters", "abbreviated", "words swapped"):
        assert found[kind].recall > 0.93, kind
    # where an address could be compared, likeness errs next to never
    assert found["with address"].precision > 0.998
    # strangers with an address are told from everybody
    strangers = [s for s in said if s.customer.city and s.truth is None]
    assert len(strangers) > 200
    assert judge(settings, strangers)["all"].identified <= 2


def test_many_end_customers_with_one_name_are_not_compared_with_everything(world: World) -> None:
    draw = random.Random(5)
    sites = [
        {"id": f"S-{n:04}", "name": "Burger Palace Inc", "postal_code": f"{n:05}", "city": f"Town{n % 50}"}
        for n in range(1500)
    ]
    world.master(*sites)
    wanted = draw.sample(sites, 40)
    ways = [{"name": "BURGER PALACE", "postal_code": site["postal_code"]} for site in wanted]
    typos = [{"name": "Burgr Palace", "postal_code": site["postal_code"]} for site in wanted]
    found = world.of(*ways, *typos)
    assert [each[2] for each in found] == [site["id"] for site in wanted] * 2
    assert {each[0] for each in found[40:]} == {"fuzzy"}


def test_rules_that_cannot_be_used_name_file_row_and_what_was_expected(settings: Settings, tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    shutil.copytree(settings.reference, reference)
    folder = reference / "matching"
    (folder / "word.csv").write_text(
        "field,word,becomes,kind\nnme,inc,,x\nname,st,two words,x\nname,co,,x\nname,co,a,x\n"
    )
    (folder / "setting.csv").write_text("setting,value,meaning\nreview_at,no,x\nspeed,1,x\n")
    (folder / "letters.csv").unlink()
    with pytest.raises(MatchingRuleError) as caught:
        identify(replace(settings, reference=reference))
    assert str(caught.value).splitlines() == [
        "matching/letters.csv: there is no such file in matching/",
        "matching/word.csv row 2: field: 'nme': expected one of name, street, city, country",
        "matching/word.csv row 3: becomes: 'two words': expected one word, or nothing to drop the word",
        "matching/word.csv: name 'co' is given twice ('' and 'a')",
        "matching/setting.csv row 2: review_at: 'no': expected a whole number from 1 to 100",
        "matching/setting.csv row 3: unknown setting 'speed'; expected one of identified_at, identified_at_by_name,"
        " review_at, lead_over_next, word_at, subset_worth, numbers_cost, name_weight, street_weight,"
        " postal_code_weight, city_weight, block_limit, pairs_per_spelling, candidates",
    ]


def test_lines_are_looked_up_by_hash_joins_whatever_their_number() -> None:
    connection = duckdb.connect()
    filled = "select {} from range(5000) as r(n)"

    def make(table: str, columns: Iterable[contract.Column]) -> None:
        values = ", ".join(f"cast(case when n % 3 = 0 then '1' end as {c.type}) as {c.name}" for c in columns)
        connection.execute(f"create table {table} as {filled.format(values.replace(chr(39) + '1' + chr(39), 'null'))}")

    make("raw_rows", contract.raw_columns(contract.LINE))
    connection.execute("update raw_rows set source = 's', end_customer_name = 'n'")
    connection.execute("update raw_rows set stream = case rowid % 2 when 0 then 'sell_in' else 'sell_through' end")
    for name in lookups.USES["line"]:
        make(f"reference_{name}", contract.ENTITIES[name].columns)
    text = [contract.Column(name, contract.TEXT, "") for name in ("end_customer_spelling", "line_source")]
    meant = [contract.Column(name, contract.TEXT, "") for name in ("end_customer_method", "identified_id")]
    reported = [contract.LINE.column(name) for name in contract.REPORTED_END_CUSTOMER]
    make("identified", [*text, *reported, *meant])
    connection.execute("update identified set line_source = 's', end_customer_name = 'n'")
    unrated = lookups.unrated(lookups.Currencies(("USD",), 10))
    for table, select in (("crossed", lookups.crossed()), ("worded", lookups.worded()), ("unrated", unrated)):
        connection.execute(f"create table {table} as {select}")
    found = lookups.Found(twice=False, crossed=True, unrated=True, worded=True, identified=True, unidentified=True)
    [(_, plan)] = connection.execute(
        "explain (format json) " + lookups.rows(contract.LINE, lookups.JUDGED_COLUMNS["line"], found)
    ).fetchall()
    assert "HASH_JOIN" in plan
    assert "NL_JOIN" not in plan
