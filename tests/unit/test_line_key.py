"""Different lines have different keys, and there is one way to write a key."""

from __future__ import annotations

import itertools

import duckdb

from orchestration.contract import LINE_KEY
from orchestration.settings import REPOSITORY


def test_different_lines_never_share_a_key() -> None:
    numbers = ["".join(each) for length in (1, 2, 3) for each in itertools.product("a|%7C2", repeat=length)]
    numbers = [each for each in numbers if len(each) < 3 or each[0] in "|%"] + ["a%7Cb", "%25", "%257C"]
    with duckdb.connect() as connection:
        connection.execute("create table number (name varchar)")
        connection.executemany("insert into number values (?)", [(each,) for each in dict.fromkeys(numbers)])
        [(lines, keys)] = connection.execute(
            f"""select count(*), count(distinct {LINE_KEY})
                from (select 's' as source, d.name as document_number, l.name as line_number from number d, number l)"""
        ).fetchall()
    assert lines == keys == len(set(numbers)) ** 2


def test_plain_numbers_are_joined_by_bars() -> None:
    with duckdb.connect() as connection:
        sql = f"select {LINE_KEY} from (select 'erp' as source, '4711' as document_number, '10' as line_number)"
        assert connection.execute(sql).fetchall() == [("erp|4711|10",)]


def test_the_models_write_it_the_same_way() -> None:
    model = (REPOSITORY / "dbt_project" / "models" / "staging" / "stg_line.sql").read_text()
    assert f"{LINE_KEY} as line_key," in model
