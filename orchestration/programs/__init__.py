"""Program documents: schema, load, flatten into tables.

What belongs here: what a rebate program says, and refusing documents that do not say it properly.
What does not: calculating anything (dbt models). Other rooms read programs/<table>.parquet.

``load(folder)``, ``check(file, folder)``, ``flatten(programs)``, ``write_tables(settings)``, ``describe(program)``.
"""

from orchestration.programs.describe import describe
from orchestration.programs.flatten import KEYS, SCHEMAS, flatten, write_tables
from orchestration.programs.load import check, load
from orchestration.programs.loaded import LoadedProgram, LoadResult, ProgramError
from orchestration.programs.reference import BadReferenceError
from orchestration.programs.schema import Program

__all__ = [
    "KEYS",
    "SCHEMAS",
    "BadReferenceError",
    "LoadResult",
    "LoadedProgram",
    "Program",
    "ProgramError",
    "check",
    "describe",
    "flatten",
    "load",
    "write_tables",
]
