"""Write the worked examples into docs/programs.md: ``python -m tests.examples``."""

from __future__ import annotations

from tests.examples.page import PAGE, updated

if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
