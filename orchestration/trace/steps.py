"""The steps of a trail, from the payment down to the file, as queries over what was selected (start.py).

What belongs here: what each step shows, and in which order. What does not: the sums that must tie (ties.py), rows of
files as delivered (source.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from orchestration.trace.report import Step
from orchestration.trace.start import rows


@dataclass(frozen=True)
class _Query:
    """A step as a query. ``columns`` are those of ``sql``, as people read them."""

    name: str
    title: str
    sql: str
    notes: tuple[str, ...] = ()


PAYMENTS = _Query(
    "payments",
    "Payments",
    """select p.payment_id as payment, b.batch, p.payment_date as "paid on", p.payee_id as payee,
              p.legal_entity as "legal entity", p.instrument, p.amount, p.currency, p.status
       from traced_payment as p left join traced_batch as b using (batch_number)
       order by p.batch_number, p.payment_id""",
)
PAYMENT_LINES = _Query(
    "payment_lines",
    "What the payments consist of: one line per program version and period",
    """select l.payment_line_id as "payment line", l.program_key as program, l.period_id as period, l.payee_id as payee,
              l.amount, l.currency
       from fct_payment_line as l
       semi join traced_payment as p on l.payment_id = p.payment_id
       semi join traced_key as k
           on l.program_key = k.program_key and l.payee_id = k.payee_id and l.period_id = k.period_id
       order by l.batch_number, l.payment_line_id""",
)
STANDING = _Query(
    "standing",
    "Earned as of the snapshot, accrued and settled in all batches",
    """with earned as (
           select program_key, payee_id, period_id, sum(amount) as earned from fct_payout
           where is_payable group by all),
       books as (
           select program_key, payee_id, period_id,
                  sum(case when batch_kind = 'accrual' then credit - debit else 0 end) as accrued,
                  sum(case when batch_kind = 'settlement' then debit - credit else 0 end) as settled,
                  sum(case when batch_kind not in ('accrual', 'settlement') then credit - debit else 0 end) as adjusted
           from fct_posting where account_role = 'accrued_rebates' group by all)
       select k.program_key as program, k.period_id as period, k.payee_id as payee, coalesce(e.earned, 0) as earned,
              coalesce(b.accrued, 0) as accrued, coalesce(b.settled, 0) as settled,
              coalesce(b.adjusted, 0) as adjusted,
              coalesce(b.accrued, 0) + coalesce(b.adjusted, 0) - coalesce(b.settled, 0) as liability,
              coalesce(e.earned, 0) - coalesce(b.accrued, 0) as "earned, not accrued", g.currency
       from traced_key as k
       inner join dim_program as g on k.program_key = g.program_key
       left join earned as e
           on k.program_key = e.program_key and k.payee_id = e.payee_id and k.period_id = e.period_id
       left join books as b on k.program_key = b.program_key and k.payee_id = b.payee_id and k.period_id = b.period_id
       order by k.program_key, k.period_id, k.payee_id""",
    (
        "liability = accrued + adjusted - settled. Where earned is not what was settled, the rest is still owed: later"
        " lines and corrections, held lines, an open period, an amount below the minimum. Earned, not accrued: what a"
        " close would still post; before a period closes, methods that look ahead stand apart from what is earned.",
    ),
)
JOURNAL = _Query(
    "journal",
    "Journal lines",
    """select p.posting_id as "journal line", b.batch, p.entry_id as entry, p.account_role as role, p.account,
              p.program_key as program, p.period_id as period, p.payee_id as payee, p.debit, p.credit, p.currency,
              p.cause, p.payment_id as payment
       from traced_posting as p left join traced_batch as b using (batch_number)
       order by p.batch_number, p.journal_line""",
)
BATCHES = _Query(
    "batches",
    "Batches: by which run and from which calculation",
    """select b.batch, b.as_of as "as of", b.run_id as run, b.calculation_id as calculation,
              b.file_sequence as "files up to", b.manifest_hash as "manifest's SHA-256"
       from traced_batch as b
       where b.batch_number in (select batch_number from traced_posting
                                union select batch_number from traced_payment)
       order by b.batch_number""",
)
PROGRAMS = _Query(
    "programs",
    "Program versions",
    """select g.program_key as program, g.name, g.file_name as document, g.document_hash as "document's SHA-256",
              t.terms as "terms as last posted", g.approved_by as "approved by", g.approved_on as "approved on",
              g.accrual_method as accrues, g.instrument
       from dim_program as g
       left join (select program_key, max_by(terms, batch_number) as terms from traced_terms group by 1) as t
           on g.program_key = t.program_key
       where g.program_key in (select program_key from traced_payout
                               union select program_key from traced_key)
       order by g.program_key""",
)
PAYOUTS = _Query(
    "payouts",
    "Payouts and the payees' parts of them",
    """select o.payout_id as payout, nullif(o.payee_id, '') as payee, q.basis_kind as "basis is", q.basis,
              q.payout_base as "payout base", q.method, q.tier_number as tier, q.uncapped_payout as "by the tiers",
              q.limited_by as "limited by", q.payout, o.amount as "payee's part", o.currency
       from traced_payout as o left join fct_qualification as q on o.payout_id = q.payout_id
       order by o.payout_id, o.payee_id""",
    ("A payout for a payee without a name is nobody's: reported, neither accrued nor paid.",),
)
TIERS = _Query(
    "tiers",
    "Tiers of the payouts",
    """select a.payout_id as payout, a.tier_number as tier, a.threshold as "from", a.basis_part as "basis inside",
              a.payout_base as "applied to", a.rate, a.flat_amount as flat, a.amount
       from fct_tier_application as a
       where a.payout_id in (select payout_id from traced_payout)
       order by a.payout_id, a.tier_number""",
)
SHARES = _Query(
    "line_sums",
    "The payees' parts as the sums of lines",
    """select t.payout_id as payout, nullif(t.payee_id, '') as payee, t.lines, t.files, t.payout_base as base, t.amount,
              coalesce(r.lines, 0) as "lines of this trace", coalesce(r.amount, 0) as "amount of this trace", t.currency
       from traced_total as t
       left join (select payout_id, payee_id, count(*) as lines, sum(amount) as amount
                  from traced_rebate group by all) as r
           on t.payout_id = r.payout_id and t.payee_id = r.payee_id
       order by t.payout_id, t.payee_id""",
)
LINE_PARTS = _Query(
    "line_parts",
    "Lines and their parts, with the rates used",
    """select r.payout_id as payout, nullif(r.payee_id, '') as payee, r.line_key as line, l.document_date as dated,
              l.product_id as product, l.quantity, l.unit, l.base_quantity as "in base units",
              d.base_unit as "base unit",
              l.net_amount as "net amount", l.currency as "in", r.fx_rate as "exchange rate", r.payout_base as base,
              r.amount, r.currency, l.verdict, l.file_name as file, r.file_sequence as receipt,
              r.row_number as "row", r.file_hash as "file's SHA-256"
       from traced_rebate as r
       left join fct_line as l on r.line_key = l.line_key
       left join dim_product as d on l.product_id = d.product_id
       order by r.payout_id, r.payee_id, r.line_key""",
)
FILES = _Query(
    "files",
    "Files",
    """select f.file_sequence as receipt, f.source, f.file_name as file, f.received_on as "received on",
              f.rows_in as "rows", n.lines as "lines of this trace", f.file_hash as "SHA-256"
       from rpt_file as f
       inner join (select file_sequence, count(distinct line_key) as lines from traced_origin group by 1) as n
           on f.file_sequence = n.file_sequence
       order by f.file_sequence""",
)

DOWNWARDS = (
    PAYMENTS, PAYMENT_LINES, STANDING, JOURNAL, BATCHES, PROGRAMS, PAYOUTS, TIERS, SHARES, LINE_PARTS, FILES
)  # fmt: skip
"""The steps from the money to the files; upwards they are read in the opposite order."""


def step_of(connection: duckdb.DuckDBPyConnection, query: _Query) -> Step:
    """The step over what is selected now, with its column names and its number of rows."""
    [(total,)] = rows(connection, f"select count(*) from ({query.sql})")
    described = connection.execute(f"describe {query.sql}").fetchall()
    columns = tuple(str(row[0]) for row in described)
    return Step(query.name, query.title, columns, total, query.sql, notes=query.notes if total else ())
