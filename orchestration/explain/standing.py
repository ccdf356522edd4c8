"""Where one line stands in each program version: what it earned there, or why it earned nothing.

What belongs here: bringing together what the marts say of a line. Whether a line counts is not decided here:
fct_line_rebate and rpt_excluded_line say so of every line that a scope looks at, and fct_program_participant whom a
program admits. What a scope does not look at follows from its stream, its participants and its products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb

from orchestration.explain import outcome
from orchestration.explain.admission import why_not_admitted
from orchestration.explain.figures import counted_name, money, names
from orchestration.explain.reasons import Left, words
from orchestration.explain.snapshot import Row, by, memberships, on, rows

ROLES = ("sold_to", "ship_to", "distributor", "reseller")
RETURNS = ("return", "credit_memo")
PRODUCTS = {
    "sku": ("product", "products"),
    "family": ("family", "families"),
    "brand": ("brand", "brands"),
    "category": ("category", "categories"),
    "product_segment": ("product segment", "product segments"),
}
STATUS = {
    "draft": "a draft: it has not been submitted",
    "submitted": "submitted, not yet approved",
}


@dataclass
class Standing:
    """A line in one program version.

    ``earned``: its rows of fct_line_rebate with an amount, and their payouts' tiers. ``counts``: the payout by scope
    that it counts in (earning, target, gate_<n>). ``why``: why it earned nothing there; ``notes``: what else changed
    its part.
    """

    program: Row
    earned: list[Row] = field(default_factory=list)
    counts: dict[str, str] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Standings:
    """One line before all programs. ``line``: its row of fct_line; ``product``: of dim_product."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, line: Row, product: Row) -> None:
        self.connection, self.line, self.product = connection, line, product
        partners = [line[f"{role}_id"] for role in ROLES if line[f"{role}_id"] is not None]
        self.programs = rows(connection, "select * from dim_program order by program_key")
        self.scopes = by(rows(connection, "select * from dim_program_scope order by scope_key"), "program_key")
        self.rules: dict[tuple[str, str], list[Row]] = {}
        for rule in rows(connection, "select * from dim_program_rule order by all"):
            self.rules.setdefault((rule["program_key"], rule["scope"]), []).append(rule)
        self.admissions = rows(
            connection, "select * from fct_program_participant where list_contains(?::varchar[], partner_id)", partners
        )
        self.memberships = by(memberships(connection, partners), "partner_id")
        self.known = {
            row["partner_id"]
            for row in rows(
                connection, "select partner_id from dim_partner where list_contains(?::varchar[], partner_id)", partners
            )
        }
        self.excluded = {
            row["scope_key"]: row
            for row in rows(connection, "select * from rpt_excluded_line where line_key = ?", line["line_key"])
        }
        self.rebates = by(
            rows(
                connection,
                """select r.*, q.tier_number, q.tier_rate, q.rate_kind, q.method
                   from fct_line_rebate as r join fct_qualification as q using (payout_id)
                   where r.line_key = ? order by r.program_key, q.period_start, r.payee_id""",
                line["line_key"],
            ),
            "program_key",
        )
        self.original = self._original()
        days = {line["document_date"], self.original or line["document_date"]}
        self.days = {
            (row["calendar"], row["date_day"]): row
            for row in rows(connection, "select * from dim_date where list_contains(?::date[], date_day)", sorted(days))
        }

    def _original(self) -> date | None:
        """Earliest date of the document that a return refers to, as programs `by_original_document` take it."""
        if self.line["document_type"] not in RETURNS or self.line["reference_document_number"] is None:
            return None
        [row] = rows(
            self.connection,
            "select min(document_date) as day from fct_line where source = ? and document_number = ?",
            self.line["source"],
            self.line["reference_document_number"],
        )
        found: date | None = row["day"]
        return found

    def effective_date(self, scope: Row) -> date:
        """The day by which the line counts in a scope."""
        own: date = self.line["document_date"]
        return self.original or own if scope["returns"] == "by_original_document" else own

    def of(self, program: Row) -> Standing:
        """Where the line stands in one program version, with the reasons why it earned nothing."""
        standing = Standing(program)
        if not program["calculated"]:
            standing.why.append(f"not calculated: {STATUS.get(program['status'], 'superseded from its first day')}")
            return standing
        reasons: dict[str, list[str]] = {}
        for scope in self.scopes[program["program_key"]]:
            payout_id, why = self._in_scope(program, scope)
            if payout_id is None:
                reasons[scope["scope"]] = why
            else:
                standing.counts[scope["scope"]] = payout_id
        rebates = self.rebates.get(program["program_key"], [])
        standing.earned = [row for row in rebates if row["amount"]]
        standing.notes = self._notes(program, standing)
        if not standing.earned:
            standing.why = self._why(program, standing, reasons, rebates)
        return standing

    # --- does it count? ---------------------------------------------------------------------

    def _in_scope(self, program: Row, scope: Row) -> tuple[str | None, list[str]]:
        """The payout that the line counts for in a scope; else None and all that stands against it."""
        day = self.effective_date(scope)
        partner_id = self.line[f"{program['participant_role']}_id"]
        admission = self._admission(program, partner_id, day)
        row = self.excluded.get(scope["scope_key"])
        if row is not None:
            assert admission is not None, f"{scope['scope_key']} looks at a line of a partner that is not admitted"
            return None, [words(self._left(program, scope, admission, row))]
        why = []
        if scope["stream"] not in (self.line["stream"], "both"):
            reads, is_of = scope["stream"].replace("_", "-"), self.line["stream"].replace("_", "-")
            why.append(f"it reads {reads} lines, and this one is {is_of}")
        if not program["valid_from"] <= day <= program["valid_to"]:
            counts = (
                "is dated" if day == self.line["document_date"] else "counts on the date of the document it refers to,"
            )
            why.append(f"valid {program['valid_from']} to {program['valid_to']}; the line {counts} {day}")
        elif partner_id is None:
            why.append(f"it measures the {_role(program)} of a line, and this one names none")
        elif admission is None:
            rules = self.rules.get((program["program_key"], "participants"), [])
            held = self.memberships.get(partner_id, [])
            why.append(why_not_admitted(program, rules, held, partner_id, day, known=partner_id in self.known))
        why += self._why_no_product(program, scope)
        if why:
            return None, why
        assert admission is not None
        return f"{program['program_key']}:{admission['participant_id']}:{self._period(program, day)}", []

    def _admission(self, program: Row, partner_id: str | None, day: date) -> Row | None:
        found = [
            row
            for row in on(self.admissions, day)
            if row["program_key"] == program["program_key"] and row["partner_id"] == partner_id
        ]
        return found[0] if found else None

    def _period(self, program: Row, day: date) -> str:
        if program["measurement"] == "program":
            return "program"
        return str(self.days[program["calendar"], day][f"{program['measurement']}_id"])

    def _why_no_product(self, program: Row, scope: Row) -> list[str]:
        """Why the line's product is not in the scope; empty when it is."""
        rules = [
            rule
            for rule in self.rules.get((program["program_key"], scope["scope"]), [])
            if rule["dimension"] in PRODUCTS
        ]
        product, segments = self.product, (self.line["product_segments"] or "").split(";")
        held: Mapping[str, Sequence[str | None]] = {
            "sku": [product["product_id"]],
            "family": [product["family"]],
            "brand": [product["brand"]],
            "category": [product["category"]],
            "product_segment": segments,
        }
        excluded = [r for r in rules if r["rule"] == "exclude" and r["value"] in held[r["dimension"]]]
        if excluded:
            by_what = names(f"{PRODUCTS[rule['dimension']][0]} {rule['value']}" for rule in excluded)
            return [f"product {product['product_id']} is excluded by {by_what}"]
        includes = [r for r in rules if r["rule"] == "include"]
        if not includes or any(r["value"] in held[r["dimension"]] for r in includes):
            return []
        named = by(includes, "dimension")
        wanted = " or ".join(
            f"{counted_name(one, many, len(named[dimension]))} {names(r['value'] for r in named[dimension])}"
            for dimension, (one, many) in PRODUCTS.items()
            if dimension in named
        )
        return [f"product {product['product_id']} (family {product['family']}) is not in scope: it takes {wanted}"]

    def _left(self, program: Row, scope: Row, admission: Row, row: Row) -> Left:
        number = self.line["authorization_number"]
        authorizations = (
            rows(
                self.connection,
                "select * from rpt_authorization where program_key = ? and authorization_number = ? order by all",
                program["program_key"],
                number,
            )
            if program["kind"] == "price_difference" and number is not None
            else []
        )
        claimed_by = self._claimed_by(program) if row["reason"] == "stacking_priority" else None
        rules = self.rules.get((program["program_key"], scope["scope"]), [])
        return Left(row, self.line, self.product, program, scope, admission, rules, authorizations, claimed_by)

    def _claimed_by(self, program: Row) -> str:
        """The first program of the stacking group that the line counts for."""
        for earlier in self._earlier(program):
            for scope in self.scopes[earlier["program_key"]]:
                if scope["scope"] == "earning" and self._in_scope(earlier, scope)[0] is not None:
                    return str(earlier["program_key"])
        raise LookupError(f"{self.line['line_key']}: no program before {program['program_key']} claims the line")

    def _earlier(self, program: Row) -> list[Row]:
        """Calculated programs before this one in its stacking group, in their order."""
        found = [
            other
            for other in self.programs
            if other["calculated"]
            and other["stacking_group"] == program["stacking_group"]
            and other["stacking_rank"] < program["stacking_rank"]
        ]
        return sorted(found, key=lambda other: (other["stacking_rank"], other["program_key"]))

    # --- why does it earn nothing? ----------------------------------------------------------

    def _notes(self, program: Row, standing: Standing) -> list[str]:
        if program["stacking_rule"] != "net_of" or not program["reduced_by_earlier"] or not standing.counts:
            return []
        paid = {
            other["program_key"]: sum(row["amount"] for row in self.rebates.get(other["program_key"], []))
            for other in self._earlier(program)
            if other["reduces_later"]
        }
        paid = {key: amount for key, amount in paid.items() if amount}
        if not paid:
            return []
        return [
            f"its amount counts less {money(sum(paid.values()), program['currency'])}, which {names(paid)} pay on it"
            " (net_of)"
        ]

    def _why(
        self, program: Row, standing: Standing, reasons: Mapping[str, list[str]], rebates: Sequence[Row]
    ) -> list[str]:
        payout_id = standing.counts.get("earning")
        if payout_id is None:
            others = [_scope(name) for name in standing.counts]
            if others:
                return [f"it counts towards {' and '.join(others)}, but is not paid on", *reasons["earning"]]
            return reasons["earning"]
        [payout] = outcome.payouts(self.connection, "q.payout_id = ?", payout_id)
        said = f"it counts for {payout_id}, which pays {money(payout['payout'], payout['currency'])}"
        if payout["payout"]:
            if rebates and not rebates[0]["payout_base"]:
                return [f"{said}; the line adds nothing to what is paid on"]
            return [f"{said}; the line's own part of it rounds to nothing"]
        rules = outcome.rules_of(self.connection, payout_id)
        return [said, *outcome.why_nothing(self.connection, payout, rules)]


def _role(program: Row) -> str:
    return str(program["participant_role"]).replace("_", "-")


def _scope(name: str) -> str:
    return "the tiers" if name in ("target", "earning") else name.replace("_", " ")
