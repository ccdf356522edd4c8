"""What the fields of one document owe each other.

What belongs here: rules that look at one whole, well-typed document. What does not: types
(schema.py), other documents (load.py), what the warehouse calculates today (calculated.py).

Each rule yields a Problem per field that breaks it; all of them are reported at once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from orchestration.programs.reader import Problem
from orchestration.programs.schema import (
    Authorization,
    Basis,
    BasisKind,
    Figures,
    Lines,
    Part,
    PriceDifference,
    ProductNames,
    Program,
)

NEXT_STEPS: Mapping[str, tuple[str, ...]] = {
    "draft": ("submitted",),
    "submitted": ("approved", "draft"),
    "approved": ("active", "suspended", "closed"),
    "active": ("suspended", "closed"),
    "suspended": ("active", "closed"),
    "closed": (),
}
"""What may follow each step of the lifecycle. submitted to draft: sent back."""

PERIODS: Mapping[str, tuple[str, str]] = {
    "month": (r"\d{4}-(0[1-9]|1[0-2])", "2017-03"),
    "quarter": (r"\d{4}-Q[1-4]", "2017-Q1"),
    "half_year": (r"\d{4}-H[12]", "2017-H1"),
    "year": (r"\d{4}", "2017"),
    "program": (r"program", "program"),
}
"""Period ids of each measurement: pattern (but for `program` it begins with the fiscal year) and example."""

PERCENT_BASES: tuple[BasisKind, ...] = ("growth", "attainment", "share")
"""Bases in percent: their thresholds and figures have at most 4 decimals, which is what the models carry exactly."""

BASIS_FIELDS: Mapping[str, tuple[str, ...]] = {
    "amount": (),
    "quantity": (),
    "growth": ("of", "baseline", "figures", "new_partner"),
    "attainment": ("of", "figures"),
    "share": ("of", "subset"),
    "count": ("counted",),
}
"""The fields of `basis` that mean something for each kind."""

ACCRUAL_FIELDS: Mapping[str, tuple[str, ...]] = {
    "earned": (),
    "expected": ("forecast", "figures"),
    "most_likely": ("forecast", "figures"),
    "fixed_rate": ("percent", "per_unit"),
    "straight_line": (),
}
"""The fields of `accrual` that mean something for each method (threshold always does)."""

PRICE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "contract_price": (),
    "amount": ("amount",),
    "percent": ("percent",),
    "margin_protection": ("protected_margin",),
}
"""The fields of `price_difference` that each method needs; the others mean nothing for it."""

AUTHORIZATION_FIELDS: Mapping[str, tuple[str, ...]] = {
    "contract_price": ("reference_cost", "contract_price"),
    "amount": (),
    "percent": ("reference_cost",),
    "margin_protection": ("reference_cost",),
}
"""The same for each authorisation."""


def problems(program: Program) -> list[Problem]:
    """Everything in the document that contradicts itself; empty when it is consistent."""
    found: list[Problem] = []
    for rule in (_identity, _lifecycle, _participants, _scopes, _basis, _tiers, _growth_payout, _bounds, _payees):
        found.extend(rule(program))
    for rule in (_stacking, _price_difference, _fund, _accrual, _advances):
        found.extend(rule(program))
    return found


def bases(program: Program) -> Iterator[tuple[str, Basis]]:
    """The program's basis and those of its gates, with their paths."""
    if program.basis is not None:
        yield "basis", program.basis
    for position, gate in enumerate(program.gates):
        yield f"gates[{position}].basis", gate.basis


def figures(program: Program) -> Iterator[tuple[str, Figures]]:
    """All figures that the document gives by participant and period, with their paths."""
    for path, basis in bases(program):
        yield f"{path}.figures", basis.figures
    yield "accrual.figures", program.accrual.figures


def is_period(period: str, measurement: str) -> bool:
    """Whether the text names a period of that measurement."""
    return re.fullmatch(PERIODS[measurement][0], period) is not None


def _given(part: Part, names: Iterable[str]) -> list[str]:
    """Those of the fields that the document states."""
    return [name for name in names if name in part.model_fields_set]


def _identity(program: Program) -> Iterator[Problem]:
    if program.valid_to < program.valid_from:
        yield Problem("valid_to", f"{program.valid_to} is before valid_from {program.valid_from}")
    if program.supersedes is not None:
        program_id, _, version = program.supersedes.partition("@")
        if program_id != program.id or int(version) >= program.version:
            yield Problem(
                "supersedes",
                f"expected an earlier version of {program.id}, below {program.version}, got {program.supersedes}",
            )
    if "replaces" in program.model_fields_set and program.supersedes is None:
        yield Problem("replaces", "goes with supersedes: it says from when on the earlier version is replaced")
    if program.replaces == "period_start" and program.measurement == "program":
        yield Problem("replaces", "measurement program has one period for each version: expected from_valid_from")


def _lifecycle(program: Program) -> Iterator[Problem]:
    steps = program.lifecycle
    if steps[0].step != "draft":
        yield Problem("lifecycle[0].step", f"the first step is draft, not {steps[0].step}")
    for position in range(1, len(steps)):
        before, step = steps[position - 1], steps[position]
        allowed = NEXT_STEPS[before.step]
        if step.step not in allowed:
            expected = f"only {' or '.join(allowed)} may follow" if allowed else "nothing may follow"
            yield Problem(f"lifecycle[{position}].step", f"{step.step} after {before.step}: {expected}")
        if step.when < before.when:
            yield Problem(
                f"lifecycle[{position}].when", f"{step.when} is before the {before.step} step of {before.when}"
            )
        submitters = {earlier.who.casefold() for earlier in steps[:position] if earlier.step == "submitted"}
        if step.step == "approved" and step.who.casefold() in submitters:
            yield Problem(f"lifecycle[{position}].who", f"{step.who} submitted it: somebody else must approve")


def _both(path: str, included: Part, excluded: Part, names: Iterable[str]) -> Iterator[Problem]:
    for name in names:
        twice = sorted(set(getattr(included, name)) & set(getattr(excluded, name)))
        if twice:
            yield Problem(f"{path}.exclude.{name}", f"{', '.join(twice)}: both named and excluded")


def _participants(program: Program) -> Iterator[Problem]:
    who = program.participants
    named = _given(who, ("segments", "partners", "groups"))
    if who.all and named:
        yield Problem(f"participants.{named[0]}", "all names every partner: leave this out, or all")
    if not who.all and not named:
        yield Problem("participants", "nobody is named: give all: true, segments, partners or groups")
    yield from _both("participants", who, who.exclude, ("segments", "partners", "groups"))
    if who.acceptances and who.enrolment == "automatic":
        yield Problem("participants.acceptances", "enrolment is automatic: acceptances go with by_acceptance")
    seen: set[str] = set()
    for position, acceptance in enumerate(who.acceptances):
        path = f"participants.acceptances[{position}]"
        if acceptance.participant in seen:
            yield Problem(f"{path}.participant", f"{acceptance.participant} has accepted already, see above")
        seen.add(acceptance.participant)
        if acceptance.accepted_on > program.valid_to:
            yield Problem(f"{path}.accepted_on", f"{acceptance.accepted_on} is after valid_to {program.valid_to}")
        yield from _listed(program, f"{path}.participant", acceptance.participant)


def _listed(program: Program, path: str, participant: str) -> Iterator[Problem]:
    """A participant must be among those named, where the document names them one by one."""
    who = program.participants
    if who.all or who.segments:
        return
    if program.aggregate == "group":
        if not who.partners and participant not in who.groups:
            yield Problem(path, f"{participant} is none of the groups of participants: {', '.join(who.groups)}")
    elif not who.groups and participant not in who.partners:
        yield Problem(path, f"{participant} is none of the partners of participants: {', '.join(who.partners)}")


def _scopes(program: Program) -> Iterator[Problem]:
    yield from _scope("lines", program.lines)
    if program.target_lines is not None:
        yield from _scope("target_lines", program.target_lines)
    for position, gate in enumerate(program.gates):
        if gate.lines is not None:
            yield from _scope(f"gates[{position}].lines", gate.lines)


def _scope(path: str, lines: Lines) -> Iterator[Problem]:
    yield from _both(f"{path}.products", lines.products, lines.products.exclude, ProductNames.model_fields)
    yield from _both(path, lines, lines.exclude, ("end_customer_segments", "channels", "regions", "document_types"))
    for names, where in ((lines, path), (lines.exclude, f"{path}.exclude")):
        if len(set(names.document_types)) < len(names.document_types):
            yield Problem(f"{where}.document_types", "names a document type more than once")
    for name in ("price", "quantity", "amount"):
        limit = getattr(lines.limits, name)
        if limit.min is not None and limit.max is not None and limit.max < limit.min:
            yield Problem(f"{path}.limits.{name}.max", f"{limit.max} is below min {limit.min}")
    if lines.stream == "both" and lines.double_counting is None:
        yield Problem(f"{path}.double_counting", "required with stream both: say how double counting is avoided")
    if lines.stream != "both" and lines.double_counting is not None:
        yield Problem(f"{path}.double_counting", f"goes with stream both, not {lines.stream}")


def _basis(program: Program) -> Iterator[Problem]:
    for path, basis in bases(program):
        yield from _one_basis(path, basis)
    for path, given in figures(program):
        yield from _figures(program, path, given)
    for position, gate in enumerate(program.gates):
        yield from _bound(f"gates[{position}].figure", gate.basis.kind, gate.figure)


def _bound(path: str, kind: str, figure: Decimal) -> Iterator[Problem]:
    """A threshold, or the figure of a gate, in the units of its basis."""
    if kind in PERCENT_BASES and figure != round(figure, 4):
        yield Problem(path, f"expected a percent with at most 4 decimals, got {figure}")
    if kind == "count" and figure != round(figure):
        yield Problem(path, f"expected a whole number, as basis count is one, got {figure}")


def _one_basis(path: str, basis: Basis) -> Iterator[Problem]:
    for name in _given(basis, Basis.model_fields):
        if name != "kind" and name not in BASIS_FIELDS[basis.kind]:
            yield Problem(f"{path}.{name}", f"has no meaning for basis {basis.kind}")
    if basis.kind == "growth":
        if basis.baseline is None:
            yield Problem(f"{path}.baseline", "required for growth: lines or given")
        elif basis.baseline == "given" and not basis.figures:
            yield Problem(f"{path}.figures", "required for baseline given: participant: {period: figure}")
        elif basis.baseline == "lines" and basis.figures:
            yield Problem(f"{path}.figures", "go with baseline given, not lines")
        if basis.new_partner.treat_as is not None and basis.new_partner.baseline is not None:
            yield Problem(f"{path}.new_partner", "give treat_as or baseline, not both")
        for name in ("treat_as", "baseline"):
            if getattr(basis.new_partner, name) == 0:
                yield Problem(f"{path}.new_partner.{name}", "zero pays nothing: must be above zero, or no_payout")
    if basis.kind == "attainment":
        if not basis.figures:
            yield Problem(f"{path}.figures", "required for attainment: participant: {period: target}")
        for participant, by_period in basis.figures.items():
            for period, figure in by_period.items():
                if figure == 0:
                    yield Problem(f"{path}.figures.{participant}.{period}", "a target must be above zero")
    if basis.kind == "share" and basis.subset is None:
        yield Problem(f"{path}.subset", "required for share: the products whose share is taken")
    if basis.kind == "count" and basis.counted is None:
        yield Problem(f"{path}.counted", "required for count: documents, end_customers or first_time_end_customers")


def _figures(program: Program, path: str, given: Figures) -> Iterator[Problem]:
    for participant, by_period in given.items():
        yield from _listed(program, f"{path}.{participant}", participant)
        for period in by_period:
            if not is_period(period, program.measurement):
                example = PERIODS[program.measurement][1]
                yield Problem(
                    f"{path}.{participant}.{period}",
                    f"is no period of measurement {program.measurement}: expected one like {example}",
                )


def _kind(program: Program) -> str:
    return "none" if program.basis is None else program.basis.kind


def _tiers(program: Program) -> Iterator[Problem]:
    bodies = [name for name in ("tiers", "price_difference", "fund") if getattr(program, name) is not None]
    if not bodies:
        yield Problem("tiers", "required (or price_difference, or fund)")
    elif len(bodies) > 1:
        yield Problem(bodies[1], f"a program has one of tiers, price_difference and fund; {bodies[0]} is given too")
    tiers = program.tiers
    if (program.basis is None) != (tiers is None):
        yield Problem("basis", "required with tiers" if tiers else "goes with tiers, and only with them")
    if tiers is None:
        return
    for position, level in enumerate(tiers.levels):
        yield from _bound(f"tiers.levels[{position}].from", _kind(program), level.from_)
    for position in range(1, len(tiers.levels)):
        before, here = tiers.levels[position - 1].from_, tiers.levels[position].from_
        if here <= before:
            yield Problem(f"tiers.levels[{position}].from", f"{here} is not above {before}: tiers rise strictly")
    if (tiers.method == "lump_sum") != (tiers.rate_kind == "flat"):
        yield Problem("tiers.rate_kind", f"flat goes with method lump_sum, and only with it, not {tiers.method}")
    for position, level in enumerate(tiers.levels):
        path = f"tiers.levels[{position}]"
        if tiers.method == "lump_sum":
            if level.flat is None:
                yield Problem(f"{path}.flat", "required: method lump_sum pays flat amounts")
            if level.rate is not None:
                yield Problem(f"{path}.rate", "has no meaning for method lump_sum")
            continue
        if level.rate is None:
            yield Problem(f"{path}.rate", f"required for method {tiers.method}")
        elif tiers.rate_kind == "percent":
            if level.rate > 100:
                yield Problem(f"{path}.rate", f"expected a percent of at most 100, got {level.rate}")
            if level.rate != round(level.rate, 6):
                yield Problem(f"{path}.rate", f"expected at most 6 decimals of a percent, got {level.rate}")
        if level.flat is not None and tiers.method not in ("retrospective", "incremental", "total"):
            yield Problem(f"{path}.flat", f"has no meaning for method {tiers.method}")
    if tiers.method == "whole_increment":
        if tiers.increment is None:
            yield Problem("tiers.increment", "required for method whole_increment")
        if len(tiers.levels) > 1:
            yield Problem("tiers.levels", "method whole_increment has one level: increments above its threshold")
    elif tiers.increment is not None:
        yield Problem("tiers.increment", f"has no meaning for method {tiers.method}")
    if tiers.increment == 0:
        yield Problem("tiers.increment", "must be above zero")
    if tiers.method == "linear" and len(tiers.levels) < 2:
        yield Problem("tiers.levels", "method linear needs two levels or more: it runs between them")
    if tiers.method in ("linear", "whole_increment") and _kind(program) not in ("amount", "quantity"):
        yield Problem("tiers.method", f"{tiers.method} goes with basis amount or quantity, not {_kind(program)}")
    if "lump_sum" in tiers.model_fields_set and tiers.method != "lump_sum":
        yield Problem("tiers.lump_sum", f"has no meaning for method {tiers.method}")


def _growth_payout(program: Program) -> Iterator[Problem]:
    if program.growth_payout == "all":
        return
    path, kind = "growth_payout", program.growth_payout
    if _kind(program) != "growth":
        yield Problem(path, f"{kind} goes with basis growth, not {_kind(program)}")
    if program.target_lines is not None:
        yield Problem(
            "target_lines", f"growth_payout {kind} pays on the growth itself: earning and target scope are one"
        )
    if program.basis is not None and program.basis.new_partner.treat_as is not None:
        yield Problem("basis.new_partner.treat_as", f"goes with growth_payout all: with {kind} there is no growth")
    if program.tiers is None or program.basis is None:
        return
    expected = "percent" if program.basis.of == "amount" else "per_unit"
    if program.tiers.rate_kind != expected:
        yield Problem(
            "tiers.rate_kind",
            f"growth_payout {kind} pays on growth of {program.basis.of}: "
            f"expected {expected}, got {program.tiers.rate_kind}",
        )
    if kind == "marginal_growth" and program.tiers.method != "incremental":
        yield Problem("tiers.method", f"growth_payout marginal_growth is incremental, not {program.tiers.method}")


def _bounds(program: Program) -> Iterator[Problem]:
    for name in ("participant", "program"):
        cap, floor = getattr(program.cap, name), getattr(program.floor, name)
        if cap == 0:
            yield Problem(f"cap.{name}", "a cap of zero pays nothing: must be above zero")
        if cap is not None and floor is not None and floor > cap:
            yield Problem(f"floor.{name}", f"{floor} is above the cap of {cap}")
    if program.budget == 0:
        yield Problem("budget", "a budget of zero pays nothing: must be above zero")


def _payees(program: Program) -> Iterator[Problem]:
    total = sum((payee.share for payee in program.payees), Decimal(0))
    if total != 100:
        yield Problem("payees", f"shares add up to {total}, not 100")
    roles = [payee.role for payee in program.payees]
    for position, payee in enumerate(program.payees):
        path = f"payees[{position}]"
        if payee.share == 0:
            yield Problem(f"{path}.share", "must be above zero")
        if payee.role in roles[:position]:
            yield Problem(f"{path}.role", f"{payee.role} is named already, see above")
        if payee.role == "participant" and payee.fallback != "unpaid":
            yield Problem(f"{path}.fallback", "has no meaning: the participant is always known")


def _stacking(program: Program) -> Iterator[Problem]:
    stacking = program.stacking
    if stacking is None:
        return
    ordered = stacking.rule in ("priority", "net_of")
    if ordered and stacking.order is None:
        yield Problem("stacking.order", f"required for rule {stacking.rule}")
    if not ordered and stacking.order is not None:
        yield Problem("stacking.order", f"has no meaning for rule {stacking.rule}")
    if stacking.rule != "net_of":
        for name in _given(stacking, ("reduced_by_earlier", "reduces_later")):
            yield Problem(f"stacking.{name}", f"has no meaning for rule {stacking.rule}")


def _instead_of_tiers(program: Program, name: str) -> Iterator[Problem]:
    """What has no meaning for price_difference and fund, which have no tiers."""
    if program.target_lines is not None:
        yield Problem("target_lines", f"has no meaning with {name}: there are no tiers to look at them")


def _price_difference(program: Program) -> Iterator[Problem]:
    price = program.price_difference
    if price is None:
        return
    yield from _instead_of_tiers(program, "price_difference")
    if program.lines.stream != "sell_through":
        yield Problem("lines.stream", f"price_difference goes with sell_through, not {program.lines.stream}")
    yield from _needed("price_difference", price, PRICE_FIELDS, price.method)
    for position, authorization in enumerate(price.authorizations):
        path = f"price_difference.authorizations[{position}]"
        yield from _needed(path, authorization, AUTHORIZATION_FIELDS, price.method)
        if authorization.valid_to < authorization.valid_from:
            yield Problem(f"{path}.valid_to", f"{authorization.valid_to} is before {authorization.valid_from}")
        if authorization.quantity == 0:
            yield Problem(f"{path}.quantity", "must be above zero")
        cost, contract = authorization.reference_cost, authorization.contract_price
        if cost is not None and contract is not None and contract > cost:
            yield Problem(f"{path}.contract_price", f"{contract} is above the reference_cost of {cost}")
    yield from _overlaps(price)


def _needed(path: str, part: Part, fields: Mapping[str, tuple[str, ...]], method: str) -> Iterator[Problem]:
    """The fields that a price-difference method needs, and those that mean nothing for it."""
    for name in dict.fromkeys(name for names in fields.values() for name in names):
        value = getattr(part, name)
        if name in fields[method] and value is None:
            yield Problem(f"{path}.{name}", f"required for method {method}")
        if name not in fields[method] and value is not None:
            yield Problem(f"{path}.{name}", f"has no meaning for method {method}")
        if name in ("amount", "percent") and value == 0:
            yield Problem(f"{path}.{name}", "zero pays nothing: must be above zero")


def _overlaps(price: PriceDifference) -> Iterator[Problem]:
    """Rows of one number for the same goods and days: nothing would say which one a line draws from."""
    goods: defaultdict[tuple[str, ...], list[tuple[int, Authorization]]] = defaultdict(list)
    for position, here in enumerate(price.authorizations):
        rows = goods[here.number, here.partner, here.end_customer, here.product]
        for earlier, there in rows:
            if here.valid_from <= there.valid_to and there.valid_from <= here.valid_to:
                yield Problem(
                    f"price_difference.authorizations[{position}]",
                    f"{here.number} has {here.partner}, {here.end_customer}, {here.product} already "
                    f"from {there.valid_from} to {there.valid_to}, in authorizations[{earlier}]",
                )
                break
        rows.append((position, here))


def _fund(program: Program) -> Iterator[Problem]:
    fund = program.fund
    if fund is None:
        return
    yield from _instead_of_tiers(program, "fund")
    if fund.expires_on < program.valid_from:
        yield Problem("fund.expires_on", f"{fund.expires_on} is before valid_from {program.valid_from}")
    if fund.percent == 0:
        yield Problem("fund.percent", "zero pays nothing: must be above zero")
    if program.aggregate == "group":
        yield Problem("aggregate", "a fund is built and drawn by each partner: expected participant, got group")
    if program.cumulation == "to_date":
        yield Problem("cumulation", "a fund is built period by period: expected reset, got to_date")
    if [payee.role for payee in program.payees] != ["participant"]:
        yield Problem("payees", "a fund pays whoever built it: expected the participant alone")


def _accrual(program: Program) -> Iterator[Problem]:
    accrual = program.accrual
    method = accrual.method
    for name in _given(accrual, ("forecast", "figures", "percent", "per_unit")):
        if name not in ACCRUAL_FIELDS[method]:
            yield Problem(f"accrual.{name}", f"has no meaning for method {method}")
    if method != "earned" and program.kind != "tiers":
        yield Problem("accrual.method", f"{method} goes with tiers; a {program.kind} accrues what was earned")
    if method in ("expected", "most_likely"):
        yield from _forecast(program)
    if method == "fixed_rate" and (accrual.percent is None) == (accrual.per_unit is None):
        yield Problem("accrual.percent", "method fixed_rate needs one of percent and per_unit")
    if method == "straight_line" and (program.tiers is None or program.tiers.method != "lump_sum"):
        yield Problem("accrual.method", "straight_line spreads a lump sum: tiers.method must be lump_sum")


def _advances(program: Program) -> Iterator[Problem]:
    """No more is paid in advance than stands as a liability (docs/decisions/0187)."""
    if program.settlement.advances is None:
        return
    if program.kind == "fund":
        yield Problem("settlement.advances", "a fund is paid by its claims, whatever the day, not in advance")
    if program.accrual.method != "earned":
        reason = (
            f"are a part of what is earned so far: they go with accrual.method earned, not {program.accrual.method}"
        )
        yield Problem("settlement.advances", reason)


def _forecast(program: Program) -> Iterator[Problem]:
    accrual = program.accrual
    if accrual.forecast is None:
        yield Problem("accrual.forecast", f"required for method {accrual.method}: run_rate, seasonality or given")
    if (accrual.forecast == "given") != bool(accrual.figures):
        yield Problem("accrual.figures", "go with forecast given, and only with it: participant: {period: figure}")
    if accrual.forecast == "seasonality" and _kind(program) == "count":
        yield Problem("accrual.forecast", "seasonality goes with amounts and quantities, not with basis count")
    for participant, by_period in accrual.figures.items():
        for period, figure in by_period.items():
            yield from _bound(f"accrual.figures.{participant}.{period}", _kind(program), figure)
