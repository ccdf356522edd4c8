"""The published tables with the columns and types of the real marts, and the rows that a test makes up.

What belongs here: rows with everything that a test does not care about filled in. What does not: figures, dbt.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import duckdb
import yaml

from orchestration.settings import REPOSITORY

MARTS = REPOSITORY / "dbt_project" / "models" / "marts"
LINE = "erp|100|10"
DAY = date(2017, 3, 1)
ALWAYS = {"valid_from": date(1900, 1, 1), "valid_to": date(9999, 12, 31)}


@cache
def models() -> list[dict[str, Any]]:
    """Every mart as its YAML describes it."""
    texts = (path.read_text() for path in sorted(MARTS.glob("*.yml")))
    return [model for text in texts for model in yaml.load(text, yaml.CSafeLoader).get("models", [])]


def keys() -> dict[str, list[str]]:
    """The key columns of every mart."""
    return {model["name"]: model["config"]["meta"]["grain"] for model in models()}


class Marts:
    """The marts in a database: the real columns and types, with the rows that a test gives."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        for model in models():
            columns = ", ".join(f'"{column["name"]}" {column["data_type"]}' for column in model["columns"])
            connection.execute(f"create table {model['name']} ({columns})")
        self.add("rpt_run", as_of=date(2017, 5, 10), accounting_month="2017-05", calculation_id="c2")
        for day in (date(2017, 1, 15), DAY):
            month, quarter = f"2017-{day.month:02d}", f"2017-Q{(day.month + 2) // 3}"
            self.add(
                "dim_date", calendar="months", date_day=day, month_id=month, quarter_id=quarter, year_id="2017"
            )  # fmt: skip

    def add(self, table: str, **row: Any) -> None:
        """Add a row; columns that are left out are null."""
        names = ", ".join(f'"{name}"' for name in row)
        self.connection.execute(
            f"insert into {table} ({names}) values ({', '.join('?' * len(row))})", list(row.values())
        )

    def program(self, key: str, *, scope: dict[str, Any] | None = None, include: str = "all", **columns: Any) -> None:
        """A calculated program of 2017 per quarter for whom it includes, on sell-in lines."""
        row = {
            "program_id": key.split("@")[0],
            "program_key": key,
            "version": 1,
            "name": key.split("@")[0].title(),
            "currency": "USD",
            "valid_from": date(2017, 1, 1),
            "valid_to": date(2017, 12, 31),
            "measurement": "quarter",
            "calendar": "months",
            "kind": "tiers",
            "status": "active",
            "calculated": True,
            "participant_role": "sold_to",
            "aggregate": "participant",
            "enrolment": "automatic",
            "earning_scope": f"{key}:earning",
            "target_scope": f"{key}:earning",
            "basis": "amount",
            "cumulation": "reset",
            "boundary": "inclusive",
            "method": "retrospective",
            "rate_kind": "percent",
            "fx_max_age_days": 10,
            **columns,
        }
        self.add("dim_program", **row)
        self.scope(key, "earning", **(scope or {}))
        kind, _, value = include.partition(":")
        self.rule(key, "participants", "include", kind, value)
        if include == "all" and row["calculated"]:
            self.admit(key)

    def scope(self, key: str, name: str, **columns: Any) -> None:
        """A scope of the program, by default of sell-in lines."""
        row = {"stream": "sell_in", "returns": "by_return_date", **columns}
        self.add("dim_program_scope", scope_key=f"{key}:{name}", program_key=key, scope=name, **row)

    def rule(self, key: str, scope: str, rule: str, dimension: str, value: str, day: date | None = None) -> None:
        """A name that the program includes or excludes, or who accepted it."""
        self.add(
            "dim_program_rule",
            program_key=key, scope=scope, rule=rule, dimension=dimension, value=value, accepted_on=day,
        )  # fmt: skip

    def admit(self, key: str, partner: str = "R-1", **columns: Any) -> None:
        """A partner that the program admits, by default for ever."""
        row = {"participant_id": partner, "channel": "grocery", "region": "NORTH", **ALWAYS, **columns}
        self.add("fct_program_participant", program_key=key, partner_id=partner, **row)

    def line(self, key: str = LINE, **columns: Any) -> None:
        """A line of ten pieces for 100 dollars that R-1 bought on DAY."""
        source, document, number = key.split("|")
        row = {
            "stream": "sell_in",
            "document_number": document,
            "line_number": number,
            "document_type": "invoice",
            "document_date": DAY,
            "sold_to_id": "R-1",
            "product_id": "P-1",
            "quantity": Decimal(10),
            "unit": "EA",
            "base_quantity": Decimal(10),
            "net_amount": Decimal(100),
            "currency": "USD",
            "verdict": "accepted",
            "source": source,
            "file_name": "invoices.csv",
            "file_sequence": 1,
            "file_hash": "9f86d081884c7d65",
            "row_number": 42,
            **columns,
        }
        self.add("fct_line", line_key=key, **row)

    def payout(self, key: str, participant: str = "R-1", period: str = "2017-Q1", **columns: Any) -> str:
        """A row of fct_qualification: 5,000 dollars bought, tier 1 from 1,000 at 2 %."""
        payout_id = f"{key}:{participant}:{period}"
        row = {
            "period_start": date(2017, 1, 1),
            "period_end": date(2017, 3, 31),
            "currency": "USD",
            "basis_kind": "amount",
            "method": "retrospective",
            "rate_kind": "percent",
            "target_lines": 3,
            "earning_lines": 3,
            "excluded_lines": 0,
            "excluded_amount": Decimal(0),
            "actual": Decimal(5000),
            "basis": Decimal(5000),
            "payout_base": Decimal(5000),
            "gates_hold": True,
            "tier_number": 1,
            "tier_threshold": Decimal(1000),
            "tier_rate": Decimal("0.02"),
            "uncapped_payout": Decimal(100),
            "shortfall": Decimal(0),
            "payout": Decimal(100),
            **columns,
        }
        self.add(
            "fct_qualification",
            payout_id=payout_id, program_id=key.split("@")[0], program_key=key, participant_id=participant,
            period_id=period, **row,
        )  # fmt: skip
        return payout_id

    def qualification_rule(self, payout_id: str, rule: str, holds: bool, **columns: Any) -> None:
        """A rule of a payout; by default 10 are required and 8 are there."""
        row = {"rule_number": 11, "requirement": "amount >=", "required": Decimal(10), "actual": Decimal(8), **columns}
        self.add("fct_qualification_rule", payout_id=payout_id, rule=rule, holds=holds, **row)

    def rebate(self, payout_id: str, amount: str, line_key: str = LINE, **columns: Any) -> None:
        """What a line earned of a payout, by default for the participant."""
        key, participant, period = payout_id.split(":")
        row = {
            "program_id": key.split("@")[0],
            "program_key": key,
            "participant_id": participant,
            "member_id": participant,
            "payee_id": participant,
            "period_id": period,
            "currency": "USD",
            "payout_base": Decimal(100),
            "row_number": 42,
            "file_hash": "9f86d081884c7d65",
            **columns,
        }
        self.add("fct_line_rebate", line_key=line_key, payout_id=payout_id, amount=Decimal(amount), **row)

    def leave_out(self, key: str, reason: str, scope: str = "earning", **columns: Any) -> None:
        """LINE as a scope of the program leaves it out."""
        row = {
            "payout_id": f"{key}:R-1:2017-Q1",
            "participant_id": "R-1",
            "member_id": "R-1",
            "period_id": "2017-Q1",
            "document_date": DAY,
            "net_amount": Decimal(100),
            "currency": "USD",
            "amount": Decimal(100),
            **columns,
        }
        self.add(
            "rpt_excluded_line", program_key=key, scope_key=f"{key}:{scope}", line_key=LINE, reason=reason, **row
        )  # fmt: skip
