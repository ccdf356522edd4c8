"""A program on one screen of plain text: ``describe``.

What belongs here: wording for people. What does not: anything that decides a figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from textwrap import wrap

from orchestration.programs.loaded import LoadedProgram
from orchestration.programs.rules import PERCENT_BASES
from orchestration.programs.schema import (
    Basis,
    Gate,
    Level,
    LineNames,
    Lines,
    ParticipantNames,
    Participants,
    PriceDifference,
    ProductNames,
    Program,
    Range,
    Tiers,
)

WIDTH = 100
INDENT = 15

GROWTH_PAYOUT = {
    "all": "all purchases",
    "on_growth": "the growth",
    "marginal_growth": "the growth in each band",
}


PRICE_METHOD = {
    "contract_price": "the reference cost less the contract price",
    "amount": "an amount off each unit",
    "percent": "a percent off the reference cost",
    "margin_protection": "what protects the margin at the resale price",
}

STREAM = {"sell_in": "sell-in", "sell_through": "sell-through"}

STACKING = {
    "stack": "each pays in full",
    "best_of": "per participant and period only the highest payout stands",
    "priority": "a line counts for the first program only",
    "net_of": "lines are reduced by what earlier programs pay",
}


def describe(loaded: LoadedProgram) -> str:
    """What the program says, in plain text of at most WIDTH characters a line, without a final newline."""
    program = loaded.program
    rows: list[tuple[str, str]] = [
        ("what", program.description),
        ("owner", f"{program.owner}; {program.legal_entity}, {program.currency}"),
        ("valid", _valid(loaded)),
        ("status", _status(loaded)),
        ("participants", _participants(program.participants)),
        ("paid on", _lines(program.lines)),
        *_pays_by(program),
        *_labelled("gates", [_gate(gate, position) for position, gate in enumerate(program.gates, start=1)]),
        *_labelled("bounds", _bounds(program)),
        ("payees", "; ".join(_payee(payee.role, payee.share, payee.fallback) for payee in program.payees)),
        *_labelled("stacking", _stacking(program)),
        ("settlement", _settlement(program)),
        ("document", f"{loaded.file_name}, SHA-256 {loaded.document_hash[:16]}…"),
    ]
    lines = [f"{program.key}  {program.name}"]
    for label, text in rows:
        lines += wrap(
            text,
            WIDTH,
            initial_indent=f"  {label:<{INDENT}}",
            subsequent_indent=" " * (INDENT + 2),
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _labelled(label: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    """One row for each text, the first with the label."""
    return [("" if position else label, text) for position, text in enumerate(texts)]


def _valid(loaded: LoadedProgram) -> str:
    program = loaded.program
    days = f"{loaded.first_day} to {min(program.valid_to, max(loaded.last_day, loaded.first_day))}"
    if loaded.first_day < program.valid_from:
        days += f" (in force from {program.valid_from}, measures its whole first period)"
    if loaded.last_day < loaded.first_day:
        days += " (superseded from its first day)"
    elif loaded.last_day < program.valid_to:
        days += f" ({_ended(program)}; was to {program.valid_to})"
    cumulated = ", from the start to date" if program.cumulation == "to_date" else ""
    return f"{days}, measured per {_words(program.measurement)} (calendar {loaded.calendar}){cumulated}"


def _ended(program: Program) -> str:
    return program.status if program.status in ("suspended", "closed") else "superseded"


def _pays_by(program: Program) -> Iterator[tuple[str, str]]:
    """Tiers, or what stands instead of them."""
    if program.price_difference is not None:
        yield "pays", _price(program, program.price_difference)
        return
    if program.fund is not None:
        yield (
            "pays",
            f"{_number(program.fund.percent)} % of the amount builds a fund; approved claims draw on it "
            f"until {program.fund.expires_on}",
        )
        return
    basis, tiers = program.rated()
    growth = f", paid on {GROWTH_PAYOUT[program.growth_payout]}" if basis.kind == "growth" else ""
    whole = " of the group" if program.aggregate == "group" else ""
    yield "tiers look at", f"{_basis(basis)}{whole}{growth}" + _target(program)
    yield "tiers", f"{_words(tiers.method)}, bounds {tiers.boundary}{_tier_options(tiers)}"
    for line in _levels(program, tiers):
        yield "", line


def _price(program: Program, price: PriceDifference) -> str:
    given = {
        "amount": f" ({_money(program, price.amount)})",
        "percent": f" ({_percent(price.percent)})",
        "margin_protection": f" ({_percent(price.protected_margin)})",
    }.get(price.method, "")
    count = len(price.authorizations)
    rows = f"{count} row{'' if count == 1 else 's'}"
    pays = f"{PRICE_METHOD[price.method]}{given}, up to the authorised quantity"
    return f"per line that quotes an authorisation ({rows}): {pays}"


def _basis(basis: Basis) -> str:
    """What is measured, in words."""
    if basis.kind == "count":
        return f"number of {_words(basis.counted or '').replace('first time', 'first-time')}"
    of = " in quantity" if basis.kind in PERCENT_BASES and basis.of == "quantity" else ""
    if basis.kind == "share":
        subset = "every product" if basis.subset is None else _products(basis.subset) or "every product"
        without = "" if basis.subset is None else _products(basis.subset.exclude)
        return f"share{of} of ({subset}{'; without ' + without if without else ''})"
    if basis.kind != "growth":
        return f"{_words(basis.kind)}{of}"
    over = "given baselines" if basis.baseline == "given" else "the same period one year before"
    new = basis.new_partner
    instead = ""
    if new.treat_as is not None:
        instead = f" (new partners: as {_number(new.treat_as)} %)"
    elif new.baseline is not None:
        instead = f" (new partners: over {_number(new.baseline)})"
    return f"growth{of} over {over}{instead}"


def _gate(gate: Gate, number: int) -> str:
    unit = " %" if gate.basis.kind in PERCENT_BASES else ""
    over = "the lines that the tiers look at" if gate.lines is None else _lines(gate.lines)
    name = gate.name or str(number)
    return f"{name}: {_basis(gate.basis)} {gate.operator} {_number(gate.figure)}{unit}, over {over}"


def _bounds(program: Program) -> list[str]:
    parts = []
    for word, bounds in (("at most", program.cap), ("at least", program.floor)):
        if bounds.participant is not None:
            parts.append(f"{word} {_money(program, bounds.participant)} per participant and period")
        if bounds.program is not None:
            parts.append(f"{word} {_money(program, bounds.program)} per period over all participants")
    if program.budget is not None:
        parts.append(f"budget {_money(program, program.budget)} over all periods")
    return ["; ".join(parts)] if parts else []


def _stacking(program: Program) -> list[str]:
    group = program.stacking
    if group is None:
        return []
    order = "" if group.order is None else f", place {group.order}"
    flags = "" if group.reduced_by_earlier else "; is not reduced itself"
    flags += "" if group.reduces_later else "; reduces no later one"
    return [f"group {group.group}{order}: {STACKING[group.rule]}{flags}"]


def _money(program: Program, value: Decimal | None) -> str:
    return "" if value is None else f"{_number(value)} {program.currency}"


def _percent(value: Decimal | None) -> str:
    return "" if value is None else f"{_number(value)} %"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _role(name: str) -> str:
    return name.replace("_to", "-to").replace("_", " ")


def _number(value: Decimal) -> str:
    return f"{value:,f}"


def _status(loaded: LoadedProgram) -> str:
    program = loaded.program
    submitted, approved = program.step("submitted"), program.step("approved")
    parts = [program.status]
    if submitted:
        parts.append(f"submitted by {submitted.who} on {submitted.when}")
    if approved:
        parts.append(f"approved by {approved.who} on {approved.when}")
    parts.append("calculated" if loaded.calculated else "not calculated")
    return ", ".join(parts)


def _named(parts: Sequence[tuple[str, Sequence[str]]]) -> str:
    shown = []
    for label, names in parts:
        if names:
            more = f" and {len(names) - 8} more" if len(names) > 8 else ""
            shown.append(f"{label} {', '.join(names[:8])}{more}")
    return "; ".join(shown)


def _participants(who: Participants) -> str:
    def names(some: Participants | ParticipantNames) -> str:
        return _named((("segments", some.segments), ("partners", some.partners), ("groups", some.groups)))

    excluded = names(who.exclude)
    enrolled = "" if who.enrolment == "automatic" else f"; enrolled by acceptance ({len(who.acceptances)} accepted)"
    text = "everybody" if who.all else names(who)
    return f"{_role(who.role)} on the line: {text}{'; without ' + excluded if excluded else ''}{enrolled}"


def _products(names: ProductNames) -> str:
    kinds = ("skus", "families", "brands", "categories", "segments")
    labels = ("products", "families", "brands", "categories", "product segments")
    return _named([(label, getattr(names, kind)) for label, kind in zip(labels, kinds, strict=True)])


def _other_dimensions(names: LineNames) -> str:
    kinds = ("end_customer_segments", "channels", "regions", "document_types")
    return _named([(_words(kind).replace("end customer", "end-customer"), getattr(names, kind)) for kind in kinds])


def _lines(lines: Lines) -> str:
    included = "; ".join(filter(None, (_products(lines.products), _other_dimensions(lines))))
    excluded = "; ".join(filter(None, (_products(lines.products.exclude), _other_dimensions(lines.exclude))))
    limits = ", ".join(
        text for name in ("price", "quantity", "amount") if (text := _range(name, getattr(lines.limits, name)))
    )
    stream = STREAM.get(lines.stream, "both streams")
    if lines.double_counting is not None:
        stream += f" ({STREAM[lines.double_counting.removeprefix('prefer_')]} counts where both have the goods)"
    text = f"{stream}: {included or 'every product'}"
    text += f"; without {excluded}" if excluded else ""
    text += f"; {limits} per line" if limits else ""
    return text + ("; returns count with the document returned" if lines.returns == "by_original_document" else "")


def _range(name: str, limit: Range) -> str:
    parts = [f"from {_number(limit.min)}"] if limit.min is not None else []
    parts += [f"to {_number(limit.max)}"] if limit.max is not None else []
    return f"{name} {' '.join(parts)}" if parts else ""


def _target(program: Program) -> str:
    return ", over the same lines" if program.target_lines is None else f", over {_lines(program.target_lines)}"


def _tier_options(tiers: Tiers) -> str:
    if tiers.method == "lump_sum":
        return f", {tiers.lump_sum} amount"
    return "" if tiers.increment is None else f", per {_number(tiers.increment)}"


def _levels(program: Program, tiers: Tiers) -> Iterator[str]:
    unit = " %" if program.basis is not None and program.basis.kind in PERCENT_BASES else ""
    for level in tiers.levels:
        yield f"from {_number(level.from_)}{unit}: {_pays(program, tiers, level)}"


def _pays(program: Program, tiers: Tiers, level: Level) -> str:
    parts = []
    if level.rate is not None and tiers.rate_kind == "percent":
        parts.append(f"{_number(level.rate)} %")
    elif level.rate is not None:
        parts.append(f"{_number(level.rate)} {program.currency} per unit")
    if level.flat is not None:
        parts.append(f"{_number(level.flat)} {program.currency} flat")
    return " and ".join(parts)


def _payee(role: str, share: Decimal, fallback: str) -> str:
    instead = "" if role == "participant" else f" (else {fallback})"
    return f"{_role(role)} {_number(share)} %{instead}"


def _settlement(program: Program) -> str:
    settlement = program.settlement
    parts = [f"{_words(settlement.instrument)} {settlement.lag_days} days after the period"]
    if settlement.minimum_payment:
        parts.append(f"from {_number(settlement.minimum_payment)} {program.currency}")
    if settlement.advances:
        unit = _words(settlement.advances.every)
        parts.append(f"in advance every {unit} {_number(settlement.advances.percent)} % of what is earned so far")
    if settlement.negative == "invoice":
        parts.append("an amount below zero is invoiced")
    return ", ".join(parts)
