"""The program document: every field of docs/semantics.md, sections 2 to 11, with type and default.

What belongs here: shape and types of one field at a time. What does not: how fields agree with each
other (rules.py), what the warehouse calculates today (calculated.py).

Names are those of the semantics. Unknown fields are refused everywhere. Values arrive as text
(reader.py) and become exact decimals, dates and whole numbers here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_WHOLE = re.compile(r"[+-]?\d+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _wrong(message: str) -> PydanticCustomError:
    """An error whose text is shown as it is."""
    return PydanticCustomError("document", "{message}", {"message": message})


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a group of fields"
    if isinstance(value, list | tuple):
        return "a list"
    return f"'{value}'"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(f"expected text, got {_shown(value)}")
    text = " ".join(value.split())
    if not text:
        raise _wrong("expected text, got nothing")
    return text


def _name(value: object) -> str:
    """Text as it is, but for blanks at its ends: names in the data may hold two blanks in a row."""
    if not isinstance(value, str):
        raise _wrong(f"expected text, got {_shown(value)}")
    name = value.strip()
    if not name or "\n" in name:
        raise _wrong(f"expected a name on one line, got {_shown(value)}")
    return name


def _decimal(places: int, digits: int, lowest: str | None = None, highest: str | None = None) -> Callable[..., Decimal]:
    """A reader of decimals with so many places and digits before the point, within inclusive bounds."""

    def parse(value: object) -> Decimal:
        if isinstance(value, Decimal):
            number = value
        elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            number = Decimal(value.strip())
        else:
            raise _wrong(f"expected a number like 2500 or 2.5, without thousands separators, got {_shown(value)}")
        whole, _, decimals = format(abs(number), "f").partition(".")
        decimals = decimals.rstrip("0")
        if len(decimals) > places:
            raise _wrong(f"expected at most {places} decimals, got {number}")
        if len(whole.lstrip("0")) > digits:
            raise _wrong(f"expected at most {digits} digits before the point, got {number}")
        if lowest is not None and number < Decimal(lowest):
            raise _wrong(f"expected {lowest} or more, got {number}")
        if highest is not None and number > Decimal(highest):
            raise _wrong(f"expected {highest} or less, got {number}")
        return Decimal(f"{'-' if number < 0 else ''}{whole}{'.' if decimals else ''}{decimals}")

    return parse


def _whole(lowest: int, highest: int) -> Callable[..., int]:
    def parse(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            number = value
        elif isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
            number = int(value)
        else:
            raise _wrong(f"expected a whole number, got {_shown(value)}")
        if not lowest <= number <= highest:
            raise _wrong(f"expected a whole number from {lowest} to {highest}, got {number}")
        return number

    return parse


def _day(value: object) -> date:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise _wrong(f"expected a date like 2017-03-31, got {_shown(value)}")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise _wrong(f"expected true or false, got {_shown(value)}")


def _matching(pattern: str, expected: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise _wrong(f"expected {expected}, got '{value}'")
        return value

    return check


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _wrong(f"names {', '.join(twice)} more than once")
    return names


def _kind(label: str) -> Any:
    """What the reference in docs/programs.md calls the type."""
    return Field(json_schema_extra={"kind": label})


Text = Annotated[str, BeforeValidator(_text), _kind("text")]
Name = Annotated[str, BeforeValidator(_name), _kind("text")]
Names = Annotated[tuple[Name, ...], AfterValidator(_distinct), _kind("list of text")]
Flag = Annotated[bool, BeforeValidator(_flag), _kind("true or false")]
Day = Annotated[date, BeforeValidator(_day), _kind("date")]
Money = Annotated[Decimal, BeforeValidator(_decimal(4, 14, "0")), _kind("amount, up to 4 decimals")]
Share = Annotated[Decimal, BeforeValidator(_decimal(2, 3, "0", "100")), _kind("percent, up to 2 decimals")]
Percent = Annotated[Decimal, BeforeValidator(_decimal(6, 3, "0", "100")), _kind("percent, 0 to 100")]
Ratio = Annotated[Decimal, BeforeValidator(_decimal(6, 9, "0")), _kind("percent")]
PerUnit = Annotated[Decimal, BeforeValidator(_decimal(8, 10, "0")), _kind("amount, up to 8 decimals")]
Rate = Annotated[Decimal, BeforeValidator(_decimal(8, 10, "0")), _kind("percent, or amount per base unit")]
Figure = Annotated[Decimal, BeforeValidator(_decimal(12, 26, "0")), _kind("number, up to 12 decimals")]
Limit = Annotated[Decimal, BeforeValidator(_decimal(4, 14, "0")), _kind("number, up to 4 decimals")]
ProgramId = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(_matching(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*", "capitals, digits and hyphens, like VOLUME-GOLD")),
    _kind("text: capitals, digits, hyphens"),
]
ProgramKey = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(_matching(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*@[1-9]\d*", "<id>@<version>, like VOLUME-GOLD@1")),
    _kind("text: `<id>@<version>`"),
]
Currency = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(_matching(r"[A-Z]{3}", "an ISO 4217 code like USD")),
    _kind("text: ISO 4217 code"),
]
Version = Annotated[int, BeforeValidator(_whole(1, 999_999)), _kind("whole number from 1")]
Days = Annotated[int, BeforeValidator(_whole(0, 3_650)), _kind("days")]
Order = Annotated[int, BeforeValidator(_whole(1, 999_999)), _kind("whole number from 1")]
Figures = Annotated[
    dict[Name, dict[Name, Figure]],
    Field(json_schema_extra={"kind": "participant: {period: number}"}),
]

Measurement = Literal["month", "quarter", "half_year", "year", "program"]
Step = Literal["draft", "submitted", "approved", "active", "suspended", "closed"]
LineRole = Literal["sold_to", "ship_to", "distributor", "reseller"]
PayeeRole = Literal["participant", "sold_to", "ship_to", "distributor", "reseller", "group_head", "end_customer"]
BasisKind = Literal["amount", "quantity", "growth", "attainment", "share", "count"]
Method = Literal["retrospective", "incremental", "rolling", "total", "linear", "whole_increment", "lump_sum"]


class Part(BaseModel):
    """A part of a document: unchangeable, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LifecycleStep(Part):
    """One step that the document has gone through."""

    step: Step = Field(description="what it became")
    who: Name = Field(description="who did it; who approves must not be who submitted")
    when: Day = Field(description="on which day")


class ParticipantNames(Part):
    """Partners left out."""

    segments: Names = Field(default=(), description="partner segments (seeds/reference/segment.csv)")
    partners: Names = Field(default=(), description="partner ids")
    groups: Names = Field(default=(), description="groups, with the members that they have on the line's date")


class Acceptance(Part):
    """One participant's acceptance."""

    participant: Name = Field(description="partner id; with aggregate group that of the group")
    accepted_on: Day = Field(description="lines count from this day on")


class Participants(Part):
    """Whose purchases are measured."""

    role: LineRole = Field(description="role on the line that makes a partner the participant")
    all: Flag = Field(default=False, description="every partner; stands instead of segments, partners and groups")
    segments: Names = Field(default=(), description="partner segments (seeds/reference/segment.csv)")
    partners: Names = Field(default=(), description="partner ids")
    groups: Names = Field(default=(), description="groups, with the members that they have on the line's date")
    exclude: ParticipantNames = Field(
        default=ParticipantNames(), description="who is left out, whatever names them above"
    )
    enrolment: Literal["automatic", "by_acceptance"] = Field(
        default="automatic", description="by_acceptance: only those who accepted, from that day on"
    )
    acceptances: tuple[Acceptance, ...] = Field(default=(), description="who accepted, and when")


class ProductNames(Part):
    """Products left out."""

    skus: Names = Field(default=(), description="product ids")
    families: Names = Field(default=(), description="product families")
    brands: Names = Field(default=(), description="brands")
    categories: Names = Field(default=(), description="categories above the families")
    segments: Names = Field(default=(), description="product segments (seeds/reference/segment.csv)")


class Products(ProductNames):
    """Products that count: those that any of the lists names, less what is excluded. None named: all."""

    exclude: ProductNames = Field(default=ProductNames(), description="products left out, whatever names them above")


class LineNames(Part):
    """Lines left out."""

    end_customer_segments: Names = Field(default=(), description="end-customer segments")
    channels: Names = Field(default=(), description="channels of the participant")
    regions: Names = Field(default=(), description="regions of the line")
    document_types: tuple[Literal["invoice", "credit_memo", "return"], ...] = Field(
        default=(), description="document types"
    )


class Range(Part):
    """Inclusive limits. The size counts: a return of 3 is within 1 to 5."""

    min: Limit | None = Field(default=None, description="at least")
    max: Limit | None = Field(default=None, description="at most")


class Limits(Part):
    """Limits that each line must keep."""

    price: Range = Field(default=Range(), description="net price per base unit, in the program's currency")
    quantity: Range = Field(default=Range(), description="base units of the line")
    amount: Range = Field(default=Range(), description="net amount of the line, in the program's currency")


class Lines(LineNames):
    """A scope: which lines count. Different dimensions must all hold."""

    stream: Literal["sell_in", "sell_through", "both"] = Field(description="direct invoices or third parties' reports")
    double_counting: Literal["prefer_sell_in", "prefer_sell_through"] | None = Field(
        default=None, description="with stream both: which one counts where the same goods are in both"
    )
    products: Products = Field(default=Products(), description="which products")
    exclude: LineNames = Field(default=LineNames(), description="lines left out, whatever names them above")
    limits: Limits = Field(default=Limits(), description="price, quantity and amount limits per line")
    returns: Literal["by_return_date", "by_original_document"] = Field(
        default="by_return_date", description="the period in which returns and credit memos count"
    )


class NewPartner(Part):
    """What happens where the baseline is zero or less: `no_payout`, or one of these."""

    treat_as: Ratio | None = Field(default=None, description="take this as the growth, e.g. 110")
    baseline: Figure | None = Field(default=None, description="take this as the baseline")

    @model_validator(mode="before")
    @classmethod
    def _word(cls, value: object) -> object:
        if isinstance(value, str):
            if value != "no_payout":
                raise _wrong(f"expected no_payout, treat_as: <percent> or baseline: <figure>, got '{value}'")
            return {}
        return value


class Basis(Part):
    """The number that the tiers look at, over the target lines of a participant and period."""

    kind: BasisKind = Field(description="what is looked at; growth, attainment and share are in percent")
    of: Literal["amount", "quantity"] = Field(default="amount", description="growth, attainment, share: of what")
    baseline: Literal["lines", "given"] | None = Field(
        default=None, description="growth: the same period one year before, from lines, or `figures`"
    )
    figures: Figures = Field(default_factory=dict, description="growth: the given baselines; attainment: the targets")
    new_partner: NewPartner = Field(
        default=NewPartner(), description="growth: `no_payout` (default), or treat_as or baseline"
    )
    subset: Products | None = Field(
        default=None, description="share: the products whose share of all target lines is taken"
    )
    counted: Literal["documents", "end_customers", "first_time_end_customers"] | None = Field(
        default=None, description="count: what is counted"
    )


class Level(Part):
    """One tier. It ends where the next begins."""

    from_: Figure = Field(alias="from", description="lower bound, in units of the basis")
    rate: Rate | None = Field(default=None, description="2.5 is 2.5 % with percent, 2.5 per base unit with per_unit")
    flat: Money | None = Field(default=None, description="flat amount")


class Tiers(Part):
    """Thresholds and what they pay."""

    method: Method = Field(description="how the tiers pay, see docs/semantics.md 5")
    rate_kind: Literal["percent", "per_unit", "flat"] = Field(description="what the rate is; flat goes with lump_sum")
    boundary: Literal["inclusive", "exclusive"] = Field(
        default="inclusive", description="a basis exactly on a threshold has reached it (inclusive) or not"
    )
    levels: tuple[Level, ...] = Field(description="the tiers, strictly rising")
    lump_sum: Literal["highest", "each"] = Field(
        default="highest", description="lump_sum: the highest reached tier's amount, or those of all reached"
    )
    increment: Figure | None = Field(
        default=None, description="whole_increment: size of an increment, in units of the basis"
    )


class Gate(Part):
    """One condition that must hold or nothing is paid."""

    name: Text | None = Field(default=None, description="what to call it")
    basis: Basis = Field(description="what is measured")
    lines: Lines | None = Field(default=None, description="over which lines; the target scope where left out")
    operator: Literal[">=", ">", "<=", "<", "="] = Field(description="how it is compared")
    figure: Figure = Field(description="with what")


class Bounds(Part):
    """An amount per participant and period, and one for all participants of a period together."""

    participant: Money | None = Field(default=None, description="per participant (group, where aggregated) and period")
    program: Money | None = Field(default=None, description="per period, over all participants")


class Payee(Part):
    """One role that is paid, and its share."""

    role: PayeeRole = Field(description="role on the line; participant is the one who is measured")
    share: Share = Field(description="percent of the payout; all shares add up to 100")
    fallback: Name = Field(
        default="unpaid", description="partner id that is paid where the line lacks the role, or unpaid"
    )


class Stacking(Part):
    """How the program stands to others of the same group."""

    group: Name = Field(description="name of the stacking group; its programs share rule and currency")
    rule: Literal["stack", "best_of", "priority", "net_of"] = Field(
        default="stack", description="see docs/semantics.md 8"
    )
    order: Order | None = Field(default=None, description="priority and net_of: place in the order, lowest first")
    reduced_by_earlier: Flag = Field(default=True, description="net_of: lines are reduced by what earlier programs pay")
    reduces_later: Flag = Field(default=True, description="net_of: what this program pays reduces later ones")


class Authorization(Part):
    """One row of a special-price authorisation."""

    number: Name = Field(description="number that lines quote; rows may share it, e.g. one per product")
    partner: Name = Field(description="partner id")
    end_customer: Name = Field(description="end customer id")
    product: Name = Field(description="product id")
    valid_from: Day = Field(description="first day")
    valid_to: Day = Field(description="last day")
    quantity: Limit = Field(description="authorised base units")
    reference_cost: Money | None = Field(
        default=None, description="contract_price, percent, margin_protection: cost per base unit that the partner paid"
    )
    contract_price: Money | None = Field(default=None, description="contract_price: that price per base unit")


class PriceDifference(Part):
    """Ship and debit, special price: paid per sell-through line that quotes an authorisation."""

    method: Literal["contract_price", "amount", "percent", "margin_protection"] = Field(
        description="reference cost less contract price, an amount or percent off, or margin protection"
    )
    amount: Money | None = Field(default=None, description="amount: off per base unit")
    percent: Percent | None = Field(default=None, description="percent: off the reference cost")
    protected_margin: Percent | None = Field(default=None, description="margin_protection: percent of the resale price")
    authorizations: tuple[Authorization, ...] = Field(
        description="the authorisations; what exceeds the quantity of a row is not paid"
    )


class Fund(Part):
    """Co-op, market development: a percent of lines builds a fund that approved claims draw down."""

    percent: Percent = Field(description="percent of the lines' amount")
    expires_on: Day = Field(description="last day of claims; what is left then expires")


class Accrual(Part):
    """How the liability of an open period is found."""

    method: Literal["earned", "expected", "most_likely", "fixed_rate", "straight_line"] = Field(
        default="earned", description="see docs/semantics.md 10"
    )
    forecast: Literal["run_rate", "seasonality", "given"] | None = Field(
        default=None, description="expected, most_likely: the forecast of the full period"
    )
    figures: Figures = Field(default_factory=dict, description="forecast given: the forecasts of the basis")
    percent: Percent | None = Field(default=None, description="fixed_rate: percent of the payout base")
    per_unit: PerUnit | None = Field(default=None, description="fixed_rate: amount per base unit")
    threshold: Money = Field(default=Decimal(0), description="smaller differences are left for the next run")


class Advances(Part):
    """Partial settlement of an open period, netted from the final one."""

    every: Literal["month", "quarter", "half_year"] = Field(description="how often")
    percent: Percent = Field(description="percent of what is earned so far")


class Settlement(Part):
    """When and how a payout is paid."""

    lag_days: Days = Field(description="days after the end of the period")
    instrument: Literal["credit_memo", "supplier_invoice", "deduction_match"] = Field(description="how it is paid")
    minimum_payment: Money = Field(default=Decimal(0), description="less than this is carried forward")
    negative: Literal["carry", "invoice"] = Field(
        default="carry", description="a negative amount is carried against the next payments, or invoiced"
    )
    claim_required: Flag = Field(default=False, description="paid only on an approved claim")
    advances: Advances | None = Field(default=None, description="partial settlement of an open period")


class Program(Part):
    """One version of one program."""

    id: ProgramId = Field(description="the program's id, the same in all its versions")
    version: Version = Field(description="a change to an approved program is a new version")
    name: Text = Field(description="short name")
    description: Text = Field(description="what it rewards, for whom, in a sentence or two")
    owner: Text = Field(description="who answers for it")
    currency: Currency = Field(description="currency of all its amounts")
    legal_entity: Name = Field(description="legal entity that grants it (seeds/reference/legal_entity.csv)")
    valid_from: Day = Field(description="first day whose lines count")
    valid_to: Day = Field(description="last day whose lines count")
    measurement: Measurement = Field(description="measurement period, in the fiscal calendar")
    calendar: Name | None = Field(
        default=None,
        description="fiscal calendar (seeds/reference/fiscal_month.csv); that of the legal entity where left out",
    )
    supersedes: ProgramKey | None = Field(default=None, description="the earlier version that this one replaces")
    replaces: Literal["from_valid_from", "period_start"] = Field(
        default="from_valid_from",
        description="with supersedes: from its `valid_from` on, or from the start of the measurement period "
        "in which that day lies, so that this version measures the whole period",
    )
    lifecycle: tuple[LifecycleStep, ...] = Field(
        description="every step so far, oldest first; the last one is the status"
    )
    participants: Participants = Field(description="whose purchases are measured")
    lines: Lines = Field(description="earning scope: the lines that are paid on")
    target_lines: Lines | None = Field(
        default=None,
        description="target scope: the lines that count towards the tiers; the earning scope where left out",
    )
    basis: Basis | None = Field(default=None, description="the number that the tiers look at; required with tiers")
    cumulation: Literal["reset", "to_date"] = Field(
        default="reset", description="each period stands alone, or basis and payout base run from the program's start"
    )
    tiers: Tiers | None = Field(
        default=None, description="thresholds and rates; required but for price_difference and fund"
    )
    growth_payout: Literal["all", "on_growth", "marginal_growth"] = Field(
        default="all", description="growth: what is paid on"
    )
    gates: tuple[Gate, ...] = Field(default=(), description="conditions, all of which must hold or nothing is paid")
    cap: Bounds = Field(default=Bounds(), description="at most this is paid")
    floor: Bounds = Field(default=Bounds(), description="at least this is paid, once the gates hold")
    budget: Money | None = Field(
        default=None, description="over all participants and periods of the version: payouts are scaled down to it"
    )
    aggregate: Literal["participant", "group"] = Field(
        default="participant", description="tiers look at the participant alone, or at the sum over its group"
    )
    payees: tuple[Payee, ...] = Field(
        default=(Payee(role="participant", share=Decimal(100)),), description="whom the program pays: the participant"
    )
    stacking: Stacking | None = Field(default=None, description="how it stands to other programs; alone where left out")
    price_difference: PriceDifference | None = Field(
        default=None, description="stands instead of tiers: ship and debit"
    )
    fund: Fund | None = Field(default=None, description="stands instead of tiers: co-op, market development")
    accrual: Accrual = Field(default=Accrual(), description="how the liability of an open period is found")
    settlement: Settlement = Field(description="when and how it is paid")
    fx_max_age_days: Days = Field(
        default=10, description="how old an exchange rate may be on the line's date; else the line does not count"
    )

    @property
    def key(self) -> str:
        """``<id>@<version>``: names this version everywhere."""
        return f"{self.id}@{self.version}"

    @property
    def status(self) -> str:
        """The step that the document is at."""
        return self.lifecycle[-1].step

    def step(self, name: str) -> LifecycleStep | None:
        """The latest step of that name since the document was last a draft; None if there is none."""
        for step in reversed(self.lifecycle):
            if step.step == name:
                return step
            if step.step == "draft":
                return None
        return None

    @property
    def kind(self) -> Literal["tiers", "price_difference", "fund"]:
        """What it pays by."""
        if self.price_difference is not None:
            return "price_difference"
        return "tiers" if self.fund is None else "fund"

    def rated(self) -> tuple[Basis, Tiers]:
        """Basis and tiers, also of what stands instead of tiers.

        A price difference is paid in full on each line, and a fund is a percent of the amount: both are
        one tier from zero (docs/semantics.md 5). ValueError for a document that has neither.
        """
        if self.basis is not None and self.tiers is not None:
            return self.basis, self.tiers
        if self.price_difference is None and self.fund is None:
            raise ValueError(f"{self.key} has no tiers")
        percent = Decimal(100) if self.fund is None else self.fund.percent
        levels = (Level(**{"from": Decimal(0)}, rate=percent),)
        return Basis(kind="amount"), Tiers(method="retrospective", rate_kind="percent", levels=levels)
