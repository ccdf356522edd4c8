"""The benchmarks' made-up company, programs, hand-written scripts and watch."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks import catalogue, company, hand, scale
from benchmarks.measured import Measured, measure
from orchestration import contract
from orchestration.settings import Settings

pytestmark = pytest.mark.slow  # lines by the hundred thousand, and the scripts that sum them

LINES = 20_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(data=tmp_path_factory.mktemp("company"), memory_limit="1GB")
    company.generate(settings, company.Size(LINES))
    return catalogue.write(settings, LINES)


def rows(settings: Settings, sql: str) -> list[Any]:
    with duckdb.connect() as connection:
        return connection.execute(sql.replace("@lines", f"'{settings.accepted}/line/*.parquet'")).fetchall()


def digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


def test_same_size_gives_same_bytes_whatever_the_threads(tmp_path: Path) -> None:
    made = [
        Settings(data=tmp_path / name, memory_limit="1GB", threads=threads) for name, threads in (("a", 1), ("b", 2))
    ]
    for settings in made:
        company.generate(settings, company.Size(3000))
    first, second = (digest(settings.data) for settings in made)
    assert first == second
    assert len(first) > 100


@pytest.mark.parametrize("lines", [1, 999, 123_457, 10_000_000])
def test_files_add_up_and_line_numbers_are_used_once(lines: int) -> None:
    files = [file for file in company.files(company.Size(lines)) if not file.correction]
    assert sum(file.lines for file in files) == lines
    assert all(one.first + one.lines == next_.first for one, next_ in pairwise(files))


def test_files_hold_the_columns_of_the_contract(made: Settings) -> None:
    described = rows(made, "describe select * from read_parquet(@lines)")
    assert [(row[0], row[1]) for row in described] == [
        (column.name, column.type) for column in contract.accepted_columns(contract.LINE)
    ]
    assert {path.name for path in made.accepted.iterdir()} == set(contract.ENTITIES)


def test_corrections_come_again_in_newer_files(made: Settings) -> None:
    found = rows(
        made,
        """select versions, count(*), min(newest - oldest) from (
               select count(*) as versions, max(file_sequence) as newest, min(file_sequence) as oldest
               from read_parquet(@lines) group by source, document_number, line_number)
           group by 1 order by 1""",
    )
    again = LINES // company.CORRECTED
    assert [row[:2] for row in found] == [(1, LINES - again), (2, again)]
    assert found[1][2] > 0


def test_few_partners_are_large_and_many_small(made: Settings) -> None:
    sold = [
        row[0]
        for row in rows(
            made,
            "select count(*) from read_parquet(@lines) where stream = 'sell_in' group by sold_to_id order by 1 desc",
        )
    ]
    assert len(sold) > 500
    assert sum(sold[:20]) > 0.25 * sum(sold)
    assert sold[0] > 50 * sold[len(sold) // 2]


def test_lines_hold_what_programs_have_to_cope_with(made: Settings) -> None:
    [shares] = rows(
        made,
        """select avg((stream = 'sell_in')::int), avg((quantity < 0)::int), avg((currency = 'CAD')::int),
                  avg((verdict = 'held')::int), count(*) filter (record_intent = 'cancellation'),
                  count(*) filter ((quantity < 0) <> (document_type = 'return')),
                  count(*) filter (year(document_date) <> 2017) from read_parquet(@lines)""",
    )
    assert 0.65 < shares[0] < 0.75
    assert 0.02 < shares[1] < 0.05
    assert 0.05 < shares[2] < 0.2
    assert 0.002 < shares[3] < 0.01
    assert shares[4] > 0
    assert shares[5:] == (0, 0)


def test_late_file_is_one_distributors_month_of_new_documents(made: Settings, tmp_path: Path) -> None:
    settings = replace(made, data=tmp_path / "late")
    company.generate(settings, company.Size(3000))
    newest = rows(settings, "select max(file_sequence) from read_parquet(@lines)")[0][0]
    assert company.late_file(settings, 500) == 500
    late = rows(
        settings,
        f"""select count(*), min(month(document_date)), max(month(document_date)), count(distinct distributor_id),
                   count(distinct (source, document_number, line_number))
            from read_parquet(@lines) where file_sequence > {newest}""",
    )
    assert late == [(500, company.LATE_MONTH, company.LATE_MONTH, 1, 500)]
    assert rows(
        settings, "select count(distinct (source, document_number, line_number)) from read_parquet(@lines)"
    ) == [(3500,)]


def test_a_hundred_programs_of_every_method() -> None:
    documents = catalogue.documents(LINES)
    assert len({document["id"] for document in documents}) == 100
    methods = Counter(document["tiers"]["method"] for document in documents)
    assert set(methods) == {
        *("retrospective", "incremental", "rolling", "total", "linear", "whole_increment", "lump_sum"),
    }
    assert {document["basis"]["kind"] for document in documents} == {"amount", "quantity", "growth", "attainment"}
    assert {document.get("growth_payout", "all") for document in documents} == {"all", "on_growth", "marginal_growth"}


def payouts(settings: Settings, name: str) -> list[Any]:
    return rows(settings, f"select * from '{hand.result_path(settings, name)}' order by all")


def test_both_scripts_pay_the_same(made: Settings) -> None:
    for variant in hand.VARIANTS:
        hand.run_duckdb(made, variant)
    first, second = (payouts(made, variant) for variant in hand.VARIANTS)
    assert first == second
    assert len({row[0] for row in first if row[3] != 0}) == 100


def test_a_payout_recomputed_by_hand(made: Settings) -> None:
    """The first program: 80 % / 20 % payees aside, all of a reseller's amount at the rate of the tier reached."""
    [document] = [each for each in catalogue.documents(LINES) if each["id"] == "BENCH-001"]
    assert document["tiers"]["method"] == "retrospective"
    categories = ", ".join(f"'{name}'" for name in document["lines"]["products"]["categories"])
    cases = " ".join(
        f"when sum(amount) >= {level['from']} then sum(amount) * {level['rate']} / 100"
        for level in reversed(document["tiers"]["levels"])
    )
    accepted = f"{made.accepted}"
    expected = rows(
        made,
        f"""with newest as (
                select * from read_parquet(@lines) where stream = 'sell_in'
                qualify row_number() over (partition by document_number, line_number order by file_sequence desc) = 1),
            amounts as (
                select l.sold_to_id, quarter(l.document_date) as quarter,
                    cast(l.net_amount * case l.currency when 'CAD' then (
                        select max_by(f.rate, f.rate_date) from read_parquet('{accepted}/fx_rate/*.parquet') as f
                        where f.from_currency = 'CAD' and f.rate_date <= l.document_date
                    ) else 1 end as decimal(30, 6)) as amount
                from newest as l
                join read_parquet('{accepted}/product/*.parquet') as p
                    on l.product_id = p.product_id and p.category in ({categories})
                join read_parquet('{accepted}/partner/*.parquet') as b
                    on l.sold_to_id = b.partner_id and b.partner_type = 'reseller')
            select sold_to_id, '2017-Q' || quarter, case {cases} else 0 end
            from amounts group by sold_to_id, quarter order by all""",
    )
    hand.run_duckdb(made, "sums_first")
    got = [row[1:] for row in payouts(made, "sums_first") if row[0] == "BENCH-001@1"]
    assert [row[:2] for row in got] == [row[:2] for row in expected]
    assert all(abs(float(one[2]) - float(two[2])) <= 0.0051 for one, two in zip(got, expected, strict=True))
    assert any(row[2] > 0 for row in got)


def test_unknown_variant_is_refused(made: Settings) -> None:
    with pytest.raises(ValueError, match="expected one of one_pass, sums_first"):
        hand.run_duckdb(made, "fastest")


def test_pandas_pays_the_same(made: Settings) -> None:
    hand.run_duckdb(made, "sums_first")
    hand.run_pandas(made)
    assert payouts(made, "pandas") == payouts(made, "sums_first")


def test_memory_of_grandchildren_counts(tmp_path: Path) -> None:
    inner = "import time; kept = bytearray(300 * 2**20); time.sleep(1)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}], check=True)"
    measured = measure("memory", ["-c", outer], tmp_path / "log")
    assert measured.peak > 300 * 2**20
    assert measured.seconds >= 1


def test_a_failing_child_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no such thing"):
        measure("failing", ["-c", "raise SystemExit('no such thing')"], tmp_path / "log")


def test_phases_split_at_the_payout() -> None:
    def node(name: str, *parents: str) -> scale.Node:
        return scale.Node(name, parents, 0, 1)

    line, share = "model.rebates.int_line", "model.rebates.int_line_share"
    found = [
        node(line),
        node(scale.PAYOUT, line),
        node(share, scale.PAYOUT, line),
        node("test.rebates.of_line", line),
        node("test.rebates.tie", line, share),
    ]
    assert scale.until_payout(found) == {line, scale.PAYOUT, "test.rebates.of_line"}


def test_growth_is_the_exponent(capsys: pytest.CaptureFixture[str]) -> None:
    def took(seconds: float) -> Measured:
        return Measured("dbt", seconds, seconds, 1, 0)

    scale.print_growth([(1000, took(3)), (10_000, took(30)), (100_000, took(3000))])
    printed = capsys.readouterr().out
    assert [line.rpartition(" ")[2] for line in printed.splitlines()] == ["1.000", "2.000", "1.500"]


def test_a_folder_with_other_things_is_left_alone(settings: Settings) -> None:
    settings.data.mkdir(parents=True)
    (settings.data / "precious").write_text("x")
    with pytest.raises(ValueError, match="holds something else"):
        scale.generate(settings, 1000)
    assert (settings.data / "precious").exists()
