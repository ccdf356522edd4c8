"""Every path and switch of a run, read in one place.

What belongs here: names of folders and environment variables. What does not: anything that
opens a file or a database.

Unknown ``REBATES_…`` variables raise: a misspelt setting must never fall back silently.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

ENGINES = ("duckdb",)
"""Engines that the pipeline can run on today. Others are added with their dispatched macros."""

PATTERNS = "'\"*?[]{}"
"""Characters that a data path may not hold: dbt's and DuckDB's file patterns would take them for more than text."""

_VARIABLES = {
    "REBATES_DATA": "data directory (default: data/ in the checkout)",
    "REBATES_PROGRAMS": "folder of program documents (default: seeds/programs)",
    "REBATES_ENGINE": "engine of the dbt models (default: duckdb)",
    "REBATES_MEMORY_LIMIT": "memory limit of DuckDB (default: 2GB)",
    "REBATES_THREADS": "threads of DuckDB and dbt (default: 2)",
}


_MEMORY = re.compile(r"(\d+(?:\.\d+)?) ?[KMGT]i?B", re.IGNORECASE)


class SettingsError(ValueError):
    """A setting is unknown or has a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """Paths and switches of one run. All paths are absolute."""

    data: Path
    programs: Path = REPOSITORY / "seeds" / "programs"
    sources: Path = REPOSITORY / "seeds" / "sources"
    reference: Path = REPOSITORY / "seeds" / "reference"
    erp: Path = REPOSITORY / "seeds" / "erp"
    books: Path = REPOSITORY / "seeds" / "books"
    expectations: Path = REPOSITORY / "expectations"
    dbt_project: Path = REPOSITORY / "dbt_project"
    engine: str = "duckdb"
    memory_limit: str = "2GB"
    threads: int = 2

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from the environment.

        Raises SettingsError for an unknown REBATES_ variable or engine, for a number of threads or a size of
        memory that is none, for a data path that cannot be used, and for a folder of programs that is not there.
        """
        env = os.environ if env is None else env
        unknown = sorted(name for name in env if name.startswith("REBATES_") and name not in _VARIABLES)
        if unknown:
            known = ", ".join(sorted(_VARIABLES))
            raise SettingsError(f"unknown setting {', '.join(unknown)}; known settings: {known}")
        engine = env.get("REBATES_ENGINE", "duckdb")
        if engine not in ENGINES:
            raise SettingsError(f"REBATES_ENGINE={engine}: expected one of {', '.join(ENGINES)}")
        threads = env.get("REBATES_THREADS", "2")
        if not (threads.isascii() and threads.isdecimal()) or int(threads) < 1:
            raise SettingsError(f"REBATES_THREADS={threads}: expected a whole number of at least 1")
        memory = env.get("REBATES_MEMORY_LIMIT", "2GB")
        size = _MEMORY.fullmatch(memory)
        if not size or not float(size[1]):
            raise SettingsError(f"REBATES_MEMORY_LIMIT={memory}: expected a size such as 2GB, 1500MB or 4GiB")
        data = Path(env.get("REBATES_DATA") or REPOSITORY / "data").resolve()
        if unusable := sorted(set(str(data)) & set(PATTERNS)):
            raise SettingsError(
                f"REBATES_DATA={data}: the path holds {' '.join(unusable)}; choose a folder without any of {PATTERNS}"
            )
        if data.exists() and not data.is_dir():
            raise SettingsError(f"REBATES_DATA={data}: expected a folder, and this is a file")
        programs = Path(env.get("REBATES_PROGRAMS") or REPOSITORY / "seeds" / "programs").resolve()
        if not programs.is_dir():
            raise SettingsError(
                f"REBATES_PROGRAMS={programs}: expected the folder of the program documents; it is not there"
            )
        return cls(
            data=data,
            programs=programs,
            engine=engine,
            memory_limit=memory,
            threads=int(threads),
        )

    # --- precious: kept for ever -----------------------------------------------------------
    @property
    def landing(self) -> Path:
        """Files exactly as they came: landing/<source>/<file>."""
        return self.data / "landing"

    @property
    def ledger(self) -> Path:
        """What was posted and paid: one immutable folder per batch."""
        return self.data / "ledger"

    # --- rebuilt from the two above --------------------------------------------------------
    @property
    def raw(self) -> Path:
        """One immutable Parquet per landed file: raw/<entity>/<file key>.parquet."""
        return self.data / "raw"

    @property
    def accepted(self) -> Path:
        """Rows with verdict accepted or held: accepted/<entity>/<file key>.parquet."""
        return self.data / "accepted"

    @property
    def quarantine(self) -> Path:
        """Rows that failed a reject rule, with reasons: quarantine/<entity>/<file key>.parquet."""
        return self.data / "quarantine"

    @property
    def validation_results(self) -> Path:
        """One row per rule and file: validation/<entity>/<file key>.parquet."""
        return self.data / "validation"

    @property
    def matching(self) -> Path:
        """Which end customer each spelling means, with candidates; own codes suggested for unknown ones."""
        return self.data / "matching"

    @property
    def program_tables(self) -> Path:
        """Program documents flattened: programs/<table>.parquet."""
        return self.data / "programs"

    @property
    def line_reduction(self) -> Path:
        """What net_of programs reduce lines by, as the passes before the build found."""
        return self.data / "run" / "line_reduction.parquet"

    @property
    def claim_decision(self) -> Path:
        """What people decided about claims, for the models, as landing/.claims/ says."""
        return self.data / "run" / "claim_decision.parquet"

    @property
    def run_context(self) -> Path:
        """The as-of date and accounting month of the current run, one row."""
        return self.data / "run" / "run_context.parquet"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that the pipeline writes. Readers use the published snapshot."""
        return self.data / "warehouse.duckdb"

    @property
    def scratch(self) -> Path:
        """Spill files of DuckDB and half-written files before their rename."""
        return self.data / "scratch"

    @property
    def published(self) -> Path:
        """What leaves the house: ERP files, workbooks, the analytics snapshot."""
        return self.data / "published"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage (runs, event logs)."""
        return self.data / "dagster"

    @property
    def dbt_target(self) -> Path:
        """Where dbt writes its manifest and compiled SQL."""
        return self.data / "dbt"

    def environment(self) -> dict[str, str]:
        """The variables that a child process (dbt) needs to see the same settings."""
        return {
            "REBATES_DATA": str(self.data),
            "REBATES_PROGRAMS": str(self.programs),
            "REBATES_ENGINE": self.engine,
            "REBATES_MEMORY_LIMIT": self.memory_limit,
            "REBATES_THREADS": str(self.threads),
        }
