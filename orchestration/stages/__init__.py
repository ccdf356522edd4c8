"""The stages as Dagster assets and checks: thin wrappers around the rooms, one module per stage.

What belongs here: which asset depends on which, its metadata, and what a check looks at. What does
not: the work itself (the rooms), when it runs (automation.py), the dbt models (transform/).

The groups follow the flow: landing, intake, programs, validation, run, seeds, staging,
intermediate, marts, books (with the ledger as it stood), books_marts, publish.
"""

from orchestration.stages.calculating import claim_decisions, line_reduction, run_context
from orchestration.stages.common import POOL, house, markdown
from orchestration.stages.documents import programs
from orchestration.stages.judging import JUDGED_NOTHING, PAGE, program_currencies, suite_result, unaccounted, validation
from orchestration.stages.posting import books
from orchestration.stages.publishing import CHECKS, publish, reconcile
from orchestration.stages.receiving import intake, landing, received_on
from orchestration.stages.workbooks import workbooks

__all__ = [
    "CHECKS",
    "JUDGED_NOTHING",
    "PAGE",
    "POOL",
    "books",
    "claim_decisions",
    "house",
    "intake",
    "landing",
    "line_reduction",
    "markdown",
    "program_currencies",
    "programs",
    "publish",
    "received_on",
    "reconcile",
    "run_context",
    "suite_result",
    "unaccounted",
    "validation",
    "workbooks",
]
