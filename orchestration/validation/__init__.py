"""raw → accepted + quarantine: every row gets a verdict by rules that are data (expectations/).

Entry point: ``validate``. Files and columns: docs/architecture.md, docs/data-contract.md.
"""

from orchestration.validation.suites import RuleError, Suite, load_suites
from orchestration.validation.verdicts import FileVerdict, TieError, ValidationReport, validate

__all__ = ["FileVerdict", "RuleError", "Suite", "TieError", "ValidationReport", "load_suites", "validate"]
