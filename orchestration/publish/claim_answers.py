"""What partners are told about their claims: an X12 849 where a claim came as X12 844, else a CSV file.

What belongs here: which claims are answered, what each line of them is allowed, why not more, and which files say so.
What does not: deciding (the claims room, the models), and the segments of an 849 (claim_response.py). The bytes depend
on the rows, the day and the parties alone.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from orchestration.publish.claim_response import Decision, write_claim_response
from orchestration.publish.format import PublishError
from orchestration.x12 import Parties

INDEX = "answered.csv"
"""What a folder's files have answered: the last answer of each claim, by a hash of what it says."""

INDEX_COLUMNS = ("partner_id", "claim_number", "content", "file")

REASONS = {
    "already_claimed": ("ZZ", "another claim is for the same"),
    "amount_differs": ("ZZ", "claimed is another amount than was earned"),
    "authorization_date": ("02", "the authorisation is not valid on the day of the sale"),
    "authorization_end_customer": ("01", "the authorisation is for another end customer"),
    "authorization_exceeded": ("04", "the quantity is beyond what is authorised"),
    "authorization_partner": ("01", "the authorisation is another partner's"),
    "authorization_product": ("03", "the product is not on the authorisation"),
    "authorization_unknown": ("01", "the authorisation is not known"),
    "currency": ("ZZ", "the claim is in another currency than the program"),
    "less_than_earned": ("ZZ", "more was earned than is claimed"),
    "more_than_earned": ("ZZ", "more is claimed than was earned in the period"),
    "no_authorization": ("01", "no valid authorisation is quoted"),
    "no_program": ("15", "the claim names no program"),
    "no_such_line": ("ZZ", "no sale of that number, line and product is on record"),
    "nothing_earned": ("05", "nothing was earned"),
    "nothing_named": ("15", "the claim names neither a document nor a program and period"),
    "out_of_period": ("ZZ", "the sale counts in another period than the claim names"),
    "partner_not_entitled": ("ZZ", "the program does not pay the partner for it"),
    "price_differs": ("06", "the price difference per unit is another one"),
    "product_not_eligible": ("ZZ", "the product is not part of the program"),
    "quantity_differs": ("ZZ", "the quantity is not that of the sale"),
    "rejected": ("09", "the claim was rejected"),
    "reduced": ("ZZ", "less than was claimed is approved"),
    "unknown_program": ("ZZ", "there is no such program"),
}
"""By reason of rpt_claim_difference: X12's reject reason (element 901; ZZ: as agreed) and words. Others are words as
they are, without underscores. `rejected` and `reduced`: by people, though nothing differs."""

ANSWERED = """
with claims as (
    select
        *,
        bool_and(status in ('approved', 'paid', 'rejected') and coalesce(decided_on, claim_date) <= date '{day}')
            over (partition by partner_id, claim_number) as is_decided
    from fct_claim
),
reasons as (
    select claim_key, claim_line_number, string_agg(reason, ',' order by abs(amount) desc, reason) as reasons
    from rpt_claim_difference
    group by all
),
lines as (
    select
        c.partner_id, c.claim_number, c.claim_key, c.status = 'rejected' as is_rejected, c.currency, c.claim_date,
        c.claimed_amount as claim_claimed, c.approved_amount as claim_approved, c.decided_by, c.reason as claim_reason,
        c.is_decided, l.claim_line_number, l.matched_program_id as program_id, l.matched_period_id as period_id,
        l.document_number, l.line_number, l.product_id, l.quantity, l.unit, l.authorization_number, l.file_sequence,
        l.claimed_amount, coalesce(r.reasons, w.reasons) as reasons,
        try_cast(l.claim_line_number as bigint) as line_order,
        greatest(-l.claimed_amount, 0) as taken_back,
        greatest(
            case when l.claim_kind = 'period' then l.claimed_amount else least(l.claimed_amount, l.earned_amount) end, 0
        ) as earned,
        greatest(l.claimed_amount, 0) as claimed
    from claims as c
    left join fct_claim_line as l on c.claim_key = l.claim_key
    left join reasons as r on l.claim_key = r.claim_key and l.claim_line_number = r.claim_line_number
    left join reasons as w on l.claim_key = w.claim_key and w.claim_line_number = ''
),
shares as (
    select
        *,
        claim_approved + sum(taken_back) over whole as to_share,
        sum(earned) over whole as all_earned,
        coalesce(sum(earned) over before, 0) as earned_before,
        coalesce(sum(claimed - earned) over before, 0) as beyond_before
    from lines
    window
        whole as (partition by claim_key),
        before as (
            partition by claim_key order by line_order nulls last, claim_line_number
            rows between unbounded preceding and 1 preceding
        )
)
select
    * exclude (line_order, taken_back, earned, claimed, to_share, all_earned, earned_before, beyond_before),
    cast(
        case
            when is_rejected then 0
            else
                greatest(least(earned, to_share - earned_before), 0)
                + greatest(least(claimed - earned, to_share - all_earned - beyond_before), 0)
                - taken_back
        end as decimal(18, 4)
    ) as approved_amount
from shares
order by partner_id, claim_number, claim_key, line_order nulls last, claim_line_number
"""
"""Lines of claims over the marts, with what each is allowed; ``{day}``: decided later is not decided. What is approved
of a claim goes to what its lines earned, then to the rest of them, in their order; what a line takes back stands."""


@dataclass(frozen=True)
class Answers:
    """What ``write_claim_answers`` did: files by partner and way, claims by count, refusals as text."""

    written: tuple[Path, ...]
    answered: int
    known: int
    waiting: int
    refused: tuple[str, ...]


def write_claim_answers(
    rows: pa.Table, folder: Path, *, on: date, parties: Mapping[int, Parties], units: Mapping[str, int]
) -> Answers:
    """Write a file per partner with the answer to every claim that is wholly decided, and is not answered so already.

    ``rows``: of ANSWERED, on the marts. ``parties``: by file_sequence, of the X12 files among those that the rows came
    in. ``units``: minor units by currency. A claim is answered the way it came; what the folder's index says is
    answered in the same words is left out. Files are ``claim_answer_<partner>_<day>_<number>.edi`` or ``.csv``; the
    number, of X12 also the control number, is a hash of the content (decision 0195). What a partner cannot be told in
    X12 is refused, and named; the others are written. Raises PublishError before anything is written where lines do
    not add up to what fct_claim says of their claim.
    """
    _tie(rows)
    index = _index(folder)
    claims = [(key, list(lines)) for key, lines in groupby(rows.to_pylist(), key=_claim)]
    decided = [(key, lines) for key, lines in claims if lines[0]["is_decided"]]
    files: dict[tuple[str, str, tuple[Any, ...]], list[tuple[str, str, list[dict[str, Any]]]]] = defaultdict(list)
    refused: list[str] = []
    known = 0
    for (partner, number), lines in decided:
        by = parties.get(max(line["file_sequence"] for line in lines))
        way = ("edi", (by.receiver, by.sender, by.version, by.test)) if by else ("csv", ())
        try:
            answers = [_decision(line, coded=by is not None) for line in lines]
            content = _hash([way[0], *(astuple(each) for each in answers)])
        except PublishError as error:
            refused.append(f"{partner}: {error}")
            continue
        if index.get((partner, number), ("", ""))[0] == content:
            known += 1
            continue
        stated = [line | {"decision": answer} for line, answer in zip(lines, answers, strict=True)]
        files[partner, *way].append((number, content, stated))
    written: list[Path] = []
    answered = 0
    for (partner, suffix, by_whom), stated_claims in sorted(files.items()):
        control = int(_hash([partner, on, by_whom, [content for _, content, _ in stated_claims]]), 16) % 999_999_999 + 1
        lines = [line for _, _, some in stated_claims for line in some]
        try:
            text = _x12(lines, by_whom, on, control) if suffix == "edi" else _csv(lines, units)
        except PublishError as error:
            refused.append(f"{partner}: {error}")
            continue
        path = folder / f"claim_answer_{quote(partner, safe='')}_{on}_{control:09}.{suffix}"
        _write(path, text)
        written.append(path)
        answered += len(stated_claims)
        index |= {(partner, number): (content, path.name) for number, content, _ in stated_claims}
    if written:
        texts = [dict(zip(INDEX_COLUMNS, (*key, *last), strict=True)) for key, last in sorted(index.items())]
        _write(folder / INDEX, _table(INDEX_COLUMNS, texts), replaces=True)
    return Answers(tuple(written), answered, known, len(claims) - len(decided), tuple(refused))


def _claim(line: Mapping[str, Any]) -> tuple[str, str]:
    return line["partner_id"], line["claim_number"]


def _tie(rows: pa.Table) -> None:
    """PublishError where the lines of a claim are missing, or are not claimed or allowed what the claim is."""
    sums: dict[str, list[Decimal]] = {}
    for line in rows.to_pylist():
        key = line["claim_key"]
        if line["claim_line_number"] is None:
            raise PublishError(f"claim {key}: fct_claim_line has no line of it")
        one = sums.setdefault(key, [Decimal(0), Decimal(0), line["claim_claimed"], line["claim_approved"]])
        one[0] += line["claimed_amount"]
        one[1] += line["approved_amount"]
    for key, (claimed, allowed, claim_claimed, claim_approved) in sums.items():
        for what, lines, claim in (("claimed", claimed, claim_claimed), ("approved", allowed, claim_approved)):
            if lines != claim:
                raise PublishError(f"claim {key}: its lines are {what} {lines}, fct_claim says {claim}")


def _decision(line: Mapping[str, Any], *, coded: bool) -> Decision:
    """What is said of one line. ``coded``: with a reject reason, as X12 needs it."""
    claimed, allowed = line["claimed_amount"], line["approved_amount"]
    state = "accepted" if allowed == claimed and not line["is_rejected"] else "adjusted" if allowed else "rejected"
    reasons = line["reasons"].split(",") if line["reasons"] else ["rejected" if line["is_rejected"] else "reduced"]
    code, words = REASONS.get(reasons[0], ("ZZ", reasons[0].replace("_", " ")))
    if line["decided_by"] not in (None, "rule") and (given := line["claim_reason"]):
        code = code if given in REASONS or given in reasons else given
    accepted = state == "accepted"
    if coded and not accepted and len(code) != 2:
        raise PublishError(
            f"claim {line['claim_number']}/{line['claim_line_number']}: reason {code!r}, expected two characters of the"
            " partner's list; decide it again with --reason"
        )
    quantity = line["quantity"] if line["unit"] else None
    return Decision(
        partner_id=line["partner_id"],
        claim_number=line["claim_number"],
        claim_line_number=line["claim_line_number"],
        state=state,
        claimed_amount=claimed,
        allowed_amount=allowed,
        currency=line["currency"],
        authorization_number=line["authorization_number"] or "",
        product_id=line["product_id"] or "",
        unit="" if quantity is None else line["unit"],
        claimed_quantity=quantity,
        allowed_quantity=quantity if accepted else None,
        reason_code="" if accepted else code,
        reason="" if accepted else words,
    )


def _x12(lines: Sequence[Mapping[str, Any]], by_whom: tuple[Any, ...], on: date, control: int) -> str:
    """The 849 with the lines' decisions. The moment that it states is midnight (UTC) of the day."""
    sender, receiver, version, test = by_whom
    return write_claim_response(
        [line["decision"] for line in lines],
        sender=sender,
        receiver=receiver,
        control=control,
        created=datetime.combine(on, time(), UTC),
        version=version,
        test=test,
    )


COLUMNS = (
    "claim_number", "claim_line_number", "claim_date", "partner_id", "program_id", "period_id", "document_number",
    "line_number", "product_id", "authorization_number", "status", "claimed_amount", "approved_amount", "currency",
    "reason_code", "reason",
)  # fmt: skip
"""Of the CSV: the claim as the partner names it, what is approved of the line, and why not all. ``status``: as of
claim_response.STATES."""


def _csv(lines: Sequence[Mapping[str, Any]], units: Mapping[str, int]) -> str:
    """The CSV with the lines' decisions: UTF-8, comma, CRLF, dates ISO, amounts with their currency's decimals."""
    rows = []
    for line in lines:
        decision: Decision = line["decision"]
        if decision.currency not in units:
            raise PublishError(f"claim {decision.claim_number}: currency {decision.currency} has no minor unit")
        amounts = {
            "claimed_amount": _amount(decision.claimed_amount, units[decision.currency]),
            "approved_amount": _amount(decision.allowed_amount, units[decision.currency]),
        }
        said = {"status": decision.state, "reason_code": decision.reason_code, "reason": decision.reason}
        rows.append({**line, **amounts, **said})
    return _table(COLUMNS, rows)


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _amount(value: Decimal, unit: int) -> str:
    """With the currency's decimals; with more, where the partner claims them."""
    rounded = round(value, unit)
    return f"{rounded if rounded == value else value.normalize():f}"


def _index(folder: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """(content, file) of the last answer, by partner and claim number."""
    path = folder / INDEX
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        if tuple(reader.fieldnames or ()) != INDEX_COLUMNS:
            raise PublishError(f"{path}: expected the columns {', '.join(INDEX_COLUMNS)}; is it another file?")
        return {(row["partner_id"], row["claim_number"]): (row["content"], row["file"]) for row in reader}


def _write(path: Path, text: str, *, replaces: bool = False) -> None:
    """Write a file whole or not at all; PublishError where another answer has its name."""
    content = text.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        if path.read_bytes() == content:
            return
        if not replaces:
            raise PublishError(f"{path} is there with another content; it is never overwritten")
    half = path.with_name(f".{path.name}")
    half.write_bytes(content)
    os.replace(half, path)  # noqa: PTH105 - one step, also over an existing file


def _hash(content: Sequence[Any]) -> str:
    """Of plain values and decimals, whatever zeros a decimal ends with."""
    return hashlib.sha256(repr(_plain(content)).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return f"{value.normalize():f}" if isinstance(value, Decimal) else None if value is None else str(value)
