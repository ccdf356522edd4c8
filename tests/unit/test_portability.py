"""What only DuckDB understands stands in dispatched macros, and the lint sees it where it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.settings import Settings
from orchestration.transform import portability
from orchestration.transform.portability import Finding, Renderer, findings, in_rendered, in_text, in_types, plain


def test_the_project_holds_nothing_that_only_duckdb_understands(settings: Settings) -> None:
    assert [str(each) for each in findings(settings)] == []


@pytest.mark.parametrize(
    "sql",
    [
        "select a::integer from t",
        "select a // b from t",
        "select list_transform(a, x -> x + 1) from t",
        "select [a, b] from t",
        "select a[1] from t",
        "select {'a': 1} from t",
        'select "a" from t',
        "select a from t;",
        "select a from t where a == 1",
        "select a from t where a ~ 'x'",
        "select a from t qualify row_number() over (order by a) = 1",
        "select a, count(*) from t group by all",
        "select a from t order by all",
        "select a from t union all by name select a from u",
        "select * exclude (a) from t",
        "select * replace (1 as a) from t",
        "select columns('a.*') from t",
        "select distinct on (a) b from t",
        "select count(*) filter (where a > 1) from t",
        "select listagg(a) within group (order by b) from t",
        "select a + interval 1 day from t",
        "select a from t where a ilike 'x'",
        "select a from t asof join u on t.a >= u.a",
        "select a from t semi join u on t.a = u.a",
        "select a from t, lateral (select 1)",
        "pivot t on a using sum(b)",
        "create macro f(x) as x + 1",
        "with recursive r as (select 1) select 1 from r",
        "select current_date from t",
        "select try_cast(a as date) from t",
        "from t select a",
        "select a from (from t)",
        "select a from 'file.parquet'",
        "select a from read_parquet('file.parquet')",
        "select cast(a as varchar) from t",
        "select cast(a as varchar(4)) from t",
        "select cast(a as text) from t",
        "select cast(a as hugeint) from t",
        "select cast(a as double) from t",
        "select string_agg(a, ',') from t",
        "select strftime(a, '%Y') from t",
        "select any_value(a), first(b) from t",
        "select arg_max(a, b) from t",
        "select unnest(a) from t",
        "select a from generate_series(1, 2) as g",
    ],
)
def test_each_thing_is_seen_with_its_line(sql: str) -> None:
    found = list(in_text("models/x.sql", f'-- a comment; with "quotes" and a::cast\n\n{sql}\n'))
    assert found, sql
    assert {each.line for each in found} == {3}


def test_what_every_engine_understands_passes() -> None:
    sql = """
    {{ config(tags=['a']) }}
    -- it's [a] comment::with; everything
    with a as (select x.b, max_by(x.c, x.d) as c from {{ ref('t') }} as x group by 1),
    b as {{ share('a', ["x"]) }}
    select
        cast(b as decimal(38, 12)) as b, {{ joined("a", ";") }} as names, '[;]::"' as odd, c in ('a', 'b') as is_a,
        row_number() over (partition by b order by c desc) as place,
        trim(trailing '0' from c) as short,
        case when position('|' in c) > 0 then 1 end as found
    from a
    where exists (select 1 from b) and (b is not distinct from c or not (b > 1)) {# a::comment #}
    """
    assert list(in_text("models/x.sql", sql)) == []


def test_dispatched_macros_hold_what_they_like_and_others_do_not() -> None:
    text = "{% macro duckdb__f(x) %}{{ x }}::date{% endmacro %}\n{% macro g(x) -%}\n{{ x }}::date\n{%- endmacro %}\n"
    assert [(each.line, each.text) for each in in_text("macros/x.sql", text)] == [(3, "::")]
    assert [each.line for each in in_text("models/x.sql", text)] == [1, 3]


def test_lines_stay_where_they_are() -> None:
    text = "select {{ a(\n'x',\n'y') }},\n'two\nlines' /* and\nmore */ as b"
    assert plain(text).count("\n") == text.count("\n")
    assert plain(text).split() == ["select", "jinja", ",", "''", "as", "b"]


def test_types_of_yaml() -> None:
    text = "- name: a\n  data_type: varchar\n- name: b\n  data_type: string\n  column_types: {a: date, b: varchar}\n"
    assert [(each.line, each.text) for each in in_types("x.yml", text)] == [(2, "varchar"), (5, "varchar")]


# --- rendered -------------------------------------------------------------------------------

MACROS = """
{% macro day(x) %}{{ return(adapter.dispatch('day', 'rebates')(x)) }}{% endmacro %}
{% macro duckdb__day(x) %}{{ x }}::date{% endmacro %}
{% macro default__day(x) %}cast({{ x }} as date){% endmacro %}
{% macro _own(x) %}({{ day(x) }}){% endmacro %}
"""


def test_models_are_rendered_with_the_macros_of_every_engine() -> None:
    render = Renderer([MACROS])
    text = "{{ config(tags=['a']) }}select {{ _own('a.b') }} from {{ ref('t') }} join {{ source('s', 'u') }} on true"
    assert render("models/x.sql", text) == "select (cast(a.b as date)) from t join s_u on true"
    test = (
        "{% test filled(model, columns, nullable=[]) %}select {{ columns | join(', ') }} from {{ model }}{% endtest %}"
    )
    assert render("tests/generic/filled.sql", test) == "select a_column, b_column from a_model"


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select a_of(b) from t", "not known as a function of every engine"),
        ("select cast(a as float) from t", "a binary float: figures are exact"),
        ("select cast(a as varchar(3)) from t", "varchar with a length: write the macro text"),
        ("select cast(a as timestamp) from t", "a type that not every engine has"),
        ("select from where", "Spark does not parse it"),
        ("select a::date from t", "`::`: write cast(… as …)"),
    ],
)
def test_what_jinja_hides_is_seen_when_it_is_rendered(sql: str, reason: str) -> None:
    assert reason in {each.reason for each in in_rendered("models/x.sql", sql)}
    assert list(in_rendered("models/x.sql", "select cast(a as string), transform(b, x -> x) from t")) == []


# --- the whole project ----------------------------------------------------------------------


@pytest.fixture
def project(settings: Settings) -> Settings:
    """A project of one model, in which all is well."""
    root = settings.data / "dbt_project"
    (root / "macros").mkdir(parents=True)
    (root / "models").mkdir()
    reference = settings.data / "reference"
    reference.mkdir()
    (root / "macros" / "m.sql").write_text(MACROS)
    (root / "models" / "a.sql").write_text("select {{ day('b') }} as b from {{ ref('c') }}")
    (reference / "_seeds.yml").write_text("column_types: {a: string}\n")
    return replace(settings, dbt_project=root, reference=reference)


def test_a_project_is_read_whole(project: Settings) -> None:
    assert findings(project) == []
    (project.dbt_project / "models" / "a.sql").write_text(
        "select\n    {{ day('b::integer') }} as b,\n    c::integer as c\nfrom t"
    )
    (project.dbt_project / "models" / "b.sql").write_text("select {{ day('b // 2') }} as b from t")
    (project.reference / "_seeds.yml").write_text("column_types: {a: varchar}\n")
    assert [str(each) for each in findings(project)] == [
        "models/a.sql:3: ::: `::`: write cast(… as …)",
        "models/b.sql:rendered: //: `//`: write the macro quotient",
        "reference/_seeds.yml:1: varchar: write string (texts), or a type that Spark has",
    ]


def test_a_macro_that_returns_a_list_gives_the_list(project: Settings) -> None:
    (project.dbt_project / "macros" / "l.sql").write_text(
        "{% macro keys() -%}\n{{ return(['a', 'b']) }}\n{%- endmacro %}"
    )
    model = project.dbt_project / "models" / "a.sql"
    model.write_text("select {% for each in keys() %}{{ each }}, {% endfor %}{{ day('c') }} as c from {{ ref('c') }}")
    assert findings(project) == []
    model.write_text("select {{ keys() | join(' // ') }} as c from {{ ref('c') }}")
    assert [each.text for each in findings(project)] == ["//"]


def test_a_dispatched_macro_needs_both_variants(project: Settings) -> None:
    macros = project.dbt_project / "macros" / "m.sql"
    macros.write_text(MACROS.replace("duckdb__day", "duckdb__dya"))
    assert [(each.line, each.text, each.reason) for each in findings(project)] == [
        (2, "day", "is dispatched and has no macro duckdb__day"),
        (3, "duckdb__dya", "is never dispatched to"),
    ]


def test_the_program_fails_when_there_is_anything(
    project: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(portability, "findings", lambda settings: [Finding("a.sql", 3, "::", "no")])
    assert portability.main() == 1
    monkeypatch.setattr(portability, "findings", lambda settings: [])
    assert portability.main() == 0
    seen = capsys.readouterr()
    assert seen.err == "a.sql:3: ::: no\n"
    assert seen.out == "portability: 1 finding(s)\nportability: 0 finding(s)\n"


def test_a_materialization_for_duckdb_is_its_own_and_any_other_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.sql"
    path.write_text("{% materialization view, adapter='duckdb' %}\nqualify x\n{% endmaterialization %}\nqualify y\n")
    assert portability._without_materializations(path).split() == ["qualify", "y"]
    path.write_text("{% materialization view, default %}qualify x{% endmaterialization %}")
    assert "qualify x" in portability._without_materializations(path)
