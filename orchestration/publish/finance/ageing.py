"""The ageing of claims: which claims are open, for how long, with whom, and how long paid ones took.

What belongs here: its sheets, and what they must equal. What does not: figures (dbt: fct_claim, rpt_claim_ageing,
rpt_claim_days). Claims have no legal entity before they are matched, so its sums are by currency.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from orchestration.publish.finance.model import Book, Column, Figure, Sheet, Tie
from orchestration.publish.finance.published import Published

ZERO = Decimal(0)

BUCKETS = (("0-30", 0, 30), ("31-60", 31, 60), ("61-90", 61, 90), ("over 90", 91, 1_000_000))
"""Ages as rpt_claim_ageing names them, with their first and last day."""

OPEN = "c.status not in ('paid', 'rejected')"
"""A claim that is not over yet (docs/claims.md)."""

BOTH = "partner and program"
"""The level of rows in which each paid claim counts once."""

_PARTNER = Column("partner_id", "Partner", "identifier", 16)
_NAME = Column("partner_name", "Name", "text", 28)
_PROGRAM = Column("program_id", "Program", "identifier", 24)
_CURRENCY = Column("currency", "Currency", "identifier", 11)
_AGES = tuple(f"age_{number}" for number in range(len(BUCKETS)))

AGEING = (
    _PARTNER,
    _NAME,
    _CURRENCY,
    Column("claims", "Claims", "integer", 10),
    *(
        Column(name, bucket if bucket.startswith("over") else f"{bucket} days", "amount", 16)
        for name, (bucket, _, _) in zip(_AGES, BUCKETS, strict=True)
    ),
    Column("open_amount", "Open", "amount", 17, "+".join(f"{{{name}}}" for name in _AGES)),
    Column("approved_amount", "Of which approved", "amount", 18),
    Column("oldest_claim_date", "Oldest claim", "date", 14),
)
CLAIMS = (
    Column("claim_number", "Claim", "identifier", 20),
    Column("claim_date", "Claim date", "date", 13),
    Column("days_open", "Days open", "integer", 11),
    _PARTNER,
    _NAME,
    _PROGRAM,
    Column("period_id", "Period", "identifier", 12),
    Column("authorization_number", "Authorisation", "identifier", 16),
    Column("legal_entity", "Legal entity", "identifier", 13),
    Column("status", "Status", "identifier", 12),
    Column("reason", "Reason", "identifier", 22),
    Column("owner", "Owner", "text", 20),
    Column("due_date", "Due", "date", 13),
    Column("overdue", "Overdue", "text", 10),
    Column("claimed_amount", "Claimed", "amount", 16),
    Column("earned_amount", "Earned", "amount", 16),
    Column("difference", "Difference", "amount", 16, "{claimed_amount}-{earned_amount}"),
    Column("approved_amount", "Approved", "amount", 16),
    _CURRENCY,
)
DAYS = (
    Column("level", "Of", "text", 22),
    _PARTNER,
    _NAME,
    _PROGRAM,
    Column("claims", "Paid claims", "integer", 13),
    Column("median_days", "Median days", "integer", 13),
    Column("percentile_90_days", "90th percentile", "integer", 16),
    Column("longest_days", "Longest", "integer", 11),
    Column("above_30", "Above 30 days %", "number", 17),
)
REMARKS = (
    "Open: in review, disputed, or approved and not paid yet. Its age: days from the claim's date to the as-of date.",
    "Open amounts are what was claimed; of which approved: what the next payment runs may pay of it.",
    "Days to payment: of paid claims, from the claim's date to its payment; half, and nine of ten, were paid within the"
    " days shown.",
    "Owner and due date are those of disputes; overdue: the due date lies before the as-of date.",
)

_SUMS = ("claimed_amount", "earned_amount", "difference", "approved_amount")


def claim_ageing(house: Published, month: str) -> Book:
    """Open claims by partner and age, each open claim, and days to payment; as of the snapshot's date."""
    [(total, open_ones, paid, rejected, settled)] = house.rows(
        f"""select count(*), count(*) filter ({OPEN}), count(*) filter (c.status = 'paid'),
                   count(*) filter (c.status = 'rejected'),
                   count(*) filter (c.status = 'paid' and c.payment_id in (select payment_id from fct_payment))
            from fct_claim as c"""
    )
    claimed = {
        currency: tuple(amounts)
        for currency, *amounts in house.rows(
            f"""select c.currency, {", ".join(f"sum(c.{name})" for name in _SUMS)}, count(*)
                from fct_claim as c where {OPEN} group by 1 order by 1"""
        )
    }
    ageing, claims, days = _ageing(house), _claims(house, claimed), _days(house)
    ties = [
        Tie("Number of claims", "", "", Decimal(open_ones + paid + rejected), "", "claims of the snapshot",
            Decimal(total)),
        Tie("Number of open claims", "", "", Decimal(open_ones), claims.rows_of(), "open claims by age",
            _one(house, "select coalesce(sum(claims), 0) from rpt_claim_ageing")),
        Tie("Number of paid claims", "", "", _one(
            house, "select coalesce(sum(claims), 0) from rpt_claim_days where partner_id <> '' and program_id <> ''"
        ), days.sum_of("claims", level=BOTH), "paid claims of the snapshot", Decimal(paid)),
        Tie("Number of paid claims", "", "", Decimal(paid), days.sum_of("claims", level=BOTH),
            "of these with a payment of the snapshot", Decimal(settled)),
        *_amount_ties(house, ageing, claims, claimed),
    ]  # fmt: skip
    batches = [one for one in house.batches if one.month == month]
    return Book(
        title=f"Ageing of claims {month}",
        subject="Which claims are open and for how long, whom they wait for, and how long paid ones took."
        if total
        else "There are no claims.",
        footer=f"as of {house.as_of}",
        as_of=house.as_of.isoformat(),
        facts=[*house.facts(month), *_facts(house, total, open_ones, paid, rejected)],
        figures=_figures(ageing, claims, claimed),
        ties=ties,
        listings=[
            house.made_from(batches),
            house.programs(
                "select program_key from dim_program where program_id in (select program_id from fct_claim)"
            ),
        ],
        sheets=[ageing, claims, days],
        remarks=REMARKS,
    )


def _one(house: Published, sql: str) -> Decimal:
    [(value,)] = house.rows(sql)
    return Decimal(value)


def _facts(house: Published, total: int, open_ones: int, paid: int, rejected: int) -> list[tuple[str, str]]:
    """How many claims there are, and how long paid ones took over all; the aim is under 30 days (semantics 11)."""
    if not total:
        return [("Claims", "none")]
    facts = [("Claims", f"{total:,}: {open_ones:,} open, {paid:,} paid, {rejected:,} rejected")]
    for median, ninth, above in house.rows(
        """select median_days, percentile_90_days, share_above_30_days * 100 from rpt_claim_days
           where partner_id = '' and program_id = ''"""
    ):
        text = f"median {median} days, 90th percentile {ninth} days, {above:.2f} % above 30 days"
        facts.append(("Days to payment", text))
    return facts


def _figures(ageing: Sheet, claims: Sheet, claimed: dict[str, tuple[Decimal, ...]]) -> list[Figure]:
    figures = []
    for currency, amounts in claimed.items():
        for name, (bucket, _, _) in zip(_AGES, BUCKETS, strict=True):
            amount = ageing.controls[name].get(currency, ZERO)
            figures.append(Figure(f"Open, {bucket} days", "", currency, amount, ageing.sum_of(name, currency=currency)))
        open_formula = ageing.sum_of("open_amount", currency=currency)
        figures.append(Figure("Open", "", currency, amounts[0], open_formula))
        approved = claims.sum_of("approved_amount", currency=currency)
        figures.append(Figure("Of which approved", "", currency, amounts[3], approved))
    return figures


def _amount_ties(house: Published, ageing: Sheet, claims: Sheet, claimed: dict[str, tuple[Decimal, ...]]) -> list[Tie]:
    """Open by age = open in fct_claim, in all and bucket by bucket, where each claim's days are counted anew."""
    counted = ", ".join(
        f"coalesce(sum(c.claimed_amount) filter (r.as_of - c.claim_date between {first} and {last}), 0)"
        for _, first, last in (("", -1_000_000, BUCKETS[0][2]), *BUCKETS[1:])
    )
    by_days = {
        currency: amounts
        for currency, *amounts in house.rows(
            f"select c.currency, {counted} from fct_claim as c cross join rpt_run as r where {OPEN} group by 1"
        )
    }
    reported = dict(house.rows("select currency, sum(claimed_amount) from rpt_claim_ageing group by 1"))
    ties = []
    for currency in sorted(claimed.keys() | reported.keys()):
        shown = claimed.get(currency, (ZERO,) * len(_SUMS))
        total = ageing.controls["open_amount"].get(currency, ZERO)
        ties += [
            Tie("Open, all ages", "", currency, total, ageing.sum_of("open_amount", currency=currency),
                "open claims of the snapshot", shown[0]),
            Tie("Open, sheet Open claims", "", currency, shown[0], claims.sum_of("claimed_amount", currency=currency),
                "open claims by age", reported.get(currency, ZERO)),
            Tie("Approved", "", currency, ageing.controls["approved_amount"].get(currency, ZERO),
                ageing.sum_of("approved_amount", currency=currency), "open claims of the snapshot", shown[3]),
            Tie("Difference", "", currency, shown[2], claims.sum_of("difference", currency=currency),
                "claimed less earned", shown[0] - shown[1]),
        ]  # fmt: skip
        for place, (name, (bucket, _, _)) in enumerate(zip(_AGES, BUCKETS, strict=True)):
            there = by_days.get(currency, (ZERO,) * len(BUCKETS))[place]
            here = ageing.controls[name].get(currency, ZERO)
            formula = ageing.sum_of(name, currency=currency)
            ties.append(Tie(f"Open, {bucket} days", "", currency, here, formula, "open claims by their days", there))
    return ties


def _controls(names: Sequence[str], rows: Sequence[Sequence[object]]) -> dict[str, dict[str, Decimal]]:
    """Totals by currency from rows of (currency, amounts …)."""
    return {
        name: {str(currency): Decimal(str(amounts[place])) for currency, *amounts in rows}
        for place, name in enumerate(names)
    }


def _ageing(house: Published) -> Sheet:
    buckets = ", ".join(
        f"coalesce(sum(a.claimed_amount) filter (a.age_bucket = '{bucket}'), 0) as {name}"
        for name, (bucket, _, _) in zip(_AGES, BUCKETS, strict=True)
    )
    total = " + ".join(_AGES)
    sums = f"{buckets}, {total} as open_amount, sum(a.approved_amount) as approved_amount"
    sql = f"""select a.partner_id, d.partner_name, a.currency, sum(a.claims), {sums}, min(a.oldest_claim_date)
              from rpt_claim_ageing as a left join dim_partner as d using (partner_id)
              group by a.partner_id, d.partner_name, a.currency"""
    return Sheet(
        "Ageing",
        "What each partner has claimed and not got yet, by the age of its claims.",
        AGEING,
        house.stream(f"{sql} order by a.partner_id, a.currency"),
        house.count(sql),
        _controls(
            (*_AGES, "open_amount", "approved_amount"),
            house.rows(f"select a.currency, {sums} from rpt_claim_ageing as a group by 1"),
        ),
        house.detail("rpt_claim_ageing"),
        frozen=2,
    )


def _claims(house: Published, claimed: dict[str, tuple[Decimal, ...]]) -> Sheet:
    of = {
        "partner_name": "d.partner_name",
        "days_open": "(r.as_of - c.claim_date)",
        "overdue": "case when c.due_date < r.as_of then 'yes' end",
    }
    columns = ", ".join(of.get(column.name, f"c.{column.name}") for column in CLAIMS)
    sql = f"""select {columns} from fct_claim as c cross join rpt_run as r
              left join dim_partner as d on c.partner_id = d.partner_id where {OPEN}"""
    return Sheet(
        "Open claims",
        "Each open claim, the oldest first. A difference above zero: more was claimed than was earned.",
        CLAIMS,
        house.stream(f"{sql} order by c.claim_date, c.claim_key"),
        house.count(sql),
        {name: {key: amounts[place] for key, amounts in claimed.items()} for place, name in enumerate(_SUMS)},
        house.detail("fct_claim"),
    )


def _days(house: Published) -> Sheet:
    sql = f"""select case when t.partner_id <> '' and t.program_id <> '' then '{BOTH}'
                          when t.partner_id <> '' then 'partner' when t.program_id <> '' then 'program'
                          else 'all' end as level,
                     nullif(t.partner_id, '') as partner_id, d.partner_name, nullif(t.program_id, '') as program_id,
                     t.claims, t.median_days, t.percentile_90_days, t.longest_days, t.share_above_30_days * 100
              from rpt_claim_days as t left join dim_partner as d on t.partner_id = d.partner_id"""
    return Sheet(
        "Days to payment",
        "How long paid claims took: over all, by partner, by program, by both. The aim is under 30 days.",
        DAYS,
        house.stream(
            f"""{sql} order by (t.partner_id <> '')::int + (t.program_id <> '')::int, t.partner_id = '', t.partner_id,
                t.program_id"""
        ),
        house.count(sql),
        {},
        house.detail("rpt_claim_days"),
        frozen=1,
    )
