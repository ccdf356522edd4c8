"""`rebates claims`: partners' claims as the published figures have them, and what people decide about them.

What belongs here: arguments and the layout of answers. Claims come from the published snapshot; decisions are
kept in landing/ by the claims room, and count with the next run.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestration.command import Refused, page, plain_errors, refused, settings_of_environment
from orchestration.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

    from orchestration.claims import Decision, Standing

OPEN = "status in ('in_review', 'disputed')"


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{option} {text!r}: expected YYYY-MM-DD, for example 2017-04-20") from None


def _table(settings: Settings, sql: str) -> pa.Table:
    from orchestration import publish

    if not (settings.published / "snapshot" / "CURRENT").is_file():
        raise Refused(f"nothing was published yet in {settings.data}: `rebates run --as-of DATE` does it")
    return publish.query(settings, sql)


def _rows(settings: Settings, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _table(settings, sql).to_pylist()
    return found


def named(settings: Settings, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows of fct_claim by name: its key, or PARTNER/NUMBER for all that a claim of the partner consists of.

    Raises Refused for a name that no claim has.
    """
    every = _rows(settings, "select * from fct_claim order by claim_key")
    chosen: dict[str, dict[str, Any]] = {}
    for name in names:
        mine = [row for row in every if name in (row["claim_key"], f"{row['partner_id']}/{row['claim_number']}")]
        if not mine:
            raise Refused(f"{name}: no claim of that name; `rebates claims list --all` shows them")
        chosen |= {row["claim_key"]: row for row in mine}
    return list(chosen.values())


def standing(row: dict[str, Any]) -> Standing:
    """A row of fct_claim as what is decided on."""
    from orchestration.claims import Standing

    columns = ("claim_key", "status", "currency", "claimed_amount", "earned_amount", "entered_by")
    given: dict[str, Any] = {column: row.get(column) for column in columns}
    return Standing(**given)


def _said(decision: Decision) -> None:
    effect = {"approve": "approved", "reject": "rejected", "dispute": "disputed", "review": "open again"}
    console = page()
    for claim in decision.claims:
        amount = f": {claim.amount:,.2f} {claim.currency}" if claim.amount else ""
        console.print(f"{claim.claim_key} {effect[decision.effect]}{amount}", markup=False)
    console.print(
        f"Decision {decision.number:06} by {decision.by} on {decision.decided_on}; it counts with the next run as of"
        " that day or later."
    )


@click.group()
def claims() -> None:
    """Partners' claims: compared with what was earned, approved by rule or by people."""


@claims.command("list")
@click.option("--partner", metavar="PARTNER", help="Claims of this partner only.")
@click.option("--status", metavar="STATUS", help="in_review, disputed, approved, rejected or paid.")
@click.option("--all", "every", is_flag=True, help="All claims, not only those that wait for a person.")
@click.option("--limit", default=30, show_default=True, metavar="N", help="How many to show.")
@plain_errors
def list_(partner: str | None, status: str | None, every: bool, limit: int) -> None:
    """Claims that wait for a person, greatest difference first."""
    from orchestration import screen

    statuses = ("in_review", "disputed", "approved", "rejected", "paid")
    if status is not None and status not in statuses:
        raise Refused(f"--status {status}: expected one of {', '.join(statuses)}")
    where = "true" if every or status else OPEN
    sql = f"select * from fct_claim where {where} order by abs(difference) desc, claim_key"
    rows = [
        row
        for row in _rows(settings_of_environment(), sql)
        if partner in (None, row["partner_id"]) and status in (None, row["status"])
    ]
    console = page()
    if not rows:
        console.print("No such claims.")
        return
    listed = [
        (row["claim_key"], str(row["claim_date"]), f"{row['claimed_amount']:,.2f}", f"{row['earned_amount']:,.2f}",
         f"{row['difference']:,.2f}", row["currency"], row["status"], row["reason"] or "", row["owner"] or "",
         str(row["due_date"] or ""))
        for row in rows[:limit]
    ]  # fmt: skip
    columns = ("claim", "date", "claimed", "earned", "difference", "", "status", "reason", "owner", "due")
    console.print(screen.table(f"{len(rows):,} claims, {len(listed)} shown (--limit)", columns, listed))


@claims.command("show")
@click.argument("claim")
@plain_errors
def show(claim: str) -> None:
    """CLAIM (its key, or PARTNER/NUMBER) with its lines, why it differs, and what was decided about it."""
    from orchestration import claims as room
    from orchestration import screen

    settings, console = settings_of_environment(), page()
    for row in named(settings, (claim,)):
        given = {key: value for key, value in row.items() if value is not None}
        console.print(screen.table(row["claim_key"], ("", ""), [(key, str(value)) for key, value in given.items()]))
        key = row["claim_key"].replace("'", "''")
        lines = _rows(
            settings,
            "select claim_line_number, document_number, line_number, product_id, quantity, unit, claimed_amount,"
            f" earned_amount, source, file_sequence, row_number from fct_claim_line where claim_key = '{key}'"
            " order by claim_line_number",
        )
        shown = [tuple("" if value is None else str(value) for value in line.values()) for line in lines]
        columns = (
            "line",
            "document",
            "its line",
            "product",
            "quantity",
            "",
            "claimed",
            "earned",
            "source",
            "receipt",
            "row",
        )
        console.print(screen.table("Lines", columns, shown))
        why = _rows(
            settings,
            f"select claim_line_number, reason, amount from rpt_claim_difference where claim_key = '{key}'"
            " order by claim_line_number, reason",
        )
        if why:
            differs = [(each["claim_line_number"] or "all", each["reason"], f"{each['amount']:,.2f}") for each in why]
            console.print(screen.table("Why it differs", ("line", "reason", "amount"), differs))
        made = [
            (f"{each.number:06}", each.decision, each.outcome or "", each.by, str(each.decided_on), each.comment)
            for each in room.read(settings)
            if row["claim_key"] in {one.claim_key for one in each.claims}
        ]
        if made:
            console.print(screen.table("Decisions", ("number", "decision", "outcome", "by", "on", "comment"), made))


def _decide(kind: str, names: tuple[str, ...], by: str, comment: str, day: str, **given: Any) -> None:
    from orchestration import claims as room

    settings = settings_of_environment()
    rows = [standing(row) for row in named(settings, names)]
    _said(room.decide(settings, kind, rows, by=by, comment=comment, decided_on=_day(day, "--date"), **given))


def _decision(command: Any) -> Any:
    """The options that every decision takes."""
    for option in (
        click.option(
            "--date", "day", required=True, metavar="DATE", help="Day of the decision; from then on it counts."
        ),
        click.option("--comment", required=True, metavar="TEXT", help="Why."),
        click.option("--by", required=True, metavar="NAME", help="Who decides."),
        click.argument("names", nargs=-1, required=True, metavar="CLAIM..."),
    ):
        command = option(command)
    return command


def _money(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        raise Refused(f"--amount {text!r}: expected a number like 120.50") from None


@claims.command("answer")
@click.option("--partner", metavar="PARTNER", help="Claims of this partner only.")
@click.option("--on", required=True, metavar="DATE", help="Day that the answers state; decided later is not answered.")
@click.option("--output", required=True, metavar="FOLDER", help="Where the files go; it knows what was answered.")
@plain_errors
def answer(partner: str | None, on: str, output: str) -> None:
    """Answer decided claims: an X12 849 to claims that came as X12 844, a CSV file to all others."""
    from orchestration import intake, publish

    settings, day = settings_of_environment(), _day(on, "--on")
    rows = _table(settings, publish.ANSWERED.format(day=day))
    if partner is not None:
        rows = rows.filter([name == partner for name in rows["partner_id"].to_pylist()])
        if not rows:
            raise Refused(f"--partner {partner}: no claim of that partner; `rebates claims list --all` shows them")
    decided = rows.filter(rows["is_decided"])
    sequences = {number for number in decided["file_sequence"].to_pylist() if number is not None}
    made = publish.write_claim_answers(
        rows,
        Path(output),
        on=day,
        parties=intake.x12_parties(settings, sequences),
        units=publish.minor_units(settings),
    )
    console = page()
    for path in made.written:
        console.print(str(path), markup=False, soft_wrap=True)
    console.print(
        f"{made.answered:,} claims answered in {len(made.written):,} files; {made.known:,} were answered so before,"
        f" {made.waiting:,} are not wholly decided."
    )
    if made.refused:
        refused(console, list(made.refused))


@claims.command("approve")
@_decision
@click.option("--amount", metavar="AMOUNT", help="How much, of one claim; default: what is claimed and was earned.")
@click.option("--above-earned", is_flag=True, help="Approve more than was earned; it is paid once it is earned.")
@plain_errors
def approve(names: tuple[str, ...], by: str, comment: str, day: str, amount: str | None, above_earned: bool) -> None:
    """Approve CLAIMs, by their keys or as PARTNER/NUMBER."""
    _decide("approve", names, by, comment, day, amount=_money(amount), above_earned=above_earned)


@claims.command("reject")
@_decision
@click.option("--reason", metavar="CODE", help="Reason code for the partner, two characters of its list.")
@plain_errors
def reject(names: tuple[str, ...], by: str, comment: str, day: str, reason: str | None) -> None:
    """Reject CLAIMs, by their keys or as PARTNER/NUMBER."""
    _decide("reject", names, by, comment, day, reason_code=reason)


@claims.command("dispute")
@_decision
@click.option("--owner", required=True, metavar="NAME", help="Who settles it with the partner.")
@click.option("--due", required=True, metavar="DATE", help="By when.")
@plain_errors
def dispute(names: tuple[str, ...], by: str, comment: str, day: str, owner: str, due: str) -> None:
    """Open a dispute about CLAIMs: nothing of them is approved until it is resolved."""
    _decide("dispute", names, by, comment, day, owner=owner, due_date=_day(due, "--due"))


@claims.command("resolve")
@_decision
@click.option("--outcome", required=True, metavar="OUTCOME", help="approved, rejected or reopened.")
@click.option("--amount", metavar="AMOUNT", help="How much is approved, of one claim.")
@click.option("--above-earned", is_flag=True, help="Approve more than was earned; it is paid once it is earned.")
@click.option("--reason", metavar="CODE", help="Reason code for the partner, two characters of its list.")
@plain_errors
def resolve(
    names: tuple[str, ...],
    by: str,
    comment: str,
    day: str,
    outcome: str,
    amount: str | None,
    above_earned: bool,
    reason: str | None,
) -> None:
    """End the dispute about CLAIMs, with its outcome."""
    given = {"amount": _money(amount), "above_earned": above_earned, "reason_code": reason}
    _decide("resolve", names, by, comment, day, outcome=outcome, **given)
