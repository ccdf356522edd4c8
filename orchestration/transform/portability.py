"""What in the dbt project only DuckDB understands: engine differences belong in dispatched macros, nowhere else.

What belongs here: reading the project's SQL for what Spark would refuse or read differently. What does not: running it.

Two readings of every model, test and macro. As written, for file and line: Jinja, comments and texts are left out, and
so are the bodies of dispatched macros (``duckdb__…``, ``default__…``). And rendered with the ``default__`` macros, as
Spark would be sent it: parsed as Spark's SQL, with its functions and types held against lists. A dispatched macro needs
both variants. Run as a program it prints what it finds and exits with 1 when there is anything.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.settings import Settings

ENGINE = "duckdb__"
PORTABLE = "default__"

SYNTAX: Mapping[str, str] = {
    r"::": "`::`: write cast(… as …)",
    r"//": "`//`: write the macro quotient",
    r"->": "an arrow (lambda, JSON)",
    r"[\[\]{}]": "a list, struct or slice",
    r"\"": "double quotes: Spark takes them for a text",
    r";": "a semicolon: dbt sends one statement",
    r"==": "`==`: write =",
    r"~": "a pattern operator",
    r"\$\d": "a parameter",
    r"\bqualify\b": "qualify: filter in a query around it",
    r"\b(?:group|order)\s+by\s+all\b": "by all: name the columns",
    r"\bby\s+name\b": "union by name: name the columns",
    r"\*\s*(?:exclude|except|replace|rename)\b": "a changed `*`: name the columns",
    r"\bcolumns\s*\(": "columns(): name them",
    r"\bdistinct\s+on\b": "distinct on: use row_number()",
    r"\bfilter\s*\(": "filter (where …): write the condition inside the aggregate",
    r"\bwithin\s+group\b": "within group: use the macro joined",
    r"\binterval\b": "an interval: write the macro add_days or add_months",
    r"\bilike\b|\bsimilar\s+to\b|\bglob\b": "ilike, similar to, glob",
    r"\basof\b|\bpositional\s+join\b|\blateral\b|\bnatural\s+join\b": "a join that not every engine has",
    r"(?<!left )\b(?:semi|anti)\s+join\b": "semi join, anti join: use exists, or a left join",
    r"\bpivot\b|\bunpivot\b|\btablesample\b|\busing\s+sample\b": "pivot, sample",
    r"\bcreate\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?(?:macro|table|view|function)\b": "a statement of its own",
    r"\brecursive\b|\bas\s+(?:not\s+)?materialized\b": "recursive or materialized CTEs",
    r"\bcurrent_(?:date|time|timestamp)\b": "the clock: the as-of date decides",
    r"\btry_cast\b": "try_cast: write the macro as_decimal",
    r"(?:\A|\()\s*from\b": "from before select",
    r"\bfrom\s+''": "a file read by its name",
}
"""Pattern to reason. Texts are `''` here, Jinja expressions `jinja`."""

TYPE_WORDS: Mapping[str, str] = {
    r"\b(?:u?tinyint|usmallint|uinteger|ubigint|u?hugeint|bignum)\b": "a whole number that Spark has not",
    r"\b(?:double|real|float[48]?|float)\b": "a binary float: figures are exact",
    r"\b(?:varchar|char|bpchar|text)\b(?!\s*\()": "varchar without a length: write the macro text",
    r"\b(?:varchar|char|bpchar)\s*\(": "varchar with a length: write the macro text",
    r"\b(?:blob|bytea|uuid|json|enum|union\s*\()": "a type that Spark has not",
}
"""The same for types."""

FUNCTIONS = frozenset(
    [
        "abs",
        "cast",
        "ceil",
        "coalesce",
        "concat",
        "count",
        "decimal",
        "dense_rank",
        "exists",
        "floor",
        "greatest",
        "lag",
        "lead",
        "least",
        "length",
        "lower",
        "lpad",
        "max",
        "max_by",
        "md5",
        "min",
        "min_by",
        "nullif",
        "position",
        "rank",
        "replace",
        "round",
        "row_number",
        "rpad",
        "substr",
        "sum",
        "trim",
        "upper",
    ]
)
"""Functions that mean the same in DuckDB and Spark, as far as the models use them."""

SPARK_FUNCTIONS = FUNCTIONS | frozenset(
    [
        "add_months",
        "array_join",
        "collect_list",
        "date_add",
        "date_format",
        "datediff",
        "explode",
        "interval",
        "sequence",
        "sort_array",
        "struct",
        "transform",
        "trunc",
        "try_cast",
        "xxhash64",
    ]
)
"""Functions of Spark that the ``default__`` macros use."""

SPARK_TYPES = frozenset({"BIGINT", "BOOLEAN", "DATE", "DECIMAL", "INT", "TEXT"})
"""Types of casts, as sqlglot names them."""

OF_SPARK = ("->", r"\binterval\b", r"\btry_cast\b")
"""Patterns of SYNTAX that ``default__`` macros may hold."""

NOT_FUNCTIONS = frozenset(
    [
        "all",
        "and",
        "any",
        "as",
        "between",
        "by",
        "case",
        "distinct",
        "else",
        "except",
        "from",
        "having",
        "in",
        "inner",
        "intersect",
        "is",
        "join",
        "jinja",
        "left",
        "like",
        "not",
        "on",
        "or",
        "over",
        "partition",
        "select",
        "then",
        "union",
        "using",
        "values",
        "when",
        "where",
        "with",
    ]
)
"""Words that may stand before a parenthesis without being a function."""

JUDGED_BY_PATTERN = frozenset({"varchar", "char", "bpchar", "filter", "columns", "try_cast", "interval"})
"""Words before a parenthesis that SYNTAX or TYPE_WORDS knows."""

_JINJA = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", re.S)
_UNSPOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.S)
_MACRO = re.compile(r"\{%-?\s*(macro|test)\s+(\w+)\s*\((.*?)\)\s*-?%\}(.*?)\{%-?\s*end\1\s*-?%\}", re.S)
_MATERIALIZATION = re.compile(
    r"\{%-?\s*materialization\s+\w+\s*,\s*adapter\s*=\s*'duckdb'\s*-?%\}.*?\{%-?\s*endmaterialization\s*-?%\}", re.S
)
"""A materialization for DuckDB: other engines keep that of their adapter."""
_CALL = re.compile(r"\b([a-z_]\w*)\s*\(", re.I)
_CTE = re.compile(r"(?:\bwith|,)\s*([a-z_]\w*)\s+as\s*\(", re.I)


@dataclass(frozen=True, order=True)
class Finding:
    """One place: the file, its line (0: only seen when rendered), what stands there and what is wrong with it."""

    path: str
    line: int
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line or 'rendered'}: {self.text}: {self.reason}"


def findings(settings: Settings) -> list[Finding]:
    """Everything in the dbt project, and in the types of its YAML and seeds, that is DuckDB's alone; in order."""
    project = settings.dbt_project
    files = [path for folder in ("macros", "models", "tests") for path in sorted((project / folder).rglob("*.sql"))]
    texts = {path.relative_to(project).as_posix(): _without_materializations(path) for path in files}
    macros = [text for name, text in texts.items() if name.startswith("macros/")]
    found = set(_undispatched(texts))
    for name, text in texts.items():
        found |= set(in_text(name, text))
    seen = {(each.path, each.reason) for each in found}
    render = Renderer(macros)
    for name, text in texts.items():
        if not name.startswith("macros/"):
            found |= {each for each in in_rendered(name, render(name, text)) if (each.path, each.reason) not in seen}
    described = [*sorted((project / "models").rglob("*.yml")), *sorted(settings.reference.glob("*.yml"))]
    for path in described:
        base = project if path.is_relative_to(project) else settings.reference.parent
        found |= set(in_types(path.relative_to(base).as_posix(), path.read_text(encoding="utf-8")))
    return sorted(found)


def _without_materializations(path: Path) -> str:
    """The text of a file; what is said to be DuckDB's by dbt's own means is blank."""
    return _MATERIALIZATION.sub(lambda match: _blank(match[0]), path.read_text(encoding="utf-8"))


# --- as written -----------------------------------------------------------------------------


def in_text(name: str, text: str) -> Iterator[Finding]:
    """Findings in a file as it is written: outside Jinja, comments, texts and the bodies of dispatched macros."""
    if name.startswith("macros/"):
        text = _MACRO.sub(lambda match: _blank(match[0]) if "__" in match[2] else match[0], text)
    yield from _judged(name, plain(text), {**SYNTAX, **TYPE_WORDS}, FUNCTIONS, lined=True)


def plain(text: str) -> str:
    """SQL without Jinja (expressions become `jinja`), comments and texts (they become ''), line for line."""
    text = _JINJA.sub(lambda match: ("jinja" if match[0].startswith("{{") else " ") + _breaks(match[0]), text)
    return _UNSPOKEN.sub(lambda match: ("''" if match[0].startswith("'") else " ") + _breaks(match[0]), text)


def in_types(name: str, text: str) -> Iterator[Finding]:
    """Types of columns in YAML that Spark would refuse: contracts (`data_type`) and seeds (`column_types`)."""
    for number, line in enumerate(text.splitlines(), start=1):
        if re.search(r"\b(?:data_type|column_types):", line):
            for match in re.finditer(r":\s*(varchar|hugeint|double|text)\b(?!\()", line):
                yield Finding(name, number, match[1], "write string (texts), or a type that Spark has")


def _judged(
    name: str, text: str, patterns: Mapping[str, str], functions: Iterable[str], *, lined: bool
) -> Iterator[Finding]:
    def at(match: re.Match[str]) -> int:
        return text.count("\n", 0, match.start() + len(match[0]) - len(match[0].lstrip())) + 1 if lined else 0

    for pattern, reason in patterns.items():
        for match in re.finditer(pattern, text, re.I | re.M):
            yield Finding(name, at(match), " ".join(match[0].split()), reason)
    named = {match[1].lower() for match in _CTE.finditer(text)}
    for match in _CALL.finditer(text):
        word = match[1].lower()
        is_alias = re.search(r"\bas\s+$", text[: match.start()], re.I) is not None
        if not is_alias and word not in {*functions, *NOT_FUNCTIONS, *named, *JUDGED_BY_PATTERN}:
            yield Finding(name, at(match), f"{word}(…)", "not known as a function of every engine")


def _undispatched(texts: Mapping[str, str]) -> Iterator[Finding]:
    """Dispatched macros without one of their two variants, and variants that nothing dispatches to."""
    defined = {
        match[2]: (name, text.count("\n", 0, match.start()) + 1)
        for name, text in texts.items()
        for match in _MACRO.finditer(text)
    }
    for name, text in texts.items():
        for match in re.finditer(r"adapter\.dispatch\(\s*'(\w+)'", text):
            for start in (ENGINE, PORTABLE):
                if start + match[1] not in defined:
                    line = text.count("\n", 0, match.start()) + 1
                    yield Finding(name, line, match[1], f"is dispatched and has no macro {start}{match[1]}")
    dispatched = {each for text in texts.values() for each in re.findall(r"adapter\.dispatch\(\s*'(\w+)'", text)}
    for macro, (name, line) in defined.items():
        start, found, rest = macro.partition("__")
        if found and start and rest not in dispatched:
            yield Finding(name, line, macro, "is never dispatched to")


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _breaks(text: str) -> str:
    return "\n" * text.count("\n")


# --- as Spark would be sent it --------------------------------------------------------------


class Renderer:
    """The project's Jinja with the ``default__`` macros: what another engine than DuckDB would be sent."""

    def __init__(self, macros: Iterable[str]) -> None:
        from jinja2 import Environment, StrictUndefined

        self.environment = Environment(undefined=StrictUndefined, extensions=["jinja2.ext.do"])
        self.returned: Any = ""
        text = "\n".join(macros)
        names = [match[2] for match in _MACRO.finditer(text)]
        self.environment.globals.update(
            {
                "adapter": self,
                "return": self._return,
                "config": lambda **_: "",
                "ref": lambda *parts: parts[-1],
                "source": lambda *parts: "_".join(parts),
                "env_var": lambda name, default="": default or name,
                "execute": True,
                "var": lambda name, default="": default or name,
            }
        )
        exported = ", ".join(f"'{name}': {name}" for name in names)
        module = self.environment.from_string(f"{text}\n{{% set exported = {{{exported}}} %}}").module
        self.macros: dict[str, Any] = module.exported  # type: ignore[attr-defined]
        self.environment.globals.update({name: self._as_in_dbt(macro) for name, macro in self.macros.items()})

    def _return(self, value: Any) -> Any:
        self.returned = value
        return value

    def _as_in_dbt(self, macro: Any) -> Any:
        """A macro that returns a list, as dbt has it: Jinja alone would give the list's text."""

        def call(*arguments: Any, **named: Any) -> Any:
            text = macro(*arguments, **named)
            is_list = isinstance(self.returned, list) and text.strip() == str(self.returned)
            return self.returned if is_list else text

        return call

    def dispatch(self, name: str, package: str | None = None) -> Any:
        """The macro that stands for every engine without one of its own."""
        return self.macros[PORTABLE + name]

    def __call__(self, name: str, text: str) -> str:
        """The SQL of a model or test; of a generic test with sample arguments."""
        generic = _MACRO.search(text)
        if generic and generic[1] == "test":
            arguments = [part.split("=")[0].strip() for part in generic[3].split(",")]
            samples = {"model": "a_model", "columns": ["a_column", "b_column"], "nullable": []}
            given = {each: samples.get(each, "a_column") for each in arguments}
            return self.environment.from_string(generic[4]).render(**given)
        return self.environment.from_string(text).render()


def in_rendered(name: str, sql: str) -> Iterator[Finding]:
    """Findings in SQL that was rendered with the ``default__`` macros; parsed only where there is no other."""
    patterns = {pattern: reason for pattern, reason in {**SYNTAX, **TYPE_WORDS}.items() if pattern not in OF_SPARK}
    found = list(_judged(name, plain(sql), patterns, SPARK_FUNCTIONS, lined=False))
    if found:
        yield from found
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of one of its own parts
        import sqlglot
        from sqlglot import exp
    try:
        tree = sqlglot.parse_one(sql, read="spark")
    except sqlglot.errors.SqlglotError as error:
        yield Finding(name, 0, " ".join(str(error).split())[:100], "Spark does not parse it")
        return
    for cast in tree.find_all(exp.Cast):
        if cast.to.this.value not in SPARK_TYPES:
            yield Finding(name, 0, cast.to.sql("spark"), "a type that not every engine has")


def main() -> int:
    """Print what is found; 1 when there is anything."""
    found = findings(Settings.from_env())
    for each in found:
        print(each, file=sys.stderr)
    print(f"portability: {len(found)} finding(s)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
