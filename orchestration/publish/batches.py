"""Copies of the ledger's ERP files in published/erp/, where people and interfaces fetch them."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

from orchestration import disk
from orchestration.settings import Settings


def publish_batches(settings: Settings) -> list[Path]:
    """Copy each batch's ``erp/`` files to ``published/erp/<batch>/`` and return what was written.

    A file is copied when it is missing or differs from the ledger's, under a temporary name that is
    then replaced in one step. Nothing is removed. Order: batch, file name.
    """
    written: list[Path] = []
    for source in sorted(settings.ledger.glob("[0-9]*/erp/*")):
        target = settings.published / "erp" / source.parent.parent.name / source.name
        if target.exists() and filecmp.cmp(source, target, shallow=False):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, part)
        disk.put(part, target)
        written.append(target)
    return written
