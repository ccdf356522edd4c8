"""Minor units of currencies, and amounts as text with exactly these decimals.

What belongs here: how an amount is shown. What does not: rounding; an amount that has more decimals
than its currency is an error here, because every payout was rounded before (semantics 9).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.publish.format import PublishError
from orchestration.settings import Settings


def minor_units(settings: Settings) -> dict[str, int]:
    """Decimals of each currency, by ISO 4217 code, from the seed ``currency``."""
    with (settings.reference / "currency.csv").open(encoding="utf-8", newline="") as handle:
        return {row["currency"]: int(row["minor_unit"]) for row in csv.DictReader(handle)}


def check_currencies(currency: pa.ChunkedArray, units: Mapping[str, int]) -> list[str]:
    """The currencies that occur, sorted; PublishError for an empty or unknown one."""
    found = currency.unique().to_pylist()
    unknown = sorted(str(code) for code in found if code not in units)
    if unknown:
        raise PublishError(f"currency {', '.join(unknown)} has no minor unit; known: {', '.join(sorted(units))}")
    return sorted(found)


def amount_text(
    amount: pa.ChunkedArray, currency: pa.ChunkedArray, units: Mapping[str, int], what: str
) -> pa.ChunkedArray:
    """Each amount with its currency's decimals and a decimal point, e.g. ``1234.50``; null stays null.

    PublishError, naming ``what``, when an amount has more decimals than its currency.
    """
    text = pa.chunked_array([pa.nulls(len(amount), pa.string())])
    for code in check_currencies(currency, units):
        mine = pc.equal(currency, code)
        kept = pc.if_else(mine, amount, pa.scalar(None, amount.type))
        try:
            rescaled = kept.cast(pa.decimal128(38, units[code]))
        except pa.ArrowInvalid:
            raise PublishError(f"{what}: an amount in {code} has more than {units[code]} decimals") from None
        text = pc.if_else(mine, rescaled.cast(pa.string()), text)
    return text
