"""raw → accepted + quarantine: every row gets a verdict by rules that are data (expectations/).

Entry points: ``validate``; ``try_rule`` for a rule that is not in force, ``try_rows`` for a file that has not
landed; ``worklist`` for rows that wait for somebody, and ``decisions`` for what was decided about them;
``write_docs`` for pages of what the rules found. Files and columns: docs/architecture.md, docs/data-contract.md.
"""

from orchestration.validation import worklist
from orchestration.validation.data_docs import latest_page, write_docs
from orchestration.validation.decisions import DecisionError
from orchestration.validation.file_trial import RowsTried, try_rows
from orchestration.validation.lookups import Currencies
from orchestration.validation.report import FileVerdict, ValidationReport
from orchestration.validation.results import TieError
from orchestration.validation.suites import RuleError, Suite, load_suites
from orchestration.validation.trial import Hit, try_rule
from orchestration.validation.verdicts import validate

__all__ = [
    "Currencies",
    "DecisionError",
    "FileVerdict",
    "Hit",
    "RowsTried",
    "RuleError",
    "Suite",
    "TieError",
    "ValidationReport",
    "latest_page",
    "load_suites",
    "try_rows",
    "try_rule",
    "validate",
    "worklist",
    "write_docs",
]
