"""landing → raw: every delivered file once, each row with its file and row number.

Entry points: ``take_in``; ``try_file`` and ``propose`` for a file that has not landed.
Files and columns: docs/architecture.md, docs/data-contract.md.
"""

from orchestration.intake.landing import LandingError
from orchestration.intake.mapping import Mapping, MappingError, load_mapping, load_mappings
from orchestration.intake.original import original_rows
from orchestration.intake.propose import Known, ProposeError, propose
from orchestration.intake.records import UnreadableError
from orchestration.intake.take import FileReport, IntakeReport, take_in
from orchestration.intake.trial import FileTrial, Misfit, try_file
from orchestration.intake.x12.parties import x12_parties

__all__ = [
    "FileReport",
    "FileTrial",
    "IntakeReport",
    "Known",
    "LandingError",
    "Mapping",
    "MappingError",
    "Misfit",
    "ProposeError",
    "UnreadableError",
    "load_mapping",
    "load_mappings",
    "original_rows",
    "propose",
    "take_in",
    "try_file",
    "x12_parties",
]
