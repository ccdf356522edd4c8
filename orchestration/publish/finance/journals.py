"""The accrual journal and the payment run of an accounting month.

What belongs here: their sheets, and what they must equal. What does not: figures; these are the posted lines.
"""

from __future__ import annotations

from decimal import Decimal

from orchestration.publish.finance.model import Book, Column, Control, Figure, Sheet, Tie
from orchestration.publish.finance.published import SETTLEMENT, Key, Posted, Published

ZERO = Decimal(0)

_ENTITY = Column("legal_entity", "Legal entity", "identifier", 13)
_CURRENCY = Column("currency", "Currency", "identifier", 11)
_PAYEE = Column("payee_id", "Payee", "identifier", 16)
_NAME = Column("partner_name", "Name", "text", 28)
_PROGRAM = Column("program_key", "Program version", "identifier", 28)
_PERIOD = Column("period_id", "Period", "identifier", 12)
_ACCOUNT = (
    Column("account", "Account", "identifier", 12),
    Column("account_role", "Account role", "identifier", 20),
    Column("cost_centre", "Cost centre", "identifier", 13),
)
_SIDES = (Column("debit", "Debit", "amount", 16), Column("credit", "Credit", "amount", 16))

JOURNAL = (
    Column("posting_id", "Line key", "identifier", 12),
    Column("posting_date", "Posting date", "date", 13),
    Column("entry_id", "Entry", "identifier", 17),
    _ENTITY,
    *_ACCOUNT,
    *_SIDES,
    _CURRENCY,
    Column("cause", "Cause", "identifier", 16),
    _PAYEE,
    _NAME,
    _PROGRAM,
    _PERIOD,
    Column("batch_kind", "Kind of batch", "identifier", 14),
)


def control_of(sums: dict[Key, tuple[Decimal, ...]], position: int) -> Control:
    """Total by currency of one of the amounts by legal entity and currency."""
    totals: dict[str, Decimal] = {}
    for (_, currency), amounts in sums.items():
        totals[currency] = totals.get(currency, ZERO) + amounts[position]
    return totals


def _journal(house: Published, where: str, month: str, sums: dict[Key, tuple[Decimal, ...]]) -> Sheet:
    """The journal lines. ``where``: condition on fct_posting as ``p``, with the month as its value."""
    columns = ", ".join("d.partner_name" if one.name == "partner_name" else f"p.{one.name}" for one in JOURNAL)
    return Sheet(
        "Journal",
        "Every journal line, as posted. Line keys are those of the ERP files.",
        JOURNAL,
        house.stream(
            f"""select {columns} from fct_posting as p left join dim_partner as d on p.payee_id = d.partner_id
                where {where} order by p.batch_number, p.journal_line""",
            month,
        ),
        house.count(f"select 1 from fct_posting as p where {where}", month),
        {"debit": control_of(sums, 0), "credit": control_of(sums, 1)},
        house.detail("fct_posting"),
    )


def _by_account(house: Published, where: str, month: str, sums: dict[Key, tuple[Decimal, ...]]) -> Sheet:
    sql = f"""select p.legal_entity, p.currency, p.account, p.account_role, p.cost_centre, sum(p.debit), sum(p.credit),
                     sum(p.debit - p.credit)
              from fct_posting as p where {where} group by all"""
    net = {currency: total - control_of(sums, 1)[currency] for currency, total in control_of(sums, 0).items()}
    return Sheet(
        "By account",
        "What each account was debited and credited.",
        (
            _ENTITY,
            _CURRENCY,
            *_ACCOUNT,
            *_SIDES,
            Column("net", "Debit less credit", "amount", 18, "{debit}-{credit}"),
        ),
        house.stream(f"{sql} order by all", month),
        house.count(sql, month),
        {"debit": control_of(sums, 0), "credit": control_of(sums, 1), "net": net},
        house.detail("fct_posting"),
    )


def _lines_tie(batches: list[Posted], journal: Sheet) -> Tie:
    here, told = Decimal(journal.count), Decimal(sum(one.rows["posting"] for one in batches))
    return Tie("Number of journal lines", "", "", here, journal.rows_of(), "manifests of the ledger", told)


def _file_ties(
    sums: dict[Key, tuple[Decimal, ...]], files: dict[Key, tuple[Decimal, Decimal, int]], journal: Sheet
) -> list[Tie]:
    """Debit equals credit, and both equal the journal files that went to the general ledger."""
    ties = []
    for entity, currency in sorted(sums.keys() | files.keys()):
        debit, credit = sums.get((entity, currency), (ZERO, ZERO))[:2]
        told = files.get((entity, currency), (ZERO, ZERO, 0))
        formulas = [journal.sum_of(side, legal_entity=entity, currency=currency) for side in ("debit", "credit")]
        ties += [
            Tie("Debit equals credit", entity, currency, debit, formulas[0], "credit of the journal", credit),
            Tie("Debit", entity, currency, debit, formulas[0], "journal files of the ledger", told[0]),
            Tie("Credit", entity, currency, credit, formulas[1], "journal files of the ledger", told[1]),
        ]
    return ties


# --- accrual journal ------------------------------------------------------------------------


def accrual_journal(house: Published, month: str) -> Book:
    """Everything that the month's batches posted, but for the payment run (which has a workbook of its own)."""
    where = f"p.accounting_month = ? and p.batch_kind <> '{SETTLEMENT}'"
    batches = house.of_month(month, settlement=False)
    sums = house.sums(
        f"""select legal_entity, currency, sum(debit), sum(credit),
                   coalesce(sum(debit) filter (account_role = 'accrued_rebates'), 0),
                   coalesce(sum(credit) filter (account_role = 'accrued_rebates'), 0)
            from fct_posting as p where {where} group by all""",
        month,
    )
    expected = house.sums(
        f"""with moved as (
                select legal_entity, currency, sum(closing - opening) as amount
                from fct_liability_rollforward where accounting_month = $1 group by all),
            run as (
                select legal_entity, currency, sum(debit - credit) as amount from fct_posting
                where accounting_month = $1 and batch_kind = '{SETTLEMENT}' and account_role = 'accrued_rebates'
                group by all)
            select legal_entity, currency, coalesce(m.amount, 0) + coalesce(r.amount, 0)
            from moved as m full join run as r using (legal_entity, currency)""",
        month,
    )
    journal = _journal(house, where, month, sums)
    causes = _by_cause(house, where, month, sums)
    accounts = _by_account(house, where, month, sums)
    ties = [_lines_tie(batches, journal), *_file_ties(sums, house.journals(batches), journal)]
    for entity, currency in sorted(sums.keys() | expected.keys()):
        amounts = sums.get((entity, currency), (ZERO,) * 4)
        here = amounts[3] - amounts[2]
        formula = causes.sum_of("net", legal_entity=entity, currency=currency)
        [told] = expected.get((entity, currency), (ZERO,))
        against = "liability roll-forward before the payment run"
        ties.append(Tie("Accrued rebates, net", entity, currency, here, formula, against, told))
        formula = accounts.sum_of("debit", legal_entity=entity, currency=currency)
        ties.append(
            Tie("Sheet By account, debit", entity, currency, amounts[0], formula, "debit of the journal", amounts[0])
        )
    figures = [
        figure
        for (entity, currency), amounts in sums.items()
        for figure in (
            Figure(
                "Accrued rebates, increases", entity, currency, amounts[3],
                causes.sum_of("increase", legal_entity=entity, currency=currency),
            ),
            Figure(
                "Accrued rebates, decreases", entity, currency, amounts[2],
                causes.sum_of("decrease", legal_entity=entity, currency=currency),
            ),
            Figure(
                "Accrued rebates, net", entity, currency, amounts[3] - amounts[2],
                causes.sum_of("net", legal_entity=entity, currency=currency),
            ),
        )
    ]  # fmt: skip
    return Book(
        title=f"Accrual journal {month}",
        subject="What was posted to accrued rebates and contra-revenue in the month, by cause and line by line.",
        footer=", ".join(one.name for one in batches) or f"no batch of {month}",
        as_of=house.as_of.isoformat(),
        facts=house.facts(month),
        figures=figures,
        ties=ties,
        listings=[
            house.made_from(batches),
            house.programs(f"select program_key from fct_posting as p where {where}", month),
        ],
        sheets=[causes, accounts, journal],
        remarks=REMARKS,
    )


def _by_cause(house: Published, where: str, month: str, sums: dict[Key, tuple[Decimal, ...]]) -> Sheet:
    sql = f"""select p.legal_entity, p.currency, p.program_key, g.name, p.batch_kind, p.cause, sum(p.credit),
                     sum(p.debit), sum(p.credit - p.debit)
              from fct_posting as p left join dim_program as g using (program_key)
              where {where} and p.account_role = 'accrued_rebates' group by all"""
    up, down = control_of(sums, 3), control_of(sums, 2)
    return Sheet(
        "By program and cause",
        "How accrued rebates moved: credits increase the liability, debits decrease it.",
        (
            _ENTITY,
            _CURRENCY,
            _PROGRAM,
            Column("name", "Program", "text", 32),
            Column("batch_kind", "Kind of batch", "identifier", 14),
            Column("cause", "Cause", "identifier", 18),
            Column("increase", "Increase", "amount", 16),
            Column("decrease", "Decrease", "amount", 16),
            Column("net", "Net", "amount", 16, "{increase}-{decrease}"),
        ),
        house.stream(f"{sql} order by all", month),
        house.count(sql, month),
        {"increase": up, "decrease": down, "net": {currency: up[currency] - down[currency] for currency in up}},
        house.detail("fct_posting"),
    )


REMARKS = (
    "Totals stand above the headers. With one currency they follow the filter; with more they are over all rows.",
    "Sums and ties on this page are formulas over the sheets, whatever is filtered. A tie that does not hold is red;"
    " a workbook is written only when all of them hold.",
    "The ledger and the CSV files hold every amount exactly; Excel calculates with about 15 digits.",
)


# --- payment run ----------------------------------------------------------------------------


def payment_run(house: Published, month: str) -> Book:
    """The month's payments: per payee, each payment, what it consists of, and its journal."""
    where = f"p.accounting_month = ? and p.batch_kind = '{SETTLEMENT}'"
    batches = house.of_month(month, settlement=True)
    of_month = "where p.accounting_month = ?"
    paid = house.sums(
        f"select legal_entity, currency, sum(amount), count(*) from fct_payment as p {of_month} group by all", month
    )
    lines = house.sums(
        f"select legal_entity, currency, sum(amount) from fct_payment_line as p {of_month} group by all", month
    )
    sums = house.sums(
        f"""select legal_entity, currency, sum(debit), sum(credit),
                   coalesce(sum(debit - credit) filter (account_role = 'accrued_rebates'), 0),
                   coalesce(sum(credit - debit) filter (account_role <> 'accrued_rebates'), 0)
            from fct_posting as p where {where} group by all""",
        month,
    )
    payees, payments, details = _payees(house, month, paid), _payments(house, month, paid), _lines(house, month, lines)
    journal = _journal(house, where, month, sums)
    files = house.payments(batches)
    ties = [
        _lines_tie(batches, journal),
        Tie(
            "Number of payments", "", "", Decimal(payments.count), payments.rows_of(), "manifests of the ledger",
            Decimal(sum(one.rows.get("payment", 0) for one in batches)),
        ),
    ]  # fmt: skip
    for entity, currency in sorted(paid.keys() | sums.keys() | lines.keys() | files.keys()):
        key = (entity, currency)
        amount = paid.get(key, (ZERO,))[0]
        formula = payments.sum_of("amount", legal_entity=entity, currency=currency)
        posted = sums.get(key, (ZERO,) * 4)
        ties += [
            Tie("Payments", entity, currency, amount, formula, "payment lines", lines.get(key, (ZERO,))[0]),
            Tie("Payments", entity, currency, amount, formula, "journal: taken from accrued rebates", posted[2]),
            Tie("Payments", entity, currency, amount, formula, "journal: receivables and payables", posted[3]),
            Tie("Payments", entity, currency, amount, formula, "payment files of the ledger", files.get(key, ZERO)),
            Tie(
                "Sheet By payee", entity, currency, amount,
                payees.sum_of("amount", legal_entity=entity, currency=currency), "payments", amount,
            ),
        ]  # fmt: skip
    ties += _file_ties(sums, house.journals(batches), journal)
    return Book(
        title=f"Payment run {month}",
        subject="Who is paid what, what each payment consists of, and how it was posted.",
        footer=", ".join(one.name for one in batches) or f"no batch of {month}",
        as_of=house.as_of.isoformat(),
        facts=house.facts(month),
        figures=[
            Figure("Paid", *key, amounts[0], payments.sum_of("amount", legal_entity=key[0], currency=key[1]))
            for key, amounts in paid.items()
        ],
        ties=ties,
        listings=[
            house.made_from(batches),
            house.programs(f"select program_key from fct_payment_line as p {of_month}", month),
        ],
        sheets=[payees, payments, details, journal],
        remarks=REMARKS,
    )


def _payees(house: Published, month: str, paid: dict[Key, tuple[Decimal, ...]]) -> Sheet:
    sql = """select p.payee_id, d.partner_name, p.legal_entity, p.currency, p.instrument, count(*), sum(p.amount)
             from fct_payment as p left join dim_partner as d on p.payee_id = d.partner_id
             where p.accounting_month = ? group by all"""
    return Sheet(
        "By payee",
        "What each payee gets in this run.",
        (
            _PAYEE, _NAME, _ENTITY, _CURRENCY, Column("instrument", "Instrument", "identifier", 18),
            Column("payments", "Payments", "integer", 11), Column("amount", "Amount", "amount", 18),
        ),
        house.stream(f"{sql} order by all", month),
        house.count(sql, month),
        {"amount": control_of(paid, 0)},
        house.detail("fct_payment"),
    )  # fmt: skip


def _payments(house: Published, month: str, paid: dict[Key, tuple[Decimal, ...]]) -> Sheet:
    sql = """select p.payment_id, p.payment_date, p.payee_id, d.partner_name, p.legal_entity, p.instrument,
                    count(l.payment_line_id), p.amount, p.currency
             from fct_payment as p
             left join dim_partner as d on p.payee_id = d.partner_id
             left join fct_payment_line as l using (payment_id)
             where p.accounting_month = ? group by all"""
    return Sheet(
        "Payments",
        "Each payment; the ERP's answer quotes its number.",
        (
            Column("payment_id", "Payment", "identifier", 42), Column("payment_date", "Payment date", "date", 14),
            _PAYEE, _NAME, _ENTITY, Column("instrument", "Instrument", "identifier", 18),
            Column("lines", "Lines", "integer", 9), Column("amount", "Amount", "amount", 18), _CURRENCY,
        ),
        house.stream(f"{sql} order by p.payment_id", month),
        house.count(sql, month),
        {"amount": control_of(paid, 0)},
        house.detail("fct_payment"),
    )  # fmt: skip


def _lines(house: Published, month: str, lines: dict[Key, tuple[Decimal, ...]]) -> Sheet:
    sql = """select p.payment_id, p.payee_id, d.partner_name, p.legal_entity, p.program_key, p.period_id, p.amount,
                    p.currency
             from fct_payment_line as p left join dim_partner as d on p.payee_id = d.partner_id
             where p.accounting_month = ?"""
    return Sheet(
        "Payment lines",
        "What each payment consists of: one program version and measurement period each; a negative one was netted.",
        (
            Column("payment_id", "Payment", "identifier", 42), _PAYEE, _NAME, _ENTITY, _PROGRAM, _PERIOD,
            Column("amount", "Amount", "amount", 18), _CURRENCY,
        ),
        house.stream(f"{sql} order by p.payment_id, p.program_key, p.period_id", month),
        house.count(sql, month),
        {"amount": control_of(lines, 0)},
        house.detail("fct_payment_line"),
    )  # fmt: skip
