"""Matching: who is meant by a name, what is meant by a code. Reads raw/, accepted/, quarantine/; writes matching/.

Entry points: ``identify`` (between the verdicts of master data and those of lines), ``suggest`` (after them),
``review`` and ``check`` (the work of a person); see docs/end-customers.md.
"""

from orchestration.matching.answers import (
    CUSTOMERS,
    PRODUCTS,
    UNITS,
    AnswerError,
    Checked,
    check,
    customer_rows,
    deliver,
    write,
)
from orchestration.matching.codes import prepare, suggest
from orchestration.matching.identify import STATUSES, Identification, identify
from orchestration.matching.review import OPEN, NotIdentifiedError, review
from orchestration.matching.rules import MatchingRuleError

__all__ = [
    "CUSTOMERS",
    "OPEN",
    "PRODUCTS",
    "STATUSES",
    "UNITS",
    "AnswerError",
    "Checked",
    "Identification",
    "MatchingRuleError",
    "NotIdentifiedError",
    "check",
    "customer_rows",
    "deliver",
    "identify",
    "prepare",
    "review",
    "suggest",
    "write",
]
