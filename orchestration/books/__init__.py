"""Books: the ledger of what was posted and paid, one immutable folder per batch (semantics 10-12, 14).

What belongs here: difference posting, settlement, the ledger's chain. What does not: figures
(dbt), ERP files and workbooks (publish; handed in as ``render``).
"""

from orchestration.books.accounts import Traits
from orchestration.books.chain import Manifest, manifests, problems, verify
from orchestration.books.journal import CloseContext, Settlement, accrual_postings, settlement
from orchestration.books.ledger import (
    Batch,
    Render,
    changed_terms,
    close_state,
    closed_months,
    open_for_close,
    prepare,
    read,
    unfinished,
)
from orchestration.books.post import post_accruals, post_settlements
from orchestration.books.tables import PAYMENT, PAYMENT_LINE, POSTING, LedgerError

__all__ = [
    "PAYMENT",
    "PAYMENT_LINE",
    "POSTING",
    "Batch",
    "CloseContext",
    "LedgerError",
    "Manifest",
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
    "post_settlements",
    "prepare",
    "problems",
    "read",
    "settlement",
    "unfinished",
    "verify",
]
