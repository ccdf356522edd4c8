"""Books: the ledger of what was posted and paid, one immutable folder per batch (semantics 10-12, 14).

What belongs here: difference posting, settlement, the ledger's chain. What does not: figures
(dbt), ERP files and workbooks (publish; handed in as ``render``).
"""

from orchestration.books.accounts import Traits
from orchestration.books.chain import Manifest, manifests, problems, verify
from orchestration.books.decisions import Reduction
from orchestration.books.journal import CloseContext, accrual_postings
from orchestration.books.ledger import (
    Batch,
    Render,
    changed_terms,
    close_state,
    closed_months,
    prepare,
    read,
    unfinished,
)
from orchestration.books.paying import Settlement, settlement
from orchestration.books.policy import release_policy
from orchestration.books.post import post_accruals, post_adjustments, post_proposal, post_settlements
from orchestration.books.proposals import Proposal, open_for_close, proposal_of, reduce, refuse, release, submit
from orchestration.books.tables import PAYMENT, PAYMENT_LINE, PAYMENT_REVERSAL, POSTING, LedgerError

__all__ = [
    "PAYMENT",
    "PAYMENT_LINE",
    "PAYMENT_REVERSAL",
    "POSTING",
    "Batch",
    "CloseContext",
    "LedgerError",
    "Manifest",
    "Proposal",
    "Reduction",
    "Render",
    "Settlement",
    "Traits",
    "accrual_postings",
    "changed_terms",
    "close_state",
    "closed_months",
    "manifests",
    "open_for_close",
    "post_accruals",
    "post_adjustments",
    "post_proposal",
    "post_settlements",
    "prepare",
    "problems",
    "proposal_of",
    "read",
    "reduce",
    "refuse",
    "release",
    "release_policy",
    "settlement",
    "submit",
    "unfinished",
    "verify",
]
