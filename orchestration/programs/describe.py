"""A program on one screen of plain text: ``describe``.

What belongs here: wording for people. What does not: anything that decides a figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from textwrap import wrap

from orchestration.programs.load import LoadedProgram
from orchestration.programs.schema import Level, Lines, ParticipantNames, Participants, Program, Range, Tiers

WIDTH = 100
INDENT = 15

GROWTH_PAYOUT = {
    "all": "all purchases",
    "on_growth": "the growth",
    "marginal_growth": "the growth in each band",
}


def describe(loaded: LoadedProgram) -> str:
    """What the program says, in plain text of at most WIDTH characters a line, without a final newline."""
    program = loaded.program
    basis, tiers = program.rated()
    days = f"{program.valid_from} to {min(program.valid_to, max(loaded.last_day, program.valid_from))}"
    if loaded.last_day < program.valid_from:
        days += " (superseded from its first day)"
    elif loaded.last_day < program.valid_to:
        days += f" (superseded; was to {program.valid_to})"
    growth = f", paid on {GROWTH_PAYOUT[program.growth_payout]}" if basis.kind == "growth" else ""
    whole = " of the group" if program.aggregate == "group" else ""
    rows: list[tuple[str, str]] = [
        ("what", program.description),
        ("owner", f"{program.owner}; {program.legal_entity}, {program.currency}"),
        ("valid", f"{days}, measured per {_words(program.measurement)}"),
        ("status", _status(loaded)),
        ("participants", _participants(program.participants)),
        ("paid on", _lines(program.lines)),
        ("tiers look at", f"{_words(basis.kind)}{whole}{growth}" + _target(program)),
        ("tiers", f"{_words(tiers.method)}, bounds {tiers.boundary}{_tier_options(tiers)}"),
        *(("", line) for line in _levels(program, tiers)),
        ("payees", "; ".join(_payee(payee.role, payee.share, payee.fallback) for payee in program.payees)),
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


def _lines(lines: Lines) -> str:
    def products(names: object) -> list[tuple[str, Sequence[str]]]:
        kinds = ("skus", "families", "brands", "categories", "segments")
        labels = ("products", "families", "brands", "categories", "product segments")
        return [(label, getattr(names, kind)) for label, kind in zip(labels, kinds, strict=True)]

    def others(names: object) -> list[tuple[str, Sequence[str]]]:
        kinds = ("end_customer_segments", "channels", "regions", "document_types")
        return [(_words(kind).replace("end customer", "end-customer"), getattr(names, kind)) for kind in kinds]

    included = _named(products(lines.products) + others(lines))
    excluded = _named(products(lines.products.exclude) + others(lines.exclude))
    limits = ", ".join(
        text for name in ("price", "quantity", "amount") if (text := _range(name, getattr(lines.limits, name)))
    )
    text = f"{_words(lines.stream).replace(' ', '-')}: {included or 'every product'}"
    text += f"; without {excluded}" if excluded else ""
    return text + (f"; {limits} per line" if limits else "")


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
    unit = " %" if program.basis is not None and program.basis.kind in ("growth", "attainment") else ""
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
    if program.cap.participant is not None:
        parts.append(f"at most {_number(program.cap.participant)} {program.currency} per participant and period")
    return ", ".join(parts)
