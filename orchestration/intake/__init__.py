"""landing → raw: every delivered file once, each row with its file and row number.

Entry point: ``take_in``. Files and columns: docs/architecture.md, docs/data-contract.md.
"""

from orchestration.intake.landing import LandingError
from orchestration.intake.mapping import Mapping, MappingError, load_mapping, load_mappings
from orchestration.intake.take import FileReport, IntakeReport, take_in

__all__ = [
    "FileReport",
    "IntakeReport",
    "LandingError",
    "Mapping",
    "MappingError",
    "load_mapping",
    "load_mappings",
    "take_in",
]
