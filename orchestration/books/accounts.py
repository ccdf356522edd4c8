"""Account determination: which account, cost centre and tax code a journal line gets (decision 0170).

What belongs here: matching the rules of the account seed with journal lines (pure). What does not:
which lines there are (journal.py).

A rule names a legal entity and an account role, and may name a program type (kind of program) and a
partner country as well. Of the rules that fit a line, the one that names the most wins. Two that name
equally much, and none at all, stop the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from orchestration.books.checks import check_input, literals, refuse, sql
from orchestration.books.tables import CREDITED_BY

TRAITS = ("program_type", "partner_country")
"""What a rule may name beside its legal entity and account role."""

_PROGRAMS = pa.schema([("program_key", pa.string()), ("program_type", pa.string())])
_PARTNERS = pa.schema([("partner_id", pa.string()), ("partner_country", pa.string())])


@dataclass(frozen=True)
class Traits:
    """What account determination may ask about a program and a payee.

    ``programs``: program_key, program_type (tiers, price_difference, fund). ``partners``: partner_id,
    partner_country (ISO 3166). Without them only rules that name neither can be used.
    """

    programs: pa.Table = field(default_factory=_PROGRAMS.empty_table)
    partners: pa.Table = field(default_factory=_PARTNERS.empty_table)


def determined(
    connection: duckdb.DuckDBPyConnection, lines: str, accounts: pa.Table, traits: Traits, **tables: pa.Table
) -> pa.Table:
    """Account, cost_centre and tax_code for each combination that occurs in the lines.

    ``lines``: query with legal_entity, account_role, program_key and payee_id, over ``tables``.
    ``accounts``: the account seed. Returns one row per legal_entity, account_role, program_key and
    payee_id. Raises LedgerError, naming the rows, for rules that are no rules (missing columns, the
    same rule twice, a program type on a side that joins programs), for lines whose trait is asked for
    but not known, and for lines that no rule or more than one equally specific rule fits.
    """
    rules = _rules(connection, accounts)
    asked = sql(
        connection,
        f"""
        select distinct legal_entity, account_role, program_key, payee_id, program_type, partner_country
        from ({lines})
        left join programs using (program_key)
        left join partners on payee_id = partner_id
        """,
        programs=traits.programs.select(_PROGRAMS.names).cast(_PROGRAMS),
        partners=traits.partners.select(_PARTNERS.names).cast(_PARTNERS),
        **tables,
    )
    for trait, key in zip(TRAITS, ("program_key", "payee_id"), strict=True):
        refuse(
            connection,
            f"{trait} is not known, but account rules ask for it (legal_entity, account_role, {key})",
            f"""
            select distinct legal_entity, account_role, {key}
            from asked semi join (select * from rules where {trait} is not null) using (legal_entity, account_role)
            where asked.{trait} is null and {key} is not null
            """,
            asked=asked,
            rules=rules,
        )
    found = sql(
        connection,
        """
        select asked.*, rules.account, rules.cost_centre, rules.tax_code
        from asked left join rules on asked.legal_entity = rules.legal_entity
            and asked.account_role = rules.account_role
            and coalesce(rules.program_type = asked.program_type, rules.program_type is null)
            and coalesce(rules.partner_country = asked.partner_country, rules.partner_country is null)
        qualify coalesce(rules.named, 0) = max(coalesce(rules.named, 0)) over (
            partition by asked.legal_entity, asked.account_role, asked.program_key, asked.payee_id
        )
        """,
        asked=asked,
        rules=rules,
    )
    case = """concat(legal_entity, ', ', account_role, ', program type ' || program_type,
        ', partner country ' || partner_country)"""
    refuse(
        connection,
        "no account for (legal_entity, account_role, what else is known); add a row to the seed account",
        f"select distinct {case} from found where account is null",
        found=found,
    )
    refuse(
        connection,
        "two account rules name equally much, and both fit (legal_entity, account_role, what else is known);"
        " add a row to the seed account that names both",
        f"""
        select distinct {case} from (
            select legal_entity, account_role, program_key, payee_id, program_type, partner_country
            from found group by all having count(*) > 1
        )
        """,
        found=found,
    )
    return found.select(
        ["legal_entity", "account_role", "program_key", "payee_id", "account", "cost_centre", "tax_code"]
    )


def _rules(connection: duckdb.DuckDBPyConnection, accounts: pa.Table) -> pa.Table:
    """The rules of the seed with ``named``, how many traits each names; LedgerError when one is no rule."""
    check_input(connection, "accounts", accounts, ("legal_entity", "account_role", "account", "cost_centre"), ())
    optional = [
        f"nullif({name}::varchar, '') as {name}" if name in accounts.column_names else f"null::varchar as {name}"
        for name in (*TRAITS, "tax_code")
    ]
    rules = sql(
        connection,
        f"""
        select legal_entity, account_role, account, cost_centre, {", ".join(optional)},
            (program_type is not null)::integer + (partner_country is not null)::integer as named
        from accounts
        """,
        accounts=accounts,
    )
    refuse(
        connection,
        "more than one account for (legal_entity, account_role, program_type, partner_country)",
        f"select legal_entity, account_role, {', '.join(TRAITS)} from rules group by all having count(*) > 1",
        rules=rules,
    )
    refuse(
        connection,
        "an account rule for a partner country that is no ISO 3166 code (legal_entity, account_role, partner_country)",
        """select legal_entity, account_role, partner_country from rules
            where not regexp_full_match(partner_country, '[A-Z]{2}')""",
        rules=rules,
    )
    refuse(
        connection,
        "a payment joins programs, so that an account rule for it cannot name a program type"
        " (legal_entity, account_role, program_type)",
        f"""select legal_entity, account_role, program_type from rules
            where program_type is not null and account_role in {literals(CREDITED_BY.values())}""",
        rules=rules,
    )
    return rules
