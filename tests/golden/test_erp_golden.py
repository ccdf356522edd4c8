"""ERP files, byte for byte: a small accrual and a small settlement in every format, as in ``erp/``.

After an intended change: ``python -m tests.golden.test_erp_golden`` writes the files anew; look at the difference.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from orchestration.settings import Settings
from tests import erp

GOLDEN = Path(__file__).parent / "erp"

FORMATS = {
    "US01": ["oracle_gl", "oracle_ap", "oracle_ar"],
    "CA01": ["sap_journal", "dynamics_journal", "netsuite_journal"],
    "DE01": ["sap_journal", "pain001"],
}
ACCRUAL = (
    {"accrued": "1234.50"},
    {"payee_id": "R-2", "accrued": "40.01", "posted": "0"},
    {"program_key": "north@1", "payee_id": "R-3", "legal_entity": "CA01", "currency": "CAD", "accrued": "7.10"},
    {"program_key": "foreign@1", "payee_id": "R-4", "currency": "CAD", "accrued": "3.33", "cause": "late data"},
    {"program_key": "de@1", "legal_entity": "DE01", "currency": "EUR", "accrued": "5.00"},
)
DIRECT = {"program_key": "de@1", "legal_entity": "DE01", "currency": "EUR", "instrument": "supplier_invoice"}
SETTLEMENT = (
    {"earned": "140.00"},
    {"program_key": "tier@1", "earned": "50.00", "held": "60.25"},
    {"program_key": "coop@1", "earned": "7.50", "instrument": "supplier_invoice"},
    {"program_key": "promo@1", "earned": "2.50", "instrument": "supplier_invoice"},
    {"program_key": "north@1", "payee_id": "R-3", "earned": "3.00", "legal_entity": "CA01", "currency": "CAD"},
    DIRECT | {"earned": "9.00"},
    DIRECT | {"payee_id": "R-2", "earned": "11.25"},
    DIRECT | {"payee_id": "R-9", "earned": "12.00"},  # has no bank account: not paid, stays due
)


def files(folder: Path) -> dict[str, bytes]:
    """Write both batches below the folder; their files as ``<kind>/<name>``."""
    settings = Settings(data=folder / "data", memory_limit="1GB")
    seeded = erp.seeds(settings, FORMATS)
    batches = {
        "accrual": erp.accrual(settings, *ACCRUAL),
        "settlement": erp.settlement(settings, *SETTLEMENT, seeds=seeded).tables(),
    }
    return {
        f"{kind}/{name}": content
        for kind, tables in batches.items()
        for name, content in erp.write(folder / kind, seeded, tables).items()
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return files(tmp_path_factory.mktemp("erp"))


def golden() -> list[str]:
    return sorted(path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*") if path.is_file())


def test_every_format_is_there(written: dict[str, bytes]) -> None:
    assert sorted(written) == golden()
    assert len(written) == 13


@pytest.mark.parametrize("name", golden())
def test_a_file_is_the_golden_one(written: dict[str, bytes], name: str) -> None:
    # as text: a difference is shown line by line
    assert written[name].decode() == (GOLDEN / name).read_bytes().decode()


if __name__ == "__main__":
    shutil.rmtree(GOLDEN, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in files(Path(scratch)).items():
            (GOLDEN / name).parent.mkdir(parents=True, exist_ok=True)
            (GOLDEN / name).write_bytes(content)
