"""Which line counts in which scope, for whom, and if not, why not.

What belongs here: admission of participants, scopes, double counting (semantics 2 and 3). What does
not: sums over lines, what other programs of a stacking group do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.reference.lines import Line, Rates, Row
from tests.reference.master import Master, Segments
from tests.reference.periods import Calendar
from tests.reference.program import Program, Scope

UNREPORTED = ("no_participant", "not_admitted", "excluded", "not_enrolled", "product")
"""Reasons of lines that do not concern the program; they are in no report (as are other streams and dates)."""


@dataclass(frozen=True)
class Counted:
    """One line that counts in one scope. Amount in the program's currency, quantity in base units.

    ``day``: the effective date. ``group_id``: the group of the member on that day.
    """

    line: Line
    day: date
    period_id: str
    participant_id: str
    member_id: str
    group_id: str | None
    amount: Decimal
    quantity: Decimal

    @property
    def line_key(self) -> str:
        """Key of the line."""
        return self.line.key


@dataclass(frozen=True)
class Judged:
    """The lines of one scope: those that count, by line key, and why others do not.

    Lines of another stream, or outside the validity, are in neither.
    """

    counted: dict[str, Counted]
    excluded: dict[str, str]

    def leave_out(self, line_key: str, reason: str) -> None:
        """Take a line out that counted so far."""
        del self.counted[line_key]
        self.excluded[line_key] = reason


class Judge:
    """Decides on lines, one scope at a time."""

    def __init__(self, master: Master, segments: Segments, rates: Rates, calendars: Mapping[str, Calendar]) -> None:
        self.master = master
        self._segments, self._rates, self._calendars = segments, rates, calendars
        self._products: dict[tuple[tuple[int, ...], str, date], bool] = {}
        self._admitted: dict[tuple[str, str, date], tuple[str | None, str | None]] = {}

    def calendar(self, program: Program) -> Calendar:
        """Return the program's fiscal calendar."""
        return self._calendars[program.row["calendar"]]

    def participant_periods(self, program: Program, as_of: date) -> dict[str, list[str]]:
        """Return the measurement periods that each participant has, in order.

        Those in which it is admitted on some day up to the as-of date; under ``to_date`` also every
        later one that has begun.
        """
        calendar, measurement = self.calendar(program), program.row["measurement"]
        periods = calendar.periods(measurement, program.first_day, program.last_day)
        begun = [period for period, start in periods if start <= as_of]
        last = min(program.last_day, as_of)
        found: defaultdict[str, set[str]] = defaultdict(set)
        for partner_id in self.master.partners:
            for day in self._days(program, partner_id, {start for _, start in periods}, last):
                participant_id, _ = self.participant(program, partner_id, day)
                if participant_id is not None:
                    found[participant_id].add(calendar.period(measurement, day))
        return {
            participant_id: begun[min(begun.index(period) for period in mine) :]
            if program.to_date
            else [period for period in begun if period in mine]
            for participant_id, mine in sorted(found.items())
        }

    def _days(self, program: Program, partner_id: str, starts: set[date], last: date) -> list[date]:
        """Return the days up to the last one on which the partner's admission, or the period, may change."""
        first = program.first_day
        months = {date(year, month, 1) for year in range(first.year, last.year + 1) for month in range(1, 13)}
        accepted = {row["accepted_on"] for row in program.enrolments}
        days = {first} | starts | months | accepted | self.master.changes(partner_id)
        return [day for day in days if first <= day <= last]

    def participant(self, program: Program, partner_id: str, day: date) -> tuple[str | None, str | None]:
        """Return whom the partner's lines of the day count for: the participant, or None and the reason."""
        at = (program.key, partner_id, day)
        if at not in self._admitted:
            self._admitted[at] = self._participant(program, partner_id, day)
        return self._admitted[at]

    def _participant(self, program: Program, partner_id: str, day: date) -> tuple[str | None, str | None]:
        if partner_id not in self.master.partners:
            return None, "not_admitted"
        named = {rule["rule"] for rule in program.participants if self._names(rule, partner_id, day)}
        if "exclude" in named:
            return None, "excluded"
        if "include" not in named:
            return None, "not_admitted"
        by_group = program.row["aggregate"] == "group"
        participant_id = self.master.group(partner_id, day) if by_group else partner_id
        if program.row["enrolment"] == "by_acceptance" and not any(
            row["participant_id"] == participant_id and row["accepted_on"] <= day for row in program.enrolments
        ):
            return None, "not_enrolled"
        return (None, "no_group") if participant_id is None else (participant_id, None)

    def _names(self, rule: Row, partner_id: str, day: date) -> bool:
        kind, value = rule["kind"], rule["value"]
        if kind == "all":
            return True
        if kind == "partner":
            return bool(value == partner_id)
        if kind == "group":
            return value in self.master.groups(partner_id, day)
        if kind == "segment":
            return self._segments.holds(value, partner_id, day)
        raise ValueError(f"participant rule of kind {kind}: expected all, segment, partner or group")

    def scope(self, program: Program, scope: Scope, lines: Sequence[Line], *, year_before: bool = False) -> Judged:
        """Return which lines count in the scope, before stacking, and why the others do not.

        ``year_before``: each line as if it were dated one fiscal year later (baselines).
        """
        judged = Judged({}, {})
        for line in lines:
            verdict = self._line(program, scope, line, year_before)
            if isinstance(verdict, str):
                judged.excluded[line.key] = verdict
            elif verdict is not None:
                judged.counted[line.key] = verdict
        if scope.row["stream"] == "both":
            self._count_once(program, scope, judged)
        return judged

    def _count_once(self, program: Program, scope: Scope, judged: Judged) -> None:
        """Leave out lines of the stream that is not preferred where the preferred one has the same goods."""
        preferred = {"prefer_sell_in": "sell_in", "prefer_sell_through": "sell_through"}[scope.row["double_counting"]]

        def goods(counted: Counted) -> tuple[str, str, str]:
            month = self.calendar(program).month(counted.day)["month_id"]
            return counted.participant_id, counted.line.row["product_id"], month

        known = {goods(each) for each in judged.counted.values() if each.line.row["stream"] == preferred}
        for key, each in list(judged.counted.items()):
            if each.line.row["stream"] != preferred and goods(each) in known:
                judged.leave_out(key, "double_counting")

    def _line(self, program: Program, scope: Scope, line: Line, year_before: bool) -> Counted | str | None:
        row = line.row
        if row["stream"] not in scope.streams:
            return None
        calendar = self.calendar(program)
        day: date | None = line.original_day if scope.row["returns"] == "by_original_document" else line.day
        if year_before and day is not None:
            day = calendar.next_year(day)
        if day is None or not program.first_day <= day <= program.last_day:
            return None
        member_id = row[f"{program.row['participant_role']}_id"]
        if member_id is None:
            return "no_participant"
        participant_id, refused = self.participant(program, member_id, day)
        if refused in ("not_admitted", "excluded"):
            return refused
        if not self.product_in(scope.products, row["product_id"], day):
            return "product"
        if participant_id is None:
            return refused or ""
        if line.quantity is None:
            return "no_unit"
        age = program.row["fx_max_age_days"]
        rate = self._rates.rate(row["currency"], program.row["currency"], line.day, age)
        if rate is None:
            return "no_fx_rate"
        amount = Decimal(row["net_amount"]) * rate
        outside = self._outside(scope, line, member_id, day, amount, line.quantity)
        if outside is not None:
            return outside
        return Counted(
            line=line,
            day=day,
            period_id=calendar.period(program.row["measurement"], day),
            participant_id=participant_id,
            member_id=member_id,
            group_id=self.master.group(member_id, day),
            amount=amount,
            quantity=line.quantity,
        )

    def _outside(
        self, scope: Scope, line: Line, member_id: str, day: date, amount: Decimal, quantity: Decimal
    ) -> str | None:
        """Return the first limit of the scope that the line fails; None when it is inside."""
        for dimension, rules in scope.rules.items():
            hits = {rule["rule"] for rule in rules if self._dimension(rule, line.row, member_id, day)}
            if "exclude" in hits or ("include" not in hits and any(rule["rule"] == "include" for rule in rules)):
                unknown = dimension == "end_customer_segment" and line.row["end_customer_id"] is None
                return "end_customer_unknown" if unknown else dimension
        for name, value, per in (
            ("price", abs(amount), abs(quantity)),
            ("quantity", abs(quantity), Decimal(1)),
            ("amount", abs(amount), Decimal(1)),
        ):
            low, high = scope.row[f"min_{name}"], scope.row[f"max_{name}"]
            if (low is not None and value < low * per) or (high is not None and value > high * per):
                return f"{name}_limit"
        return None

    def product_in(self, rules: Sequence[Row], product_id: str, day: date) -> bool:
        """Say whether any include names the product (or there is none), and no exclude does."""
        if not rules:
            return True
        month = day.replace(day=1)  # product segments are dated by months
        at = (tuple(map(id, rules)), product_id, month)
        if at not in self._products:
            hits = {rule["rule"] for rule in rules if self._product(rule, product_id, month)}
            limited = any(rule["rule"] == "include" for rule in rules)
            self._products[at] = "exclude" not in hits and ("include" in hits or not limited)
        return self._products[at]

    def _product(self, rule: Row, product_id: str, day: date) -> bool:
        if rule["dimension"] == "product_segment":
            return self._segments.holds(rule["value"], product_id, day)
        column = "product_id" if rule["dimension"] == "sku" else rule["dimension"]
        return bool(self.master.products[product_id][column] == rule["value"])

    def _dimension(self, rule: Row, row: Row, member_id: str, day: date) -> bool:
        dimension, value = rule["dimension"], rule["value"]
        if dimension == "end_customer_segment":
            return self._segments.holds(value, row["end_customer_id"], day)
        if dimension == "document_type":
            return bool(row["document_type"] == value)
        partner = self.master.partners[member_id]
        if dimension == "channel":
            return bool(partner["channel"] == value)
        return bool((row["region"] or partner["region"]) == value)
