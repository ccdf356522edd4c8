"""docs/data-contract.md says what the contract, the mappings and the suites say."""

from __future__ import annotations

from orchestration.contract import ENTITIES
from orchestration.contract_docs import PAGE, render
from orchestration.settings import REPOSITORY, Settings


def test_page_is_current(settings: Settings) -> None:
    assert PAGE.read_text(encoding="utf-8") == render(settings), "run: python -m orchestration.contract_docs"


def test_page_names_every_source_and_column() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for path in (REPOSITORY / "seeds" / "sources").glob("*.yml"):
        assert f"### {path.stem}\n" in page
    for entity in ENTITIES.values():
        section = page.split(f"### {entity.name}\n")[1].split("\n### ")[0]
        assert all(f"| `{column.name}` |" in section for column in entity.columns)
