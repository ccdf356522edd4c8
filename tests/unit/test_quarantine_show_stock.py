"""`rebates quarantine show` of sales that are held for stock."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestration import cli, quality_commands, stock_holds
from orchestration.stock_holds import Hold

HOLDS = [
    Hold("D-2", "P-1", "2017-02", "closing_differs", Decimal(30), "USD", 3, Decimal(80), Decimal("1.6")),
    Hold("D-2", "P-1", "2017-02", "closing_differs", Decimal(30), "CAD", 1, Decimal(20), None),
    Hold("D-2", "P-2", "2017-02", "opening_differs", None, "USD", 1, Decimal(7), None),
]


def show(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> tuple[int, str]:
    monkeypatch.setenv("REBATES_DATA", str(tmp_path))
    monkeypatch.setattr(quality_commands, "judged", lambda settings: settings)
    monkeypatch.setattr(stock_holds, "held", lambda read, **_: HOLDS)
    result = CliRunner().invoke(cli.main, ["quarantine", "show", name])
    return result.exit_code, result.output


def test_a_hold_for_stock_is_shown_in_each_currency(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, said = show(monkeypatch, tmp_path, "stock:D-2:P-1:2017-02")
    assert code == 0
    assert "3 lines held (channel_stock)" in said
    assert "because: closing_differs; reported less computed stock: 30" in said
    assert "net amount 80.00 USD; rebate accrued and held: 1.60" in said
    assert "net amount 20.00 CAD; rebate accrued and held: none" in said
    assert "P-2" not in said


def test_what_is_not_held_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, said = show(monkeypatch, tmp_path, "stock:D-9:P-1:2017-02")
    assert code != 0
    assert "stock:D-9:P-1:2017-02: not held" in said
