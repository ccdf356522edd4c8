"""Simulations equal the warehouse: the same programs over the published lines give the same figures, line by line.

One warehouse is built by the real models, over random programs of every kind (tests/property/world.py), and published.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
import yaml
from click.testing import CliRunner

from orchestration import books, matching, programs, publish, simulate
from orchestration.cli import main
from orchestration.programs import flatten
from orchestration.publish.calculation import OUTPUTS
from orchestration.runs import RunContext, month_of, write_run_context
from orchestration.settings import Settings
from orchestration.simulation import engine, overlaps, published, report
from orchestration.simulation.months import Window
from orchestration.simulation.published import History, SimulationError
from orchestration.simulation.worlds import World, own, together
from orchestration.transform import dbt_arguments, meta, read_manifest
from orchestration.transform.dbt import run_dbt
from orchestration.transform.net_of import find_reductions
from tests.golden.document import document, level
from tests.property import world
from tests.warehouse import Seeds, draft_programs, write_rows

MARTS = {
    "dim_partner", "dim_product", "fct_line", "fct_line_rebate", "fct_payout", "fct_qualification",
    "fct_qualification_rule", "fct_tier_application", "rpt_excluded_line",
}  # fmt: skip
FAMILIES, SEED, LINES = 25, 3, 600
LEVELS = [level("0", "1"), level("2000", "3"), level("6000", "5")]


def ladder(**fields: Any) -> dict[str, Any]:
    """A simple program whose figures a test can tell: all sell-in, by the buyer and quarter."""
    shape: dict[str, Any] = {"method": "incremental", "valid": world.VALID, "measurement": "quarter"}
    return document("LADDER", LEVELS, **{**shape, **fields})


def stacked(program_id: str, order: int, rate: str) -> dict[str, Any]:
    """A program of a net_of group."""
    group = {"group": "chain", "rule": "net_of", "order": order}
    return document(program_id, [level("0", rate)], valid=world.VALID, stacking=group)


@dataclass(frozen=True)
class Shop:
    """A warehouse that was built and published."""

    settings: Settings
    published: published.Published
    programs: tuple[programs.LoadedProgram, ...]

    def mart(self, name: str) -> str:
        """Return what reads a published mart."""
        return self.published.file(f"{name}.parquet")


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    settings = Settings(data=tmp_path_factory.mktemp("simulation") / "data", memory_limit="1GB")
    documents = world.named(world.many(world.a_family, FAMILIES, SEED))
    entities = world.entities(documents, LINES, SEED)
    documents = [*documents, ladder(), stacked("FIRST", 10, "4"), stacked("THIRD", 30, "2")]
    seeds = Seeds(world.SEGMENTS, world.SEGMENT_RULES, world.LEGAL_ENTITIES)
    settings = draft_programs(settings, documents, seeds)
    write_rows(settings, entities)
    books.prepare(settings)
    matching.prepare(settings)
    write_run_context(settings, RunContext(world.AS_OF, month_of(world.AS_OF), "0" * 64, 0))
    find_reductions(settings)
    wanted = " ".join(f"+{name}" for name in sorted(MARTS | set(OUTPUTS)))
    run_dbt(settings, dbt_arguments("build", select=wanted, tests=False))
    manifest = read_manifest(settings)
    keys = {node["name"]: list(meta(node)["grain"]) for node in manifest["nodes"].values() if node["name"] in MARTS}
    publish.publish_snapshot(settings, sorted(keys), keys=keys, manifest=manifest)
    loaded = programs.load(settings.programs, settings.reference)
    assert not loaded.errors
    return Shop(settings, published.current(settings), loaded.programs)


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"select * from ({sql}) order by all").fetchall()


LINE_SHARES = "select payout_id, member_id, payee_id, {key} as line, amount from {table}"


def test_the_published_calculation_names_nothing_of_this_machine(shop: Shop) -> None:
    text = (shop.published.folder / "calculation" / "calculation.json").read_text()
    assert str(shop.settings.data) not in text
    assert "read_parquet" not in text
    described = json.loads(text)
    assert set(OUTPUTS) <= {model["name"] for model in described["models"]}
    files = {path.relative_to(shop.published.folder).as_posix() for path in shop.published.folder.rglob("*.parquet")}
    assert {each["file"] for each in described["inputs"]} <= files
    assert next(each["file"] for each in described["inputs"] if each["name"] == "int_line") == "fct_line.parquet"


def test_every_program_gives_what_the_warehouse_has(shop: Shop) -> None:
    with engine.calculated(shop.settings, shop.published, flatten(shop.programs), world.AS_OF, OUTPUTS) as connection:
        for name in ("fct_payout", "fct_qualification", "fct_qualification_rule", "fct_tier_application"):
            mine, theirs = rows(connection, f"from {name}"), rows(connection, f"from {shop.mart(name)}")
            assert mine, name
            assert mine == theirs, name
        lines = shop.published.file("fct_line.parquet", ", file_row_number = true")
        by_key = (
            "(select s.* replace (n.line_key as line_key) from int_line_share as s"
            f" inner join {lines} as n on s.line_key = n.file_row_number)"
        )
        mine = rows(connection, LINE_SHARES.format(key="line_key", table=by_key))
        assert mine
        assert mine == rows(connection, LINE_SHARES.format(key="line_key", table=shop.mart("fct_line_rebate")))
        excluded = "select program_key, scope_key, reason, count(*), count(distinct line_key) from {} group by all"
        mine = rows(connection, excluded.format("rpt_excluded_line"))
        assert len({row[2] for row in mine}) > 5
        assert mine == rows(connection, excluded.format(shop.mart("rpt_excluded_line")))


def test_lines_that_no_scope_looks_at_are_left_out_and_change_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs one family at a time, with the lines cut down to what it looks at and with all lines."""
    families: dict[str, list[programs.LoadedProgram]] = {}
    for each in shop.programs:
        group = each.program.stacking.group if each.program.stacking else each.program.id
        families.setdefault(group, []).append(each)
    counts: list[tuple[int, int]] = []

    def figures(members: list[programs.LoadedProgram]) -> tuple[list[Any], int]:
        with engine.calculated(
            shop.settings, shop.published, flatten(members), world.AS_OF, ["fct_payout", "fct_qualification"]
        ) as connection:
            [(lines,)] = connection.execute("select count(*) from int_line").fetchall()
            return rows(connection, "from fct_payout") + rows(connection, "from fct_qualification"), lines

    for members in list(families.values())[:6]:
        pruned, few = figures(members)
        with monkeypatch.context() as patch:
            patch.setattr(engine._Run, "_looked_at", lambda *_: [])
            whole, many = figures(members)
        assert pruned == whole, members[0].program.key
        counts.append((few, many))
    assert sum(few for few, _ in counts) < sum(many for _, many in counts)


def test_worlds_do_not_touch_each_other(shop: Shop) -> None:
    """The same stacked programs in two worlds: each gives what the warehouse has, as if it were alone."""
    members = [each for each in shop.programs if each.program.stacking and each.calculated]
    windows = {
        each.program.key: Window(each.first_day, each.last_day, each.first_day, each.last_day, stretched=False)
        for each in members
    }
    both = [World(number, flatten(members), windows, frozenset()) for number in (3, 7)]
    with engine.calculated(shop.settings, shop.published, together(both), world.AS_OF, ["fct_payout"]) as connection:
        sql = "select program_key, participant_id, payee_id, period_id, amount from {}"
        found = rows(connection, sql.format("fct_payout"))
        keys = ", ".join(f"'{key}'" for key in windows)
        theirs = rows(connection, sql.format(shop.mart("fct_payout")) + f" where program_key in ({keys})")
    for number in (3, 7):
        assert sorted((own(key)[1], *rest) for key, *rest in found if own(key)[0] == number) == theirs


# --- the command ----------------------------------------------------------------------------


@pytest.fixture
def draft(shop: Shop, tmp_path: Path) -> Iterator[Path]:
    """A draft of a second version of LADDER, as a file."""
    path = tmp_path / "ladder-2.yml"
    made = ladder(version=2, supersedes="LADDER@1", lifecycle=[{"step": "draft", "who": "Ines", "when": "2023-02-01"}])
    path.write_text(yaml.safe_dump(made))
    before = {each: each.stat().st_mtime_ns for each in shop.settings.data.rglob("*") if each.is_file()}
    yield path
    assert {each: each.stat().st_mtime_ns for each in shop.settings.data.rglob("*") if each.is_file()} == before


def payout_of(shop: Shop, program_key: str) -> Decimal:
    with engine.database(shop.settings) as connection:
        sql = f"select coalesce(sum(amount), 0) from {shop.mart('fct_payout')} where program_key = ?"
        [(amount,)] = connection.execute(sql, [program_key]).fetchall()
    return Decimal(amount)


def test_a_version_with_the_same_terms_pays_the_same(shop: Shop, draft: Path) -> None:
    made = simulate.simulate(shop.settings, [draft], None, [])
    current, variant = made.results.totals["LADDER", 0], made.results.totals["LADDER", 1]
    assert current.payout == variant.payout == payout_of(shop, "LADDER@1") > 0
    assert (current.versions, variant.versions) == ("LADDER@1", "LADDER@2")
    assert (current.payees, current.payouts, current.payout_base) == (
        variant.payees,
        variant.payouts,
        variant.payout_base,
    )


def test_documents_of_every_kind_are_simulated_from_their_files(shop: Shop) -> None:
    """Programs with one version each, by the way that the command takes: files, windows, worlds, results."""
    ids = [each.program.id for each in shop.programs]
    alone = [each for each in shop.programs if each.calculated and ids.count(each.program.id) == 1]
    kinds: dict[tuple[str, str | None, str], programs.LoadedProgram] = {}
    for each in alone:
        rule = each.program.stacking.rule if each.program.stacking else None
        kinds.setdefault((each.program.kind, rule, each.program.cumulation), each)
    assert {kind for kind, _, _ in kinds} == {"tiers", "fund", "price_difference"}
    files = [shop.settings.programs / each.file_name for each in kinds.values()]
    made = simulate.simulate(shop.settings, files, None, [])
    paid = {each.program.key: payout_of(shop, each.program.key) for each in kinds.values()}
    assert sum(1 for amount in paid.values() if amount) > len(paid) / 2
    for each in kinds.values():
        totals = [made.results.totals[each.program.id, number].payout for number in (0, 1)]
        assert totals == [paid[each.program.key]] * 2, each.program.key


def test_every_cut_adds_up_to_the_total(shop: Shop, draft: Path) -> None:
    made = simulate.simulate(shop.settings, [draft], None, ["tiers.levels[1].rate=3,4"])
    for number in made.labels:
        total = made.results.totals["LADDER", number].payout
        for cut in (made.results.partners, made.results.tiers, made.results.months):
            assert sum(amounts.get(number, Decimal(0)) for amounts in cut.values()) == total
        for whose in ("partner", "end customer", "product"):
            parts = {key[2]: amounts for key, amounts in made.results.segments.items() if key[1] == whose}
            assert sum(amounts.get(number, Decimal(0)) for amounts in parts.values()) >= total > 0


def test_variants_are_every_combination_each_by_itself(shop: Shop, draft: Path) -> None:
    sets = ["tiers.levels[0].rate=1,2", "tiers.method=incremental,retrospective"]
    made = simulate.simulate(shop.settings, [draft], None, sets)
    totals = {number: made.results.totals["LADDER", number].payout for number in made.labels}
    assert list(totals) == [0, 1, 2, 3, 4]
    assert totals[1] == totals[0]
    assert totals[3] > totals[1]
    for number, rate, method in ((2, "1", "retrospective"), (3, "2", "incremental"), (4, "2", "retrospective")):
        levels = [{**LEVELS[0], "rate": rate}, *LEVELS[1:]]
        tree = ladder(tiers={"method": method, "levels": levels})
        draft.write_text(yaml.safe_dump(tree))
        alone = simulate.simulate(shop.settings, [draft], None, [])
        assert alone.results.totals["LADDER", 1].payout == totals[number]


def test_variants_in_several_passes_are_those_of_one(shop: Shop, draft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = ["tiers.levels[0].rate=1,2,3"]
    together_ = simulate.simulate(shop.settings, [draft], None, sets).results
    monkeypatch.setattr("orchestration.simulation.results.ROWS_PER_PASS", 1)
    assert simulate.simulate(shop.settings, [draft], None, sets).results == together_


def test_months_end_the_lines_and_stretch_the_validity(shop: Shop, draft: Path) -> None:
    first = simulate.simulate(shop.settings, [draft], "2023-01..2023-03", [])
    assert first.as_of == "2023-03-31"
    assert {month for _, month in first.results.months} <= {"2023-01", "2023-02", "2023-03"}
    year_before = simulate.simulate(shop.settings, [draft], "2022-01..2022-12", [])
    assert year_before.results.totals["LADDER", 1].payout > 0
    assert ("LADDER", 0) not in year_before.results.totals or not year_before.results.totals["LADDER", 0].payout
    assert any("as if it were valid then" in text for text in year_before.assumptions)
    with pytest.raises(SimulationError, match="the published lines span"):
        simulate.simulate(shop.settings, [draft], "2030-01", [])


def test_a_program_of_next_year_is_applied_to_the_last_twelve_months(shop: Shop, draft: Path) -> None:
    draft.write_text(yaml.safe_dump(ladder(id="NEXT", valid=("2025-01-01", "2025-12-31"))))
    made = simulate.simulate(shop.settings, [draft], None, [])
    assert dict(made.facts)["Months"] == "2023-01 to 2023-12"
    assert made.results.totals["NEXT", 1].payout == payout_of(shop, "LADDER@1")
    assert list(made.labels) == [1]
    assert any("nothing to compare with" in text for text in made.assumptions)


def test_a_stacked_program_is_simulated_with_its_group(shop: Shop, draft: Path) -> None:
    draft.write_text(yaml.safe_dump(stacked("THIRD", 30, "2")))
    made = simulate.simulate(shop.settings, [draft], None, ["stacking.order=30,5"])
    totals = {key: total.payout for key, total in made.results.totals.items()}
    assert totals["THIRD", 0] == totals["THIRD", 1] == payout_of(shop, "THIRD@1")
    assert totals["FIRST", 1] == payout_of(shop, "FIRST@1")
    assert totals["THIRD", 2] > totals["THIRD", 1]
    assert totals["FIRST", 2] < totals["FIRST", 1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tiers": {"method": "rising", "rate_kind": "percent", "levels": LEVELS}}, "tiers.method: expected"),
        ({"legal_entity": "XX99"}, "unknown legal entity XX99"),
        ({"stacking": {"group": "chain", "rule": "priority", "order": 1}}, "programs of a group share stacking.rule"),
    ],
)
def test_a_bad_document_is_refused_with_its_reasons(shop: Shop, draft: Path, change: dict[str, Any], said: str) -> None:
    draft.write_text(yaml.safe_dump({**ladder(), **change}))
    with pytest.raises(simulate.RefusedDocumentsError) as error:
        simulate.simulate(shop.settings, [draft], None, [])
    assert said in str(error.value)
    assert "ladder-2.yml" in str(error.value)


def test_a_bad_variant_is_named(shop: Shop, draft: Path) -> None:
    with pytest.raises(simulate.RefusedDocumentsError, match=r"with tiers\.levels\[0\]\.rate=x"):
        simulate.simulate(shop.settings, [draft], None, ["tiers.levels[0].rate=1,x"])
    with pytest.raises(SimulationError, match="names OTHER; the documents given are of LADDER"):
        simulate.simulate(shop.settings, [draft], None, ["OTHER:budget=1"])


def test_workbook_and_page_show_the_same_figures_in_the_same_bytes(shop: Shop, draft: Path, tmp_path: Path) -> None:
    made = simulate.simulate(shop.settings, [draft], None, ["tiers.levels[0].rate=1,2"])
    paths = simulate.write(made, tmp_path / "one")
    again = simulate.write(
        simulate.simulate(shop.settings, [draft], None, ["tiers.levels[0].rate=1,2"]), tmp_path / "two"
    )
    assert [path.name for path in paths] == ["ladder-simulation.xlsx", "ladder-simulation.html"]
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    assert sorted(path.name for path in paths[0].parent.iterdir()) == sorted(path.name for path in paths)
    book = openpyxl.load_workbook(paths[0], data_only=False)
    assert book.sheetnames == ["Summary", "By partner", "By tier", "By segment", "By month", "Assumptions"]
    payouts = [row[2] for row in book["Summary"].iter_rows(min_row=5, max_row=7, values_only=True)]
    assert payouts == [float(made.results.totals["LADDER", number].payout) for number in (0, 1, 2)]
    assert all(book[name]._charts for name in ("Summary", "By month"))
    text = paths[1].read_text()
    assert text.count("<svg") == 2
    assert "http" not in text.replace("http-equiv", "")
    assert f"{made.results.totals['LADDER', 2].payout:,.2f}" in text


def test_overlaps_are_the_lines_that_both_count(shop: Shop, draft: Path) -> None:
    found = simulate.overlap(shop.settings, draft, None)
    assert found.payout == payout_of(shop, "LADDER@1")
    first = next(pair for pair in found.pairs if pair.program_key == "FIRST@1")
    # both count every sell-in line of the year with a buyer
    assert first.lines == found.lines == found.shared_lines > 0
    assert (first.own_payout, first.other_payout) == (found.payout, payout_of(shop, "FIRST@1"))
    assert first.stands == "each pays in full"
    # as if every line of every other program were looked at
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate, "_needs_all_lines", lambda _: True)
        assert simulate.overlap(shop.settings, draft, None) == found
    assert not found.orders


def test_orders_of_a_net_of_group_are_every_place(shop: Shop, draft: Path) -> None:
    draft.write_text(yaml.safe_dump(stacked("SECOND", 20, "3")))
    found = simulate.overlap(shop.settings, draft, None)
    assert [order.names for order in found.orders] == [
        ("FIRST", "SECOND", "THIRD"),
        ("SECOND", "FIRST", "THIRD"),
        ("FIRST", "THIRD", "SECOND"),
    ]
    declared, at_first, at_last = (dict(zip(order.names, order.payouts, strict=True)) for order in found.orders)
    assert declared["SECOND"] == found.payout
    assert declared["FIRST"] == payout_of(shop, "FIRST@1")
    assert at_first["SECOND"] > declared["SECOND"] > at_last["SECOND"]
    assert at_last["THIRD"] == payout_of(shop, "THIRD@1") > declared["THIRD"]
    pair = next(pair for pair in found.pairs if pair.program_key == "FIRST@1")
    assert (pair.stands, pair.other_payout) == ("net_of in group chain", declared["FIRST"])
    assert isinstance(found, overlaps.Overlaps)


def test_the_commands_print_what_was_found(shop: Shop, draft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.program_commands.settings_of_environment", lambda: shop.settings)
    done = CliRunner().invoke(main, ["simulate", str(draft), "--set", "tiers.levels[0].rate=1,2"])
    assert done.exit_code == 0, done.output
    assert "Simulation of LADDER@2" in done.output
    assert "variant 2" in done.output
    done = CliRunner().invoke(main, ["programs", "overlaps", str(draft)])
    assert done.exit_code == 0, done.output
    assert "FIRST@1" in done.output
    done = CliRunner().invoke(main, ["simulate", str(draft), "--set", "tiers.levels[0]"])
    assert (done.exit_code, "expected PATH=VALUE" in done.output) == (2, True)
    draft.write_text("id: LADDER\n")
    done = CliRunner().invoke(main, ["simulate", str(draft)])
    assert (done.exit_code, "is required" in done.output) == (1, True)


def test_without_a_snapshot_the_command_says_so(settings: Settings, draft: Path) -> None:
    with pytest.raises(SimulationError, match="`rebates run` publishes one"):
        simulate.simulate(settings, [draft], None, [])


def test_the_screen_shows_the_first_the_least_and_the_most(shop: Shop, draft: Path) -> None:
    made = simulate.simulate(shop.settings, [draft], None, ["tiers.levels[0].rate=3,1,2,5,4,6"])
    assert simulate._shown(made) == [0, 1, 2, 6]
    assert [column.title for column in report.cuts(made, [0, 1])["month"].columns] == [
        "month",
        "current",
        "variant 1",
        "difference",
    ]


def test_history_is_that_of_the_lines_and_the_run(shop: Shop) -> None:
    with engine.database(shop.settings) as connection:
        found = published.history(connection, shop.published)
    assert found == History(date(found.first.year, found.first.month, 1), world.AS_OF)
    assert found.first <= date(2022, 1, 1)
