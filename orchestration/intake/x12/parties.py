"""Who sent the X12 files that landed: what replies to them are addressed by.

What belongs here: finding the file of a receipt. What does not: its envelope (orchestration/x12), the reply (publish).
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path

from orchestration.intake import landing
from orchestration.intake.formats import X12Format
from orchestration.intake.landing import LandingError
from orchestration.intake.mapping import load_mappings
from orchestration.intake.unpack import unpacked
from orchestration.settings import Settings
from orchestration.x12 import Parties, parties


def x12_parties(settings: Settings, sequences: Collection[int]) -> dict[int, Parties]:
    """The parties of those of the files that are X12, by receipt number; others are left out.

    Raises LandingError for a receipt or copy that is missing, and for a file whose interchanges name several parties.
    """
    receipts = {receipt.sequence: receipt for receipt in landing.receipts(settings)}
    mappings = load_mappings(settings.sources)
    found: dict[int, Parties] = {}
    for sequence in sorted(set(sequences)):
        receipt = receipts.get(sequence)
        if receipt is None:
            raise LandingError(f"landing/.receipts has no receipt {sequence:06}")
        mapping, reason = mappings.find(receipt.source, receipt.file_name)
        if mapping is None:
            raise LandingError(f"receipt {sequence:06} ({receipt.file_name}): {reason}")
        if not isinstance(mapping.format, X12Format):
            continue
        several = _of_file(landing.check_stored(settings, receipt), mapping.format)
        if len(several) != 1:
            raise LandingError(
                f"receipt {sequence:06} ({receipt.file_name}): expected one sender and receiver, found {len(several)}"
            )
        found[sequence] = several.pop()
    return found


def _of_file(path: Path, fmt: X12Format) -> set[Parties]:
    """The parties of a delivery, of all members of an archive."""
    found: set[Parties] = set()
    with tempfile.TemporaryDirectory() as folder, unpacked(path, fmt, Path(folder) / "copy") as files:
        for _, file in files:
            with file.open("rb") as stream:
                found |= parties(stream, fmt.encoding)
    return found
