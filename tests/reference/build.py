"""Small inputs for tests: rows and program tables with everything that a test does not care about.

What belongs here: builders of dictionaries. What does not: calculations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tests.reference.calculate import Inputs

Dict = dict[str, Any]
AS_OF = date(2017, 12, 31)


def line(
    number: str,
    net_amount: str,
    *,
    quantity: str = "1",
    day: date = date(2017, 3, 1),
    partner: str | None = "R-1",
    product: str = "P-1",
    **columns: Any,
) -> Dict:
    """Return one accepted sell-in line; ``number`` is its document number."""
    return {
        "stream": "sell_in",
        "document_number": number,
        "line_number": "1",
        "document_type": "invoice",
        "document_date": day,
        "reference_document_number": None,
        "record_intent": "original",
        "sold_to_id": partner,
        "ship_to_id": None,
        "distributor_id": None,
        "reseller_id": None,
        "end_customer_id": None,
        "end_customer_name": None,
        "product_id": product,
        "quantity": Decimal(quantity),
        "unit": "EA",
        "net_amount": Decimal(net_amount),
        "currency": "USD",
        "authorization_number": None,
        "sales_rep_id": None,
        "region": None,
        "source": "erp",
        "file_sequence": 1,
        "file_hash": "0" * 64,
        "row_number": 1,
        "verdict": "accepted",
        "rules_failed": None,
        **columns,
    }


def partner(partner_id: str, **columns: Any) -> Dict:
    """Return one partner, a reseller in the grocery channel."""
    return {
        "partner_id": partner_id,
        "partner_name": partner_id,
        "partner_type": "reseller",
        "parent_partner_id": None,
        "channel": "grocery",
        "region": "NORTH",
        "country": "US",
        **columns,
    }


def product(product_id: str, **columns: Any) -> Dict:
    """Return one product whose base unit is EA."""
    return {
        "product_id": product_id,
        "product_name": product_id,
        "family": "F-1",
        "brand": "B-1",
        "category": "C-1",
        "base_unit": "EA",
        "list_price": None,
        **columns,
    }


def membership(
    partner_id: str, group_id: str, valid_from: date = date(2017, 1, 1), valid_to: date | None = None
) -> Dict:
    """Return one membership of a group."""
    return {"partner_id": partner_id, "group_id": group_id, "valid_from": valid_from, "valid_to": valid_to}


def tier_of(partner_id: str, tier: str, valid_from: date = date(2017, 1, 1), valid_to: date | None = None) -> Dict:
    """Return one tier of a partner."""
    return {"partner_id": partner_id, "tier": tier, "valid_from": valid_from, "valid_to": valid_to}


def scope_rule(dimension: str, value: str, rule: str = "include") -> Dict:
    """Return one rule of a scope, or of the subset of a share, without its key."""
    return {"rule": rule, "dimension": dimension, "value": value}


def gate(
    kind: str,
    operator: str,
    required: str,
    *,
    scope: Dict | None = None,
    rules: Iterable[Dict] | None = None,
    subset: Iterable[Dict] = (),
    figures: Iterable[tuple[str, str, str]] = (),
    **columns: Any,
) -> Dict:
    """Return one gate of a program; with ``scope`` or ``rules`` it has lines of its own."""
    return {
        "measure": {"kind": kind, "operator": operator, "required": Decimal(required), **columns},
        "scope": scope,
        "rules": rules,
        "subset": list(subset),
        "figures": list(figures),
    }


def authorization(number: str = "A-1", **columns: Any) -> Dict:
    """Return one authorisation of 100 units of P-1 for partner R-1 and end customer H-1, in 2017."""
    return {
        "authorization_number": number,
        "partner_id": "R-1",
        "end_customer_id": "H-1",
        "product_id": "P-1",
        "valid_from": date(2017, 1, 1),
        "valid_to": date(2017, 12, 31),
        "quantity": Decimal(100),
        "reference_cost": None,
        "unit_amount": None,
        "protected_margin": None,
        **columns,
    }


def fund_claim(claim_id: str, amount: str, **columns: Any) -> Dict:
    """Return one approved claim of R-1 on the fund P, of 1 March 2017."""
    return {
        "claim_id": claim_id,
        "program_id": "P",
        "partner_id": "R-1",
        "claim_date": date(2017, 3, 1),
        "amount": Decimal(amount),
        "currency": "USD",
        "status": "approved",
        "approved_by": "Otto Brandt",
        "approved_on": date(2017, 3, 2),
        **columns,
    }


def segment_rule(segment_id: str, attribute: str, operator: str, value: str, **columns: str) -> Dict:
    """Return one rule of a segment, with the columns of trailing purchases left empty."""
    purchases = dict.fromkeys(("months", "of", "currency", "stream", "product_segment"), "")
    return {
        "segment_id": segment_id,
        "attribute": attribute,
        "operator": operator,
        "value": value,
        **purchases,
        **columns,
    }


def _measure(key: str, number: int, scope_key: str, columns: Dict) -> Dict:
    return {
        "measure_key": f"{key}:gate_{number}" if number else f"{key}:basis",
        "program_key": key,
        "gate_number": number,
        "name": None,
        "scope_key": scope_key,
        "of": "amount" if columns["kind"] in ("growth", "attainment", "share") else None,
        "baseline": "given" if columns["kind"] == "growth" else None,
        "treat_as": None,
        "new_partner_baseline": None,
        "counted": "documents" if columns["kind"] == "count" else None,
        "operator": None,
        "required": None,
        **columns,
    }


def program(
    key: str = "P@1",
    *,
    tiers: Sequence[tuple[str, str | None] | tuple[str, str | None, str]] = (("0", "0.10"),),
    payees: Iterable[Dict] = (),
    participants: Iterable[tuple[str, str, str | None]] = (("include", "all", None),),
    earning: Dict | None = None,
    earning_rules: Iterable[Dict] = (),
    target: Dict | None = None,
    target_rules: Iterable[Dict] | None = None,
    measure: Dict | None = None,
    subset: Iterable[Dict] = (),
    figures: Iterable[tuple[str, str, str]] = (),
    gates: Iterable[Dict] = (),
    accepted: Iterable[tuple[str, date]] | None = None,
    authorizations: Iterable[Dict] = (),
    **columns: Any,
) -> dict[str, list[Dict]]:
    """Return the tables of one program: by default 10 % from 0, retrospective, per year, to the participant.

    ``tiers``: (threshold, rate, flat amount). ``measure``: further columns of the basis. ``figures`` of
    the basis: (participant, period, figure). ``subset``: the products of a share. ``accepted``:
    enrolment by acceptance. ``target_rules`` None: the earning scope is the target scope.
    """
    plain = {"program_key": key, "stream": "sell_in", "double_counting": None, "returns": "by_return_date"}
    plain |= {f"{end}_{name}": None for end in ("min", "max") for name in ("price", "quantity", "amount")}
    scopes = [{**plain, "scope_key": f"{key}:earning", **(earning or {})}]
    rules = [{"scope_key": f"{key}:earning", **rule} for rule in earning_rules]
    target_scope = f"{key}:earning"
    if target is not None or target_rules is not None:
        target_scope = f"{key}:target"
        scopes.append({**plain, "scope_key": target_scope, **(target or {})})
        rules += [{"scope_key": target_scope, **rule} for rule in target_rules or ()]
    row = {
        "program_key": key,
        "program_id": key.partition("@")[0],
        "kind": "tiers",
        "calculated": True,
        "currency": "USD",
        "valid_from": date(2017, 1, 1),
        "valid_to": date(2017, 12, 31),
        "measurement": "year",
        "calendar": "months",
        "participant_role": "sold_to",
        "aggregate": "participant",
        "enrolment": "automatic" if accepted is None else "by_acceptance",
        "earning_scope": f"{key}:earning",
        "target_scope": target_scope,
        "basis_measure": f"{key}:basis",
        "basis": "amount",
        "cumulation": "reset",
        "growth_payout": "all",
        "boundary": "inclusive",
        "method": "retrospective",
        "rate_kind": "percent",
        "lump_sum": None,
        "increment": None,
        "participant_cap": None,
        "participant_floor": None,
        "program_cap": None,
        "program_floor": None,
        "budget": None,
        "stacking_group": None,
        "stacking_rule": None,
        "stacking_rank": None,
        "reduced_by_earlier": columns.get("stacking_rule") == "net_of",
        "reduces_later": columns.get("stacking_rule") == "net_of",
        "net_of_wave": 1,
        "fx_max_age_days": 10,
        "fund_expires_on": None,
        "price_method": None,
        **columns,
    }
    measures = [_measure(key, 0, target_scope, {"kind": row["basis"], **(measure or {})})]
    given = [(f"{key}:basis", figure) for figure in figures]
    products = [{"measure_key": f"{key}:basis", **rule} for rule in subset]
    for number, each in enumerate(gates, start=1):
        name, own = f"{key}:gate_{number}", each["scope"] is not None or each["rules"] is not None
        measures.append(_measure(key, number, name if own else target_scope, each["measure"]))
        given += [(name, figure) for figure in each["figures"]]
        products += [{"measure_key": name, **rule} for rule in each["subset"]]
        if own:
            scopes.append({**plain, "scope_key": name, **(each["scope"] or {})})
            rules += [{"scope_key": name, **rule} for rule in each["rules"] or ()]
    return {
        "program": [row],
        "program_tier": [
            {
                "program_key": key,
                "tier_number": number,
                "threshold": Decimal(tier[0]),
                "rate": None if tier[1] is None else Decimal(tier[1]),
                "flat_amount": Decimal(tier[2]) if len(tier) == 3 else None,
            }
            for number, tier in enumerate(tiers, start=1)
        ],
        "program_participant_rule": [
            {"program_key": key, "rule": rule, "kind": kind, "value": value} for rule, kind, value in participants
        ],
        "program_enrolment": [
            {"program_key": key, "participant_id": who, "accepted_on": day} for who, day in accepted or ()
        ],
        "program_scope": scopes,
        "program_scope_rule": rules,
        "program_measure": measures,
        "program_measure_product": products,
        "program_figure": [
            {"measure_key": name, "participant_id": who, "period_id": period, "figure": Decimal(figure)}
            for name, (who, period, figure) in given
        ],
        "program_authorization": [
            {"program_key": key, "authorization_id": f"{key}:{number}", **each}
            for number, each in enumerate(authorizations, start=1)
        ],
        "program_payee": [
            {
                "program_key": key,
                "payee_number": number,
                "role": "participant",
                "share": Decimal(100),
                "fallback_partner_id": None,
                **payee,
            }
            for number, payee in enumerate(list(payees) or [{}], start=1)
        ],
    }


def together(*programs: dict[str, list[Dict]]) -> dict[str, list[Dict]]:
    """Return the tables of several programs as one set."""
    return {table: [row for tables in programs for row in tables[table]] for table in programs[0]}


def inputs(programs: dict[str, list[Dict]], lines: Sequence[Dict], as_of: date = AS_OF, **more: Any) -> Inputs:
    """Return inputs: partners and products are those that the lines name, unless given as entities."""
    entities: dict[str, Sequence[Dict]] = dict(more.pop("entities", {}))
    roles = ("sold_to_id", "ship_to_id", "distributor_id", "reseller_id")
    named = {row[role] for row in lines for role in roles} - {None}
    known = {row["partner_id"] for row in entities.get("partner", ())}
    entities["partner"] = [*entities.get("partner", ()), *(partner(name) for name in sorted(named - known))]
    products = {row["product_id"] for row in entities.get("product", ())}
    missing = sorted({row["product_id"] for row in lines} - products)
    entities["product"] = [*entities.get("product", ()), *(product(name) for name in missing)]
    return Inputs(programs=programs, entities={"line": list(lines), **entities}, as_of=as_of, **more)
