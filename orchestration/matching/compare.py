"""Which end customers a spelling may mean: candidates by shared marks, and a score for each pair.

What belongs here: marks, scores and the choice between candidates. What does not: where spellings and end customers
come from, and what decides before any score does (identify.py); weights and thresholds (rules.py, data).

Nothing is compared with everything: a spelling is compared with the end customers that share a mark with it (a word,
the consonants of a word, the beginnings of two words, of the joined name, of a word in its city or postal code), most
rare marks first, at most ``pairs_per_spelling`` of them. Scores are whole hundredths, so that no order of sums matters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.matching.rules import Rules

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

CHUNK = 20_000
"""Spellings that are compared at a time: memory stays bounded whatever their number."""

STREET_AGREES = 9_000
"""Likeness of two streets, in hundredths, from which they count as the same."""


def score(connection: duckdb.DuckDBPyConnection, rules: Rules, say: Callable[[str], None]) -> None:
    """Make table ``scored``: for each spelling of ``open_spelling`` its candidates, best first.

    Reads ``spelling`` and ``customer`` (id, plain, sorted, words, numbers, street, city, country, postal_code; texts
    normalised) and ``open_spelling`` (id). Columns: spelling, customer, score (hundredths, at least review_at),
    by_address (an address could be compared), place (1 is the best), chosen (of place 1: whether it is beyond doubt).
    """
    connection.execute("""
        create or replace temp table scored_pair (
            spelling integer, customer integer, score integer, by_address boolean, street integer, postal_code integer,
            same_numbers boolean
        )
    """)
    _marks(connection, "customer", "customer", rules)
    _marks(connection, "spelling", "spelling where id in (from open_spelling)", rules)
    names = {table: _names(connection, table) for table in ("spelling", "customer")}
    [(count, last)] = connection.execute("select count(*), coalesce(max(id), 0) from open_spelling").fetchall()
    if count:
        say(f"comparing {count:,} spellings with {len(names['customer']['plain']):,} end customers")
    for first in range(1, last + 1, CHUNK):
        _score_chunk(connection, rules, names, first)
    _choose(connection, rules)


def _marks(connection: duckdb.DuckDBPyConnection, table: str, rows: str, rules: Rules) -> None:
    """Make table ``<table>_mark`` (mark, id): marks of end customers that are not too common, and of spellings."""
    common = "" if table == "spelling" else f"qualify count(*) over (partition by mark) <= {rules['block_limit']}"
    connection.execute(f"""
        create or replace temp table {table}_mark as
        with named as (select id, words, postal_code, city, sorted, replace(plain, ' ', '') as joined from {rows}),
        apart as (
            select id, word, left(word, 3) as start, place, postal_code, city from (
                select id, unnest(words) as word, generate_subscripts(words, 1) as place, postal_code, city from named
            )
        ),
        marks as (
            select id, 'w' || word as mark from apart where length(word) >= 4
            union
            select id, 'v' || regexp_replace(word, '[aeiouy]', '', 'g') from apart
            where length(regexp_replace(word, '[aeiouy]', '', 'g')) >= 3
            union
            select a.id, 'p' || least(a.start, b.start) || ' ' || greatest(a.start, b.start)
            from apart as a join apart as b on a.id = b.id and a.place < b.place
            union
            select id, 'z' || left(postal_code, 5) || ' ' || left(word, 2) from apart where postal_code is not null
            union
            select id, 'c' || city || ' ' || left(word, 3) from apart where city is not null
            union
            select id, 'j' || left(joined, 6) from named
            union
            select id, 'e' || right(joined, 6) from named
            union
            select id, 'n' || sorted from named
        )
        select mark, id from marks {common}
    """)


def _names(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, Any]:
    """Names and addresses of a table as arrays of texts; the place in them is the id."""
    import numpy as np

    rows = connection.execute(f"select id, plain, sorted, street, city from {table} order by id").to_arrow_table()
    size = int(rows["id"][-1].as_py()) + 1 if rows.num_rows else 1
    found = {}
    for name in ("plain", "sorted", "street", "city"):
        values = np.full(size, None, dtype=object)
        values[rows["id"].to_numpy()] = rows[name].to_pylist()
        found[name] = values
    return found


def _score_chunk(
    connection: duckdb.DuckDBPyConnection, rules: Rules, names: dict[str, dict[str, Any]], first: int
) -> None:
    """Compare the open spellings from id ``first`` on, CHUNK of them; insert into ``scored_pair``."""
    import pyarrow as pa

    pairs = connection.execute(f"""
        with weight as (
            select mark, cast(1000000 // count(*) as bigint) as weight from customer_mark group by mark
        ),
        shared as (
            select s.id as spelling, c.id as customer, sum(w.weight) as weight
            from spelling_mark as s join customer_mark as c using (mark) join weight as w using (mark)
            where s.id between {first} and {first + CHUNK - 1}
            group by 1, 2
        )
        select spelling, customer
        from shared
        join spelling as s on s.id = spelling
        join customer as c on c.id = customer
        where s.country is null or c.country is null or s.country = c.country
        qualify row_number() over (partition by spelling order by weight desc, customer)
            <= {rules["pairs_per_spelling"]}
        order by spelling, customer
    """).to_arrow_table()
    if not pairs.num_rows:
        return
    spelling, customer = pairs["spelling"].to_numpy(), pairs["customer"].to_numpy()
    name = _name_scores(rules, names, spelling, customer)
    weights = {part: rules[f"{part}_weight"] for part in ("name", "street", "postal_code", "city")}
    # a pair that full agreement of the addresses could not lift to review is out
    lowest = (
        100 * rules["review_at"] * sum(weights.values()) - 10_000 * (sum(weights.values()) - weights["name"])
    ) // (weights["name"])
    kept = name >= lowest
    spelling, customer, name = spelling[kept], customer[kept], name[kept]
    parts = {
        part: _part_scores(names["spelling"][part][spelling], names["customer"][part][customer])
        for part in ("street", "city")
    }
    compared: pa.Table = pa.table({"spelling": spelling, "customer": customer, "name": name, **parts})
    connection.register("compared", compared)
    sums = " + ".join(f"case when {part} is null then 0 else {weights[part]} * {part} end" for part in weights)
    total = " + ".join(f"case when {part} is null then 0 else {weights[part]} end" for part in weights)
    connection.execute(f"""
        insert into scored_pair
        with pair as (
            select
                p.spelling, p.customer, p.name, nullif(p.street, -1) as street, nullif(p.city, -1) as city,
                case
                    when s.postal_code is null or c.postal_code is null then null
                    when starts_with(s.postal_code, c.postal_code) or starts_with(c.postal_code, s.postal_code)
                        then 10000 else 0
                end as postal_code,
                s.numbers is not distinct from c.numbers as same_numbers,
                case when s.numbers <> c.numbers then {100 * rules["numbers_cost"]} else 0 end as cost
            from compared as p join spelling as s on s.id = p.spelling join customer as c on c.id = p.customer
        )
        select
            spelling, customer, ({sums}) // ({total}) - cost as score,
            coalesce(street, city, postal_code) is not null as by_address, street, postal_code, same_numbers
        from pair
        where ({sums}) // ({total}) - cost >= {100 * rules["review_at"]}
    """)
    connection.unregister("compared")


def _name_scores(
    rules: Rules, names: dict[str, dict[str, Any]], spelling: np.ndarray, customer: np.ndarray
) -> np.ndarray:
    """Likeness of names in hundredths: words in order or sorted, or, worth less, one name as a part of the other."""
    import numpy as np
    from rapidfuzz import fuzz

    def compare(scorer: Any, column: str, which: Any) -> np.ndarray:
        return _likeness(scorer, names["spelling"][column][spelling[which]], names["customer"][column][customer[which]])

    everything = slice(None)
    best = np.maximum(compare(fuzz.ratio, "plain", everything), compare(fuzz.ratio, "sorted", everything))
    below = np.flatnonzero(best < 100 * rules["subset_worth"])
    part = compare(fuzz.token_set_ratio, "plain", below) * rules["subset_worth"] // 100
    best[below] = np.maximum(best[below], part)
    return best


def _part_scores(theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """Likeness of two texts in hundredths; -1 where one is missing."""
    import numpy as np
    from rapidfuzz import fuzz

    found = np.full(len(theirs), -1, dtype=np.int64)
    both = np.flatnonzero((theirs != None) & (ours != None))  # noqa: E711 - element by element
    found[both] = _likeness(fuzz.ratio, theirs[both], ours[both])
    return found


def _likeness(scorer: Any, theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """Whole hundredths of a point for each pair."""
    import numpy as np
    from rapidfuzz import process

    if not len(theirs):
        return np.zeros(0, dtype=np.int64)
    return np.rint(process.cpdist(theirs, ours, scorer=scorer, dtype=np.float64) * 100).astype(np.int64)


def _choose(connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    """Make ``scored`` from ``scored_pair``: places, and whether the best one is beyond doubt.

    It is when its score reaches the threshold, the second is far enough behind, both names have the same numbers, and
    every word has its counterpart in the other name (or only one name has words left over, and street and postal code
    agree).
    """
    connection.execute(f"""
        create or replace temp table scored as
        with placed as (
            select
                *,
                row_number() over (partition by spelling order by score desc, customer) as place,
                score - coalesce(lead(score) over (partition by spelling order by score desc, customer), 0) as ahead
            from scored_pair
        ),
        high as (
            select
                p.spelling, p.customer, s.plain as theirs, c.plain as ours, s.words as their_words,
                c.words as our_words
            from placed as p join spelling as s on s.id = p.spelling join customer as c on c.id = p.customer
            where p.place = 1 and p.same_numbers and p.ahead >= {100 * rules["lead_over_next"]}
            and p.score >= case when p.by_address then {100 * rules["identified_at"]}
                else {100 * rules["identified_at_by_name"]} end
        ),
        their as (select *, unnest(their_words) as word, generate_subscripts(their_words, 1) as place from high),
        our as (select *, unnest(our_words) as word, generate_subscripts(our_words, 1) as place from high),
        words as (
            select
                t.spelling, t.place as their_place, o.place as our_place,
                100 - 100 * levenshtein(t.word, o.word) // greatest(length(t.word), length(o.word)) as likeness
            from their as t join our as o using (spelling)
        ),
        their_left as (
            select spelling, sum(missing) as missing from (
                select spelling, case when max(likeness) < {rules["word_at"]} then 1 else 0 end as missing
                from words group by spelling, their_place
            ) group by spelling
        ),
        our_left as (
            select spelling, sum(missing) as missing from (
                select spelling, case when max(likeness) < {rules["word_at"]} then 1 else 0 end as missing
                from words group by spelling, our_place
            ) group by spelling
        ),
        certain as (
            select
                h.spelling, h.customer, replace(h.theirs, ' ', '') = replace(h.ours, ' ', '') as same_letters,
                t.missing + o.missing = 0 as same_words, least(t.missing, o.missing) = 0 as one_holds_the_other
            from high as h join their_left as t using (spelling) join our_left as o using (spelling)
        )
        select
            p.spelling, p.customer, p.score, p.by_address, p.place,
            coalesce(
                c.same_letters or c.same_words
                or (c.one_holds_the_other and p.street >= {STREET_AGREES} and p.postal_code = 10000), false
            ) as chosen
        from placed as p left join certain as c on c.spelling = p.spelling and c.customer = p.customer
        where p.place <= {rules["candidates"]}
    """)
