"""What a source agreed to deliver, and the register of sources (raw/source/) that the scorecard reads.

What belongs here: which months, columns and days are expected of a source, as its mapping file says it. What does
not: what came (readers), and how good it was (dbt: rpt_data_quality).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestration.contract import ENTITIES, SOURCE

if TYPE_CHECKING:
    from orchestration.intake.mapping import Mapping

DIRECT = "direct"
"""Partner of a source of our own invoices: nobody but us reports them."""


class Delivery(BaseModel):
    """What is expected of a source of lines: a report of every month, within so many days of the month's end."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    frequency: Literal["month"] = "month"
    due_days: int = Field(ge=0, le=366, description="days after the month's end within which its rows are in time")
    zero_after_days: int = Field(30, ge=1, le=366, description="days after the due day at which timeliness is zero")
    first_month: str | None = Field(
        None, pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="first month expected; none: the first that came"
    )
    fields: tuple[str, ...] = Field((), description="columns agreed to be filled; none: the required ones")


class Tolerance(BaseModel):
    """How far reported stock may be from computed stock before the sales concerned are held; the larger one counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    percent: Decimal = Field(Decimal(0), ge=0, le=100, decimal_places=4, description="of what was available")
    quantity: Decimal = Field(Decimal(0), ge=0, max_digits=16, decimal_places=4, description="in base units")


def rows(mappings: Sequence[Mapping]) -> list[tuple[str | int | Decimal | None, ...]]:
    """Rows of raw/source/, in the order of SOURCE's columns, one per source by name."""
    return [_row(mapping) for mapping in sorted(mappings, key=lambda mapping: mapping.source)]


def _row(mapping: Mapping) -> tuple[str | int | Decimal | None, ...]:
    agreed, constants = mapping.delivery, mapping.constants
    required = [c.name for c in ENTITIES[mapping.entity].columns if c.required and c.name in mapping.columns]
    values: dict[str, str | int | Decimal | None] = {
        "source": mapping.source,
        "entity": mapping.entity,
        "partner_id": DIRECT if constants.get("stream") == "sell_in" else constants.get("distributor_id"),
        "due_days": agreed.due_days if agreed else None,
        "zero_after_days": agreed.zero_after_days if agreed else None,
        "first_month": agreed.first_month if agreed else None,
        "agreed_fields": "|".join((agreed.fields or required) if agreed else ()) or None,
        "tolerance_percent": mapping.tolerance.percent if mapping.tolerance else None,
        "tolerance_quantity": mapping.tolerance.quantity if mapping.tolerance else None,
    }
    return tuple(values[column.name] for column in SOURCE.columns)
