"""Where an amount comes from and where it went: payment, journal line, payout, line and row of a file (semantics 14).

What belongs here: keys followed through the published snapshot in both directions, the ledger's manifests, the sums
that must tie at every step, and the trace as Excel or CSV. What does not: why an amount is what it is (explain/), the
reading of received files (intake/, handed in), how it looks on the screen (trace_commands.py). Nothing is written but
the files that are asked for.
"""

from orchestration.trace.files import write_csv, write_xlsx
from orchestration.trace.report import Step, Tie, Trace, TraceError
from orchestration.trace.source import ORIGINALS, Originals
from orchestration.trace.start import KINDS
from orchestration.trace.walk import ROW, trace

__all__ = [
    "KINDS",
    "ORIGINALS",
    "ROW",
    "Originals",
    "Step",
    "Tie",
    "Trace",
    "TraceError",
    "trace",
    "write_csv",
    "write_xlsx",
]
