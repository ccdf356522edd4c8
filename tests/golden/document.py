"""Program documents for tests, with everything that a test does not care about filled in.

What belongs here: the YAML form of a document as a dictionary. What does not: figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Document = dict[str, Any]

LIFECYCLE = [
    {"step": "draft", "who": "Ines Vidal", "when": "2016-11-01"},
    {"step": "submitted", "who": "Ines Vidal", "when": "2016-11-02"},
    {"step": "approved", "who": "Otto Brandt", "when": "2016-11-03"},
    {"step": "active", "who": "Otto Brandt", "when": "2016-11-04"},
]


def level(from_: str, rate: str | None = None, flat: str | None = None) -> dict[str, str]:
    """Return one tier; rate in percent, or money per base unit."""
    return {"from": from_} | ({} if rate is None else {"rate": rate}) | ({} if flat is None else {"flat": flat})


def document(
    program_id: str,
    levels: Sequence[Mapping[str, str]] | None,
    *,
    method: str = "retrospective",
    rate_kind: str = "percent",
    basis: Mapping[str, Any] | str = "amount",
    partners: Iterable[str] = (),
    role: str = "sold_to",
    lines: Mapping[str, Any] | None = None,
    tiers: Mapping[str, Any] | None = None,
    valid: tuple[str, str] = ("2017-01-01", "2017-12-31"),
    **fields: Any,
) -> Document:
    """Return an active program in US dollars; ``fields`` are fields of the document and replace the defaults.

    Without ``levels`` it has no basis and no tiers: ``fields`` then hold what stands instead of them.
    """
    named: dict[str, Any] = {"partners": list(partners)}
    rated: dict[str, Any] = {}
    if levels is not None:
        rated["basis"] = {"kind": basis} if isinstance(basis, str) else dict(basis)
        rated["tiers"] = {"method": method, "rate_kind": rate_kind, "levels": [dict(each) for each in levels]}
        rated["tiers"] |= tiers or {}
    return {
        "id": program_id,
        "version": 1,
        "name": program_id.title(),
        "description": "A program of a test.",
        "owner": "Channel finance",
        "currency": "USD",
        "legal_entity": "US01",
        "valid_from": valid[0],
        "valid_to": valid[1],
        "measurement": "year",
        "lifecycle": LIFECYCLE,
        "participants": {"role": role} | (named if named["partners"] else {"all": True}),
        "lines": {"stream": "sell_in", **(lines or {})},
        **rated,
        "settlement": {"lag_days": 15, "instrument": "credit_memo"},
        **fields,
    }
