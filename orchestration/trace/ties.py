"""The sums that hold a trail together: what stands above, and its parts, over what was selected (start.py).

What belongs here: one query per tie, giving (key, unit, above, parts). What does not: what is shown of the steps.
Each tie is over whole things, never over the part that a trace shows: the parts of a payout are all its lines.
"""

from __future__ import annotations

from decimal import Decimal

import duckdb

from orchestration.trace.report import Tie
from orchestration.trace.start import rows

TIES: tuple[tuple[str, str, str], ...] = (
    (
        "payments",
        "payment = its payment lines",
        """select p.payment_id as key, p.currency as unit, p.amount as above, sum(l.amount) as parts
           from traced_payment as p left join fct_payment_line as l on p.payment_id = l.payment_id group by all""",
    ),
    (
        "payments",
        "payment = what the journal credits to the payable",
        """select p.payment_id as key, p.currency as unit, p.amount as above, sum(j.credit - j.debit) as parts
           from traced_payment as p
           left join fct_posting as j
               on p.payment_id = j.payment_id and j.batch_kind = 'settlement' and j.account_role <> 'accrued_rebates'
           group by all""",
    ),
    (
        "payment_lines",
        "payment line = what the journal takes off accrued rebates",
        """select l.payment_line_id as key, l.currency as unit, l.amount as above, sum(j.debit - j.credit) as parts
           from fct_payment_line as l
           semi join traced_payment as p on l.payment_id = p.payment_id
           left join fct_posting as j
               on l.payment_id = j.payment_id and l.program_key = j.program_key and l.period_id = j.period_id
               and j.batch_kind = 'settlement' and j.account_role = 'accrued_rebates'
           group by all""",
    ),
    (
        "standing",
        "settled = all payment lines of the program version, payee and period",
        """with settled as (
               select program_key, payee_id, period_id, currency, sum(debit - credit) as amount from fct_posting
               where batch_kind = 'settlement' and account_role = 'accrued_rebates' group by all),
           lines as (
               select program_key, payee_id, period_id, currency, sum(amount) as amount from fct_payment_line
               group by all)
           select k.program_key || ' ' || k.payee_id || ' ' || k.period_id as key, s.currency as unit,
                  s.amount as above, l.amount as parts
           from traced_key as k
           inner join settled as s using (program_key, payee_id, period_id)
           left join lines as l using (program_key, payee_id, period_id, currency)""",
    ),
    (
        "journal",
        "liability of the program version and payee = all its journal lines",
        """with keys as (select distinct program_key, payee_id from traced_key),
           posted as (
               select program_key, payee_id, currency, sum(credit - debit) as amount from fct_posting
               where account_role = 'accrued_rebates' group by all)
           select k.program_key || ' ' || k.payee_id as key, l.currency as unit, l.closing as above,
                  coalesce(p.amount, 0) as parts
           from keys as k
           inner join fct_liability as l using (program_key, payee_id)
           inner join rpt_run as r on l.accounting_month = r.accounting_month
           left join posted as p using (program_key, payee_id, currency)""",
    ),
    (
        "journal",
        "entry: debit = credit",
        """select p.entry_id as key, p.currency as unit, sum(p.debit) as above, sum(p.credit) as parts
           from fct_posting as p semi join traced_posting as t on p.entry_id = t.entry_id group by all""",
    ),
    (
        "payouts",
        "payout = the payees' parts",
        """select q.payout_id as key, q.currency as unit, q.payout as above, sum(o.amount) as parts
           from fct_qualification as q inner join fct_payout as o on q.payout_id = o.payout_id
           where q.payout_id in (select payout_id from traced_payout)
           group by all""",
    ),
    (
        "tiers",
        "payout before gates and bounds = its tiers",
        """select q.payout_id as key, q.currency as unit, q.uncapped_payout as above,
                  coalesce(sum(a.amount), 0) as parts
           from fct_qualification as q left join fct_tier_application as a on q.payout_id = a.payout_id
           where q.payout_id in (select payout_id from traced_payout)
           group by all""",
    ),
    (
        "line_sums",
        "payee's part = its lines' parts",
        """select o.payout_payee_id as key, o.currency as unit, o.amount as above, coalesce(t.amount, 0) as parts
           from traced_payout as o
           left join traced_total as t on o.payout_id = t.payout_id and o.payee_id = t.payee_id""",
    ),
    (
        "line_parts",
        "each line with its file, row and hash",
        """select r.line_key as key, 'lines' as unit, 1 as above, count(f.file_sequence) as parts
           from (select distinct line_key, file_sequence, row_number, file_hash from traced_rebate) as r
           left join fct_line as l
               on r.line_key = l.line_key and r.file_sequence = l.file_sequence and r.row_number = l.row_number
           left join rpt_file as f
               on l.file_sequence = f.file_sequence and r.file_hash = f.file_hash and l.file_hash = f.file_hash
           group by r.line_key""",
    ),
)
"""(step, what is equal, query) in the order of the steps."""


def ties_of(connection: duckdb.DuckDBPyConnection) -> list[Tie]:
    """Every tie over what is selected, by unit; a tie without anything to compare is left out."""
    found = []
    for step, what, sql in TIES:
        summed = rows(
            connection,
            f"""select unit, count(*), sum(above), coalesce(sum(parts), 0),
                       count(*) filter (above is distinct from parts), min(key) filter (above is distinct from parts)
                from ({sql}) group by unit order by unit""",
        )
        found += [
            Tie(step, what, unit, count, Decimal(above), Decimal(parts), broken, example)
            for unit, count, above, parts, broken, example in summed
        ]
    return found
