"""The walls between the rooms, read from the source code itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from orchestration.settings import REPOSITORY

PACKAGE = REPOSITORY / "orchestration"
SHARED = {"contract", "disk", "segments", "settings", "strict_yaml", "warehouse"}
"""Modules that every room may use. All other modules beside the rooms put rooms together: no room may use them."""

NEUTRAL = {"x12"}
"""Rooms that every room may use; they use none themselves."""

SWITCHBOARDS = {"stages"}
"""Packages that put rooms together, as modules beside the rooms do: no rooms."""

ROOMS = sorted(
    path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file() and path.name not in SWITCHBOARDS
)

OPENERS = {"warehouse.py"}
"""Modules that open DuckDB. Publish's reader of the snapshot opens a published file, never the warehouse."""
SNAPSHOT_READER = "publish/snapshot.py"


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Parts of `orchestration` that a module imports anywhere, as `room` or `room.module`."""
    return imports_in(path.read_text(), path.relative_to(PACKAGE.parent).parent.parts)


def imports_in(code: str, package: tuple[str, ...]) -> set[str]:
    """`imports` of the text of a module that stands in a package, given by its parts."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *filter(None, [node.module])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        found.update(name.removeprefix("orchestration.") for name in names if name.startswith("orchestration."))
    return found


def test_the_reader_of_imports_sees_every_form() -> None:
    code = """
import orchestration.intake
from orchestration.publish import snapshot
from .. import validation
def f():
    from orchestration import sample
"""
    found = imports_in(code, ("orchestration", "books"))
    assert found == {"intake", "publish.snapshot", "validation", "sample"}


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_do_not_import_each_other(room: str) -> None:
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files, f"the room {room} has no modules"
    for path in files:
        used = {name.split(".")[0] for name in imports(path)}
        allowed = SHARED | {room} if room in NEUTRAL else SHARED | NEUTRAL | {room}
        assert used <= allowed, f"{path.relative_to(PACKAGE)} imports {sorted(used - allowed)}"


def test_shared_modules_import_no_room() -> None:
    for name in sorted(SHARED):
        used = {part.split(".")[0] for part in imports(PACKAGE / f"{name}.py")}
        assert used <= SHARED, f"{name}.py imports {sorted(used - SHARED)}"


def test_nothing_imports_definitions_but_what_runs_its_jobs() -> None:
    importers = {
        path.relative_to(PACKAGE).as_posix()
        for path in modules()
        if any(name.split(".")[0] == "definitions" for name in imports(path))
    }
    assert importers == {"execute.py"}


def test_only_the_warehouse_module_opens_duckdb() -> None:
    openers = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "duckdb.connect":
                openers.add(path.relative_to(PACKAGE).as_posix())
            if isinstance(node, ast.ImportFrom) and node.module == "duckdb":
                assert "connect" not in {alias.name for alias in node.names}, path
    assert openers <= OPENERS | {SNAPSHOT_READER}


def test_the_rooms_are_those_of_the_architecture() -> None:
    rooms = {"intake", "validation", "programs", "books", "publish", "sample", "simulation", "transform", *NEUTRAL}
    assert rooms <= set(ROOMS)
    assert all((PACKAGE / f"{name}.py").is_file() for name in SHARED)
