"""Partner statements: a workbook for each partner, and one over all of them.

What belongs here: what a partner is shown of its programs, purchases and payments, and that it ties to payouts and
liability. What does not: figures of programs (dbt). Each table is asked for once, for all partners in their order, and
split while it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orchestration.publish.finance.book import write_book
from orchestration.publish.finance.model import Book, Column, Figure, Listing, Sheet, Tie
from orchestration.publish.finance.published import SETTLEMENT, Published

ZERO = Decimal(0)

REOPENED = ("payment_rejected", "payment_returned")
"""Causes of lines that take a payment back."""

_CURRENCY = Column("currency", "Currency", "identifier", 11)
PROGRAMS = (
    Column("program_key", "Program version", "identifier", 24),
    Column("name", "Program", "text", 26),
    Column("period_id", "Period", "identifier", 10),
    Column("legal_entity", "Legal entity", "identifier", 12),
    Column("bought", "Bought", "number", 14),
    Column("basis_kind", "Measured by", "text", 13),
    Column("basis", "Measured", "number", 14),
    Column("tier", "Tier", "integer", 7),
    Column("next_threshold", "Next tier at", "number", 14),
    Column("gap", "Gap to next tier", "number", 14),
    Column("gain", "Next tier pays more", "amount", 14),
    Column("earned", "Earned", "amount", 13),
    Column("accrued", "Accrued", "amount", 13),
    Column("paid", "Paid", "amount", 13),
    Column("held", "Held", "amount", 12),
    Column("to_pay", "Still to be paid", "amount", 14, "{earned}-{held}-{paid}"),
    Column("payable_from", "To be paid from", "date", 13),
    _CURRENCY,
    Column("state", "State", "text", 44),
)
PURCHASES = (
    Column("what", "What", "text", 30),
    Column("month_id", "Month", "identifier", 11),
    Column("category", "Category", "text", 30),
    Column("lines", "Lines", "integer", 10),
    Column("quantity", "Quantity", "number", 15),
    Column("net_amount", "Net amount", "amount", 17),
    _CURRENCY,
)
PAYMENTS = (
    Column("payment_id", "Payment", "identifier", 44),
    Column("payment_date", "Payment date", "date", 14),
    Column("instrument", "Instrument", "identifier", 18),
    Column("program_key", "Program version", "identifier", 28),
    Column("period_id", "Period", "identifier", 12),
    Column("amount", "Amount", "amount", 16),
    _CURRENCY,
)
_SUMMARY = (
    Column("partner_id", "Partner", "identifier", 16),
    Column("partner_name", "Name", "text", 28),
    Column("legal_entity", "Legal entity", "identifier", 13),
    _CURRENCY,
    *(
        Column(name, title, "amount", 16)
        for name, title in (
            ("earned", "Earned"), ("accrued", "Accrued"), ("paid", "Paid"), ("held", "Held"),
            ("to_pay", "Still to be paid"), ("owed", "Liability"),
        )
    ),
    Column("file", "Statement", "text", 40),
)  # fmt: skip

_POSTED = f"""
    select payee_id as partner_id, program_key, period_id, legal_entity, currency,
           sum(credit - debit) filter (not is_payment) as accrued, sum(debit - credit) filter (is_payment) as paid
    from (select *, batch_kind = '{SETTLEMENT}' or cause in {REOPENED} as is_payment from fct_posting)
    where account_role = 'accrued_rebates' group by all
"""
_DUE = f"""
    with earned as (
        select payee_id as partner_id, program_key, period_id, legal_entity, currency, sum(amount) as earned
        from fct_payout where is_payable group by all),
    held as (
        select r.payee_id as partner_id, r.program_key, r.period_id, sum(r.amount) as held
        from fct_line_rebate as r
        inner join (select line_key from fct_line where verdict = 'held') as l using (line_key)
        where r.payee_id <> '' group by all),
    posted as ({_POSTED}),
    ends as (select program_key, period_id, max(period_end) as period_end from fct_payout group by all),
    due as (
        select partner_id, program_key, period_id, legal_entity, currency, coalesce(e.earned, 0) as earned,
               coalesce(p.accrued, 0) as accrued, coalesce(p.paid, 0) as paid
        from earned as e full join posted as p
            using (partner_id, program_key, period_id, legal_entity, currency)),
    shares as (
        select d.*, coalesce(h.held, 0) as held, g.name,
               (n.period_end + g.settlement_lag_days)::date as payable_from, n.period_end
        from due as d left join held as h using (partner_id, program_key, period_id)
        left join ends as n using (program_key, period_id) left join dim_program as g using (program_key)),
    open_ones as (select partner_id, payout_id from rpt_partner_status),
    standing as (
        select distinct on (partner_id, q.program_key, q.period_id)
               coalesce(o.partner_id, q.participant_id) as partner_id, q.program_key, q.period_id, q.payout_base,
               q.basis_kind, q.basis, q.tier_number, q.next_threshold, q.gap_to_next_tier, q.next_tier_gain, q.currency,
               q.period_end, g.legal_entity, g.name, g.settlement_lag_days, q.gates_hold
        from fct_qualification as q
        left join open_ones as o using (payout_id)
        left join dim_program as g on q.program_key = g.program_key
        order by 1, 2, 3, q.payout_id)
"""
_PROGRAMS = f"""{_DUE}
    select partner_id, program_key, coalesce(s.name, t.name), period_id, coalesce(s.legal_entity, t.legal_entity),
           t.payout_base, replace(t.basis_kind, '_', ' '), t.basis, t.tier_number, t.next_threshold,
           t.gap_to_next_tier, t.next_tier_gain, coalesce(s.earned, 0), coalesce(s.accrued, 0), coalesce(s.paid, 0),
           coalesce(s.held, 0), coalesce(s.earned, 0) - coalesce(s.held, 0) - coalesce(s.paid, 0),
           coalesce(s.payable_from, (t.period_end + t.settlement_lag_days)::date), coalesce(s.currency, t.currency),
           case when coalesce(s.period_end, t.period_end) >= r.as_of then
                    case when t.gates_hold = false then 'open; a condition does not hold yet' else 'open' end
                when coalesce(s.earned, 0) = coalesce(s.paid, 0) then
                    case when coalesce(s.paid, 0) = 0 then 'ended; nothing earned' else 'paid' end
                when coalesce(s.held, 0) <> 0 and s.earned - s.held = s.paid then 'held until its lines are released'
                when coalesce(s.payable_from, r.as_of) > r.as_of then 'ended; waits for its day of payment'
                when s.earned - s.held < s.paid then 'taken back with the next payment'
                else 'carried to the next payment run'
           end
    from shares as s
    full join (select * from standing where partner_id in (select partner_id from dim_partner)) as t
        using (partner_id, program_key, period_id)
    cross join rpt_run as r
    order by 1, 2, 4, 5, 19
"""
_SIDES = (("bought from us", "sell_in", "sold_to_id"), ("bought through distribution", "sell_through", "reseller_id"),
          ("sold on", "sell_through", "distributor_id"))  # fmt: skip
_PURCHASES = " union all ".join(
    f"""select l.{column} as partner_id, '{what}' as what, l.month_id, coalesce(p.category, 'unknown') as category,
               count(*), sum(l.base_quantity), sum(l.net_amount) as net_amount, l.currency
        from fct_line as l left join dim_product as p using (product_id)
        where l.stream = '{stream}' and l.{column} is not null group by all"""
    for what, stream, column in _SIDES
)
_PAYMENTS = """
    select l.payee_id, l.payment_id, p.payment_date, p.instrument, l.program_key, l.period_id, l.amount, l.currency
    from fct_payment_line as l left join fct_payment as p using (payment_id)
    order by 1, p.payment_date, 2, 5, 6
"""
_OWED = """
    select l.payee_id as partner_id, legal_entity, currency, sum(closing) as owed
    from fct_liability as l inner join rpt_run as r using (accounting_month) group by all
"""


class _Split:
    """Rows in the order of their first column, handed out partner by partner."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def take(self, partner: str) -> list[tuple[Any, ...]]:
        """The partner's rows without its name; partners must be asked for in their order."""
        found = []
        while self._next is not None and self._next[0] <= partner:
            if self._next[0] == partner:
                found.append(self._next[1:])
            self._next = next(self._rows, None)
        return found


def file_of(partner: str, month: str) -> str:
    """File name of a partner's statement: what a file name may not hold is written as %2F."""
    return f"statement_{quote(partner, safe='=+@ ')}_{month}.xlsx"


def write_statements(house: Published, month: str, folder: Path) -> list[Path]:
    """Write the statement of every partner that takes part in a program or is owed anything, and the one over all.

    Statements that an earlier run left in the folder and that no partner has now are removed. Returns the summary's
    path, then the partners' by their id. PublishError when something does not tie.
    """
    names = dict(house.rows("select partner_id, partner_name from dim_partner"))
    partners = [name for (name,) in house.rows(f"select distinct partner_id from ({_PROGRAMS}) order by 1")]
    closings: dict[str, dict[tuple[str, str], Decimal]] = {}
    for partner, entity, currency, owed in house.rows(_OWED):
        closings.setdefault(partner, {})[entity, currency] = owed
    hashes = {
        key: rest for key, *rest in house.rows("select program_key, status, currency, document_hash from dim_program")
    }
    programs, purchases = _Split(house.stream(_PROGRAMS)), _Split(house.stream(f"from ({_PURCHASES}) order by all"))
    payments = _Split(house.stream(_PAYMENTS))
    written, summary = [], []
    for partner in partners:
        rows = programs.take(partner)
        totals = _totals(rows)
        owed = closings.get(partner, {})
        book = _statement(house, month, partner, names.get(partner) or partner, rows, totals, owed, hashes)
        bought, paid = purchases.take(partner), payments.take(partner)
        sheets = [
            *book.sheets,
            _sheet("Purchases", "What was bought and, by distributors, sold on.", PURCHASES, bought, ("net_amount",)),
            _sheet("Payments", "Every payment so far and what it consists of.", PAYMENTS, paid, ("amount",)),
        ]
        path = folder / file_of(partner, month)
        write_book(path, replace(book, sheets=sheets), house.units)
        written.append(path)
        for key in sorted(totals.keys() | owed.keys()):
            amounts = totals.get(key, (ZERO,) * 5)
            summary.append((partner, names.get(partner), *key, *amounts, owed.get(key, ZERO), path.name))
    path = folder / f"statements_{month}.xlsx"
    write_book(path, _over_all(house, month, summary, len(partners)), house.units)
    kept = {path, *written}
    for old in folder.glob("statement*.xlsx"):
        if old not in kept:
            old.unlink()
    return [path, *written]


def _totals(rows: Sequence[tuple[Any, ...]]) -> dict[tuple[str, str], tuple[Decimal, ...]]:
    """Earned, accrued, paid, held, to pay by legal entity and currency."""
    first = [column.name for column in PROGRAMS].index("earned")
    totals: dict[tuple[str, str], tuple[Decimal, ...]] = {}
    for row in rows:
        key = (row[3], row[17])
        before = totals.get(key, (ZERO,) * 5)
        totals[key] = tuple(one + other for one, other in zip(before, row[first : first + 5], strict=True))
    return totals


def _sheet(
    title: str, note: str, columns: tuple[Column, ...], rows: Sequence[tuple[Any, ...]], totalled: tuple[str, ...]
) -> Sheet:
    names = [column.name for column in columns]
    money = names.index("currency")
    controls: dict[str, dict[str, Decimal]] = {name: {} for name in totalled}
    for row in rows:
        for name in totalled:
            control, value = controls[name], row[names.index(name)]
            control[row[money]] = control.get(row[money], ZERO) + (value or 0)
    return Sheet(title, note, columns, rows, len(rows), controls)


_MONEY = ("earned", "accrued", "paid", "held", "to_pay")
_WORDS = ("Earned", "Accrued", "Paid", "Held", "Still to be paid")


def _statement(
    house: Published,
    month: str,
    partner: str,
    name: str,
    rows: Sequence[tuple[Any, ...]],
    totals: dict[tuple[str, str], tuple[Decimal, ...]],
    owed: dict[tuple[str, str], Decimal],
    hashes: dict[str, list[str]],
) -> Book:
    sheet = _sheet(
        "Programs",
        "Each program and measurement period: where it stands, what it earned, what was paid.",
        PROGRAMS,
        rows,
        _MONEY,
    )
    ties, figures = [], []
    for key in sorted(totals.keys() | owed.keys()):
        amounts = totals.get(key, (ZERO,) * 5)
        formulas = [sheet.sum_of(one, legal_entity=key[0], currency=key[1]) for one in _MONEY]
        figures += [
            Figure(word, *key, amount, formula) for word, amount, formula in zip(_WORDS, amounts, formulas, strict=True)
        ]
        ties.append(
            Tie("Accrued less paid", *key, amounts[1] - amounts[2], f"{formulas[1]}-{formulas[2]}",
                "liability, month's closing", owed.get(key, ZERO))
        )  # fmt: skip
    versions = [(key, *hashes[key]) for key in sorted({row[0] for row in rows}) if key in hashes]
    return Book(
        title=f"Statement {month}: {name}",
        subject="What was bought, where each program stands, what was earned and paid, and what comes next.",
        footer=f"{partner}, as of {house.as_of}",
        as_of=house.as_of.isoformat(),
        facts=[("Partner", partner), *house.facts(month)],
        figures=figures,
        ties=ties,
        listings=[
            Listing("Program versions", ("Program version", "Status", "Currency", "SHA-256 of its document"), versions)
        ],
        sheets=[sheet],
        remarks=REMARKS,
    )


REMARKS = (
    "Earned: what the rules give on the lines known today. Accrued: what was posted for it. Held: on lines that wait.",
    "Still to be paid = earned - held - paid. The payment run of the month of its day pays it, or the next one:",
    "sums below a program's minimum payment are carried to the next run, negative ones are netted with it.",
    "Gap to next tier: in the units of the measure. Next tier pays more: what reaching it would add to the payout.",
)


def _over_all(house: Published, month: str, rows: Sequence[tuple[Any, ...]], partners: int) -> Book:
    """The summary: a row for each partner, legal entity and currency; payouts and roll-forward have the same sums."""
    sheet = _sheet(
        "Partners", "A row for each statement, legal entity and currency.", _SUMMARY, rows, (*_MONEY, "owed")
    )
    payouts = house.sums("select legal_entity, currency, sum(amount) from fct_payout where is_payable group by all")
    closing = house.sums(
        """select legal_entity, currency, sum(closing) from fct_liability_rollforward
           where accounting_month = ? group by all""",
        month,
    )
    sums: dict[tuple[str, str], tuple[Decimal, ...]] = {}
    for row in rows:
        before = sums.get((row[2], row[3]), (ZERO,) * 6)
        sums[row[2], row[3]] = tuple(one + other for one, other in zip(before, row[4:10], strict=True))
    ties = [
        Tie("Number of partners", "", "", Decimal(len({row[0] for row in rows})), "", "statements", Decimal(partners))
    ]
    figures = []
    for key in sorted(sums.keys() | payouts.keys() | closing.keys()):
        amounts = sums.get(key, (ZERO,) * 6)
        shown = {one: sheet.sum_of(one, legal_entity=key[0], currency=key[1]) for one in (*_MONEY, "owed")}
        figures += [
            Figure(word, *key, amounts[place], shown[name])
            for place, (name, word) in enumerate(zip(_MONEY, _WORDS, strict=True))
        ]
        ties += [
            Tie("Earned", *key, amounts[0], shown["earned"], "payouts", payouts.get(key, (ZERO,))[0]),
            Tie("Liability", *key, amounts[5], shown["owed"], "roll-forward, closing", closing.get(key, (ZERO,))[0]),
            Tie("Accrued less paid", *key, amounts[1] - amounts[2], f"{shown['accrued']}-{shown['paid']}",
                "roll-forward, closing", closing.get(key, (ZERO,))[0]),
        ]  # fmt: skip
    return Book(
        title=f"Partner statements {month}",
        subject="Every partner's sums; the statements lie beside this workbook.",
        footer=f"as of {house.as_of}",
        as_of=house.as_of.isoformat(),
        facts=[*house.facts(month), ("Statements", str(partners))],
        figures=figures,
        ties=ties,
        listings=[house.programs("select program_key from fct_payout")],
        sheets=[sheet],
        remarks=REMARKS,
    )
