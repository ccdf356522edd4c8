"""Names and addresses in one way of writing: SQL that folds letters, and tables of normalised words.

What belongs here: how a text is normalised. What does not: comparing (compare.py), the rules themselves (rules.py).

``folded`` is part of the key of a spelling, which people's answers hang on: it must never change. What may change
(words, legal forms, letters) is data and applied after it.
"""

from __future__ import annotations

import duckdb

from orchestration.matching.rules import FIELDS, Rules

MARK = "chr(1)"


def text(value: str) -> str:
    """An SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def folded(expression: str) -> str:
    """SQL: lower case, no accents, words of letters and digits between single blanks; initials as one word."""
    plain = f"lower(strip_accents({expression}))"
    plain = f"regexp_replace({plain}, '[''’`´]', '', 'g')"
    plain = f"regexp_replace({plain}, '[&+]', ' and ', 'g')"
    plain = f"trim(regexp_replace({plain}, '[^\\p{{L}}\\p{{N}}]+', ' ', 'g'))"
    # single letters in a row are initials: each is marked on both sides, and where two marks meet is nothing
    apart = f"' ' || replace({plain}, ' ', '  ') || ' '"
    marked = f"regexp_replace({apart}, ' (\\p{{L}}) ', {MARK} || '\\1' || {MARK}, 'g')"
    joined = f"replace(replace({marked}, {MARK} || {MARK}, ''), {MARK}, ' ')"
    return f"trim(regexp_replace({joined}, ' +', ' ', 'g'))"


def compact(expression: str) -> str:
    """SQL: letters and digits only, in capitals; null where there are none. For codes, tax ids, postal codes."""
    return f"nullif(regexp_replace(upper(strip_accents({expression})), '[^\\p{{L}}\\p{{N}}]+', '', 'g'), '')"


def prepare(connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    """Make temp tables word_rule (field, word, becomes) and phrase_rule, in normal letters."""
    values = [(word.field, word.word, word.becomes) for word in rules.words]
    connection.execute("create or replace temp table word_given (field varchar, word varchar, becomes varchar)")
    if values:
        connection.executemany("insert into word_given values (?, ?, ?)", values)
    connection.execute(f"""
        create or replace temp table word_rule as
        select field, {letters(folded("word"), rules)} as word, min({letters(folded("becomes"), rules)}) as becomes
        from word_given group by 1, 2
    """)


def letters(expression: str, rules: Rules) -> str:
    """SQL: a folded text with letters written in one way."""
    for find, becomes in rules.letters:
        expression = f"replace({expression}, {text(find)}, {text(becomes)})"
    return expression


def words(connection: duckdb.DuckDBPyConnection, rules: Rules, field: str, rows: str, table: str) -> None:
    """Make temp table ``table``: the normalised text of each different value of one field.

    ``rows``: SELECT of ``value``. Columns: value, words (list, in their order), plain and sorted (words in their and in
    alphabetical order, as one text), numbers (words with a digit, sorted; null without). A value without any word is
    left out; one of nothing but words that are dropped keeps them.
    """
    assert field in FIELDS, field
    phrases = connection.execute(
        "select word, becomes from word_rule where field = ? and contains(word, ' ') order by length(word) desc, word",
        [field],
    ).fetchall()
    whole = f"' ' || {letters(folded('value'), rules)} || ' '"
    for word, becomes in phrases:
        whole = f"replace({whole}, {text(f' {word} ')}, {text(f' {becomes} ')})"
    # step by step: in one statement the texts would be folded once for every reader
    for step, query in {
        "given": f"select distinct value from ({rows}) where value is not null",
        "plain": f"select row_number() over () as id, value, trim({whole}) as plain from words_given",
        "split": "select id, string_split(regexp_replace(plain, ' +', ' ', 'g'), ' ') as words from words_plain",
        "apart": "select id, unnest(words) as word, generate_subscripts(words, 1) as place from words_split",
        "listed": f"""
            select
                id, list(becomes order by place) filter (becomes <> '') as kept, list(word order by place) as written
            from (
                select a.id, a.place, a.word, coalesce(r.becomes, a.word) as becomes
                from words_apart as a left join word_rule as r on r.field = '{field}' and r.word = a.word
                where a.word <> ''
            ) group by id
        """,
        "chosen": """
            select p.value, coalesce(l.kept, l.written) as words
            from words_listed as l join words_plain as p using (id)
        """,
    }.items():
        connection.execute(f"create or replace temp table words_{step} as {query}")
    connection.execute(f"""
        create or replace temp table {table} as
        select
            value, words, array_to_string(words, ' ') as plain, array_to_string(list_sort(words), ' ') as sorted,
            nullif(array_to_string(list_sort(list_filter(words, lambda word: regexp_matches(word, '[0-9]'))), ' '), '')
                as numbers
        from words_chosen
    """)
