"""The page at the end of a run: files and rows, programs to date.

What belongs here: sums over marts for the screen. What does not: what a run did (the run itself tells that).
"""

from __future__ import annotations

import duckdb

from orchestration.explain.blocks import Block, Heading, Table
from orchestration.explain.figures import cell
from orchestration.explain.snapshot import rows


def intake_page(connection: duckdb.DuckDBPyConnection) -> list[Block]:
    """Files and rows of all files that were received, and the reasons of quarantine."""
    sums = rows(
        connection,
        """select source, entity, count(*) as files, sum(rows_in)::bigint as rows_in,
                  sum(rows_accepted)::bigint as accepted, sum(rows_held)::bigint as held,
                  sum(rows_quarantined)::bigint as quarantined,
                  count(*) filter (where status <> 'read') as unreadable
           from rpt_file group by source, entity order by entity is distinct from 'line', source""",
    )
    numbers = ("files", "rows_in", "accepted", "held", "quarantined", "unreadable")
    by_source = [(r["source"], r["entity"], *(r[name] for name in numbers)) for r in sums]
    by_source.append(("all", "", *(sum(r[name] for r in sums) for name in numbers)))
    columns = ("source", "rows are", "files", "read", "accepted", "held", "quarantined", "unreadable")
    reasons = rows(
        connection,
        """select reason, count(*) as rows, count(distinct file_sequence) as files
           from (select file_sequence, unnest(string_split(rules_failed, ';')) as reason from rpt_quarantined_line)
           group by reason order by rows desc, reason""",
    )
    return [
        Heading("Files and rows"),
        Table("", columns, by_source),
        Heading("Quarantined lines by reason"),
        Table("", ("reason", "rows", "files"), [(r["reason"], r["rows"], r["files"]) for r in reasons]),
    ]


def program_page(connection: duckdb.DuckDBPyConnection) -> list[Block]:
    """Earned, accrued, settled and still owed per program."""
    found = rows(
        connection,
        """with earned as (select program_key, sum(amount) as amount from fct_payout where is_payable group by 1),
                books as (select program_key, sum(accrued + true_ups + currency_effect) as accrued,
                                 sum(settled) as settled, sum(unposted) as unposted
                          from fct_liability_rollforward group by 1)
           select g.program_key, g.currency, coalesce(e.amount, 0) as earned,
                  coalesce(b.accrued, 0) as accrued, coalesce(b.settled, 0) as settled,
                  coalesce(b.accrued, 0) - coalesce(b.settled, 0) as liability, coalesce(b.unposted, 0) as unposted
           from dim_program as g left join earned as e using (program_key) left join books as b using (program_key)
           where g.calculated or b.program_key is not null
           order by g.program_key""",
    )
    columns = ("program", "", "earned", "accrued", "settled", "liability", "unposted")
    names = ("earned", "accrued", "settled", "liability", "unposted")
    shown = [(r["program_key"], r["currency"], *(cell(r[name]) for name in names)) for r in found]
    return [Heading("Programs, to date"), Table("", columns, shown)]
