"""The decisions on claims as a table for the models: run/claim_decision.parquet, rebuilt from landing/.claims/.

What belongs here: the columns. What does not: the files that people's decisions stand in (decisions.py).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.claims.decisions import read
from orchestration.settings import Settings

MONEY = pa.decimal128(18, 4)

COLUMNS = pa.schema(
    [
        ("decision_number", pa.int32()),
        ("claim_key", pa.string()),
        ("decision", pa.string()),
        ("claimed_amount", MONEY),
        ("amount", MONEY),
        ("is_above_earned", pa.bool_()),
        ("decided_by", pa.string()),
        ("decided_on", pa.date32()),
        ("comment", pa.string()),
        ("reason_code", pa.string()),
        ("owner", pa.string()),
        ("due_date", pa.date32()),
    ]
)
"""One row per decision and claim; key: decision_number, claim_key. ``decision``: approve, reject, dispute or review."""


def write_table(settings: Settings) -> int:
    """Write run/claim_decision.parquet, whole or not at all; returns its rows.

    Raises ClaimError for a decision that cannot be read.
    """
    rows = [
        {
            "decision_number": decision.number,
            "claim_key": claim.claim_key,
            "decision": decision.effect,
            "claimed_amount": claim.claimed_amount,
            "amount": claim.amount,
            "is_above_earned": decision.above_earned,
            "decided_by": decision.by,
            "decided_on": decision.decided_on,
            "comment": decision.comment,
            "reason_code": decision.reason_code,
            "owner": decision.owner,
            "due_date": decision.due_date,
        }
        for decision in read(settings)
        for claim in decision.claims
    ]
    target = settings.claim_decision
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}")
    pq.write_table(pa.Table.from_pylist(rows, schema=COLUMNS), half)
    half.replace(target)
    return len(rows)
