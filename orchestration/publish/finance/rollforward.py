"""The roll-forward of the liability for an accounting month: by legal entity, program, partner, and by cause.

What belongs here: its sheets, and what they must equal: the month before, the posted lines, the general ledger's files.
What does not: figures (dbt: fct_liability, fct_liability_rollforward).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from orchestration.publish.finance.journals import REMARKS, ZERO, control_of
from orchestration.publish.finance.model import Book, Column, Control, Figure, Sheet, Tie
from orchestration.publish.finance.published import Key, Published

MOVEMENTS = (
    ("opening", "Opening"),
    ("accrued", "Accrued"),
    ("true_ups", "True-ups"),
    ("currency_effect", "Currency effect"),
    ("settled", "Settled"),
    ("written_off", "Written off"),
    ("closing", "Closing"),
)
CLOSING = "{opening}+{accrued}+{true_ups}+{currency_effect}-{settled}-{written_off}"
"""How a row's closing follows from its movements (semantics 12)."""

_ENTITY = Column("legal_entity", "Legal entity", "identifier", 13)
_CURRENCY = Column("currency", "Currency", "identifier", 11)
_PROGRAM = Column("program_key", "Program version", "identifier", 28)
_PROGRAM_NAME = Column("name", "Program", "text", 30)
_PARTNER = Column("payee_id", "Partner", "identifier", 16)
_PARTNER_NAME = Column("partner_name", "Name", "text", 28)
_AMOUNTS = tuple(Column(name, title, "amount", 17, CLOSING if name == "closing" else "") for name, title in MOVEMENTS)

_SUMS = ", ".join(f"sum(l.{name})" for name, _ in MOVEMENTS)
_ZEROS = (ZERO,) * len(MOVEMENTS)
_OPEN = " or ".join(f"sum(l.{name}) <> 0" for name, _ in MOVEMENTS)


def liability_rollforward(house: Published, month: str) -> Book:
    """Opening + accrued + true-ups + currency - settled - written off = closing, three ways and in full."""
    batches = [one for one in house.batches if one.month <= month]
    sums = house.sums(
        f"""select legal_entity, currency, {_SUMS} from fct_liability_rollforward as l
            where accounting_month = ? group by all""",
        month,
    )
    controls = {name: control_of(sums, number) for number, (name, _) in enumerate(MOVEMENTS)}
    sheets = [
        _sheet(house, month, controls, "By legal entity", "The liability of each legal entity.", (_ENTITY, _CURRENCY)),
        _sheet(
            house, month, controls, "By program", "The liability of each program version.",
            (_ENTITY, _CURRENCY, _PROGRAM, _PROGRAM_NAME),
        ),
        _sheet(
            house, month, controls, "By partner", "What each partner is owed, over all programs.",
            (_PARTNER, _PARTNER_NAME, _ENTITY, _CURRENCY),
        ),
        _sheet(
            house, month, controls, "Program and partner", "Every partner in every program; no rows of zeros.",
            (_ENTITY, _CURRENCY, _PROGRAM, _PARTNER, _PARTNER_NAME),
        ),
        _causes(house, month),
        _months(house, month),
    ]  # fmt: skip
    return Book(
        title=f"Liability roll-forward {month}",
        subject="How the liability for rebates moved from the month's opening to its closing.",
        footer=", ".join(one.name for one in batches if one.month == month) or f"no batch of {month}",
        as_of=house.as_of.isoformat(),
        facts=house.facts(month),
        figures=[
            Figure(title, *key, amounts[number], sheets[0].sum_of(name, legal_entity=key[0], currency=key[1]))
            for key, amounts in sums.items()
            for number, (name, title) in enumerate(MOVEMENTS)
        ],
        ties=_ties(house, month, sums, sheets),
        listings=[
            house.made_from([one for one in batches if one.month == month]),
            house.programs("select program_key from fct_liability where accounting_month = ?", month),
        ],
        sheets=sheets,
        remarks=(
            "Closing is a formula: opening + accrued + true-ups + currency effect - settled - written off.",
            *REMARKS,
        ),
    )


def _ties(house: Published, month: str, sums: dict[Key, tuple[Decimal, ...]], sheets: list[Sheet]) -> list[Tie]:
    earlier = [one for one in house.batches if one.month <= month]
    to_date = house.journals(earlier, "accrued_rebates")
    of_month = house.journals([one for one in earlier if one.month == month], "accrued_rebates")
    posted = house.sums(
        """select legal_entity, currency, sum(credit - debit) from fct_posting
           where account_role = 'accrued_rebates' and accounting_month <= ? group by all""",
        month,
    )
    before = house.sums(
        """with months as (select max(accounting_month) as month_id from fct_liability_rollforward
                           where accounting_month < ?)
           select legal_entity, currency, sum(closing) from fct_liability_rollforward as l
           inner join months on l.accounting_month = months.month_id group by all""",
        month,
    )
    ties = []
    for key in sorted(sums.keys() | to_date.keys() | posted.keys() | before.keys()):
        conditions = {"legal_entity": key[0], "currency": key[1]}
        amounts = sums.get(key, _ZEROS)
        opening, closing = amounts[0], amounts[-1]
        debit, credit, _ = to_date.get(key, (ZERO, ZERO, 0))
        moved = of_month.get(key, (ZERO, ZERO, 0))
        formula = sheets[0].sum_of("closing", **conditions)
        ties += [
            Tie("Opening", *key, opening, sheets[0].sum_of("opening", **conditions), "closing of the month before",
                before.get(key, (ZERO,))[0]),
            Tie("Closing", *key, closing, formula, "general ledger: journal files to date", credit - debit),
            Tie("Closing", *key, closing, formula, "posted lines to date", posted.get(key, (ZERO,))[0]),
            Tie("Closing less opening", *key, closing - opening,
                _minus(formula, sheets[0].sum_of("opening", **conditions)),
                "general ledger: the month's journal files", moved[1] - moved[0]),
        ]  # fmt: skip
        for sheet in sheets[1:4]:
            shown = sheet.sum_of("closing", **conditions)
            ties.append(Tie(f"Closing, sheet {sheet.title}", *key, closing, shown, "sheet By legal entity", closing))
        shown = sheets[4].sum_of("amount", **conditions)
        moved_here = closing - opening
        ties.append(Tie("Movements, sheet By cause", *key, moved_here, shown, "closing less opening", moved_here))
    return ties


def _minus(one: str, other: str) -> str:
    return f"{one}-{other}" if one and other else ""


def _sheet(
    house: Published, month: str, controls: Mapping[str, Control], title: str, note: str, columns: tuple[Column, ...]
) -> Sheet:
    """One view of the month's roll-forward; rows in which everything is zero are left out."""
    of = {"name": "g.name", "partner_name": "d.partner_name"}
    keys = ", ".join(of.get(column.name, f"l.{column.name}") for column in columns)
    sql = f"""select {keys}, {_SUMS} from fct_liability as l
              left join dim_program as g using (program_key)
              left join dim_partner as d on l.payee_id = d.partner_id
              where l.accounting_month = ? group by {keys} having {_OPEN}"""
    return Sheet(
        title,
        note,
        (*columns, *_AMOUNTS),
        house.stream(f"{sql} order by {keys}", month),
        house.count(sql, month),
        controls,
        house.detail("fct_liability"),
        frozen=len(columns) if len(columns) < 3 else 2,
    )


def _causes(house: Published, month: str) -> Sheet:
    """Every movement by the kind of its batch and its cause, as posted: what the columns of the others consist of."""
    sql = """select legal_entity, currency, batch_kind, cause, sum(credit - debit) from fct_posting
             where account_role = 'accrued_rebates' and accounting_month = ? group by all"""
    totals = house.rows(
        "select currency, sum(closing - opening) from fct_liability_rollforward where accounting_month = ? group by 1",
        month,
    )
    return Sheet(
        "By cause",
        "What moved the liability, by the cause that each posted line carries; a decrease is negative.",
        (
            _ENTITY,
            _CURRENCY,
            Column("batch_kind", "Kind of batch", "identifier", 16),
            Column("cause", "Cause", "identifier", 22),
            Column("amount", "Amount", "amount", 18),
        ),
        house.stream(f"{sql} order by all", month),
        house.count(sql, month),
        {"amount": dict(totals)},
        house.detail("fct_posting"),
    )


def _months(house: Published, month: str) -> Sheet:
    """The months up to this one: a month's closing is the next one's opening."""
    sql = f"""select legal_entity, currency, accounting_month, {_SUMS} from fct_liability_rollforward as l
              where accounting_month <= ? group by all"""
    return Sheet(
        "Month by month",
        "Every month up to this one. A month's closing is the next month's opening.",
        (_ENTITY, _CURRENCY, Column("accounting_month", "Month", "identifier", 11), *_AMOUNTS),
        house.stream(f"{sql} order by legal_entity, currency, accounting_month", month),
        house.count(sql, month),
        {},
        house.detail("fct_liability_rollforward"),
        frozen=3,
    )
