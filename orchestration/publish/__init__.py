"""Publish: ERP files and workbooks of each batch, and the analytics snapshot.

What belongs here: files that leave the house. What does not: figures (dbt, books); this room shows
what it is given, and refuses to show what does not tie. ERP formats are data: formats/<name>.py.
"""

from orchestration.publish.batches import publish_batches
from orchestration.publish.claim_answers import ANSWERED, Answers, write_claim_answers
from orchestration.publish.claim_response import Decision, write_claim_response
from orchestration.publish.erp.model import erp_formats
from orchestration.publish.erp.payable import switched_on, unpayable
from orchestration.publish.files import renderer, write_batch_files
from orchestration.publish.finance import OF_A_MONTH, WORKBOOKS, write_finance
from orchestration.publish.format import Column, Format, PublishError, all_formats
from orchestration.publish.money import minor_units
from orchestration.publish.scorecard import write_scorecard
from orchestration.publish.snapshot import open_snapshot, publish_snapshot, query

__all__ = [
    "ANSWERED",
    "OF_A_MONTH",
    "WORKBOOKS",
    "Answers",
    "Column",
    "Decision",
    "Format",
    "PublishError",
    "all_formats",
    "erp_formats",
    "minor_units",
    "open_snapshot",
    "publish_batches",
    "publish_snapshot",
    "query",
    "renderer",
    "switched_on",
    "unpayable",
    "write_batch_files",
    "write_claim_answers",
    "write_claim_response",
    "write_finance",
    "write_scorecard",
]
