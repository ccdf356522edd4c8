"""docs/controls.md: every module and every test that it names is in the repository."""

from __future__ import annotations

import ast
import re

import pytest

from orchestration.settings import REPOSITORY

PAGE = (REPOSITORY / "docs" / "controls.md").read_text(encoding="utf-8")
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split(" | "))
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| control |")
]
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


def names_in(path: str) -> set[str]:
    """Functions and classes that a module defines, wherever in it."""
    tree = ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_every_control_says_how_and_is_proven() -> None:
    assert len(ROWS) >= 20
    for row in ROWS:
        assert len(row) == 3, row
        control, how, proof = row
        assert re.search(r"`[\w/.]+`", how), control
        assert re.search(r"`tests/[\w/]+\.py::test_\w+`", proof), control


def test_the_subjects_of_an_audit_have_controls() -> None:
    headings = re.findall(r"^## (.*)$", PAGE, re.M)
    assert headings == [
        "Segregation of duties",
        "Completeness",
        "Accuracy",
        "No double posting, no double payment",
        "Immutability",
        "Access",
        "Change management",
        "Period close and cut-off",
        "Backup",
    ]


@pytest.mark.parametrize(("path", "test"), TESTS)
def test_every_named_test_exists(path: str, test: str) -> None:
    assert test in names_in(path)


def test_every_named_module_exists_with_what_is_named_in_it() -> None:
    for row in ROWS:
        for path in re.findall(r"`([\w/.]+\.\w+|Makefile)`", row[1]):
            assert (REPOSITORY / path).is_file(), path
        for path, named in re.findall(r"`(orchestration/[\w/]+\.py)`: ([a-z_]+(?:, [a-z_]+)*)(?:;|$)", row[1]):
            text = (REPOSITORY / path).read_text(encoding="utf-8")
            assert all(name in text for name in named.split(", ")), (path, named)
        for check in re.findall(r"checks? ((?:`\w+`(?:, )?)+)", row[1]):
            text = (REPOSITORY / "orchestration" / "stages" / "publishing.py").read_text(encoding="utf-8")
            assert all(f'"{name}":' in text for name in re.findall(r"`(\w+)`", check)), check


def test_pages_are_served_to_this_machine_only() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    servers = [line for line in makefile.splitlines() if re.search(r"/dagster(?: dev|-webserver)", line)]
    assert servers
    assert all("--host 127.0.0.1" in line for line in servers)
