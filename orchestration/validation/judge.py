"""Great Expectations judges frames of rows. The only place that imports it.

What belongs here: making expectations from rules, running them, and which rows fail. What does
not: which rows are judged and what a failure means (verdicts.py).

Frames carry the row id as their index and results are asked for without index columns: Great
Expectations then returns the index of the failing rows in one step, where named index columns cost
about 50 microseconds per failing row.
"""

from __future__ import annotations

import datetime
import logging
import os
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from orchestration.validation.suites import Rule, RuleError, Suite

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Judge:
    """Great Expectations with the expectations of some suites. Importing it takes about 10 seconds.

    Raises RuleError, naming suite file and entry, for arguments that an expectation does not take.
    """

    def __init__(self, suites: Iterable[Suite]) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"  # no network
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import great_expectations as gx
            from great_expectations.data_context.types.base import ProgressBarsConfig
            from great_expectations.expectations.registry import get_expectation_impl

        logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # failures come back as results
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("rows").add_dataframe_asset("frame")
        self._batches = asset.add_batch_definition_whole_dataframe("whole")
        self._suite_of = gx.ExpectationSuite
        self._expectations: dict[tuple[str, str], Any] = {}
        for suite in suites:
            for rule in suite.rules:
                implementation = get_expectation_impl(rule.type)
                kwargs = {name: _argument(value) for name, value in rule.kwargs.items() if name != "mostly"}
                try:
                    expectation = implementation(**kwargs, meta={"id": rule.id})
                except Exception as error:  # whatever the expectation's own checks raise
                    reason = " ".join(str(error).split())
                    raise RuleError(f"{suite.name}.yml: expectations ({rule.id}): kwargs: {reason}") from error
                self._expectations[suite.name, rule.id] = expectation

    def failing(self, frame: pd.DataFrame, suite: Suite, rules: Iterable[Rule]) -> dict[str, np.ndarray | str]:
        """By rule id: the index of the rows that fail, or, as text, why the rule could not be evaluated."""
        import numpy as np

        chosen = [self._expectations[suite.name, rule.id] for rule in rules]
        batch = self._batches.get_batch({"dataframe": frame})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = batch.validate(
                self._suite_of("rules", expectations=[_copy(expectation) for expectation in chosen]),
                result_format={"result_format": "COMPLETE"},
            )
        found: dict[str, np.ndarray | str] = {}
        for result in outcome.results:
            assert result.expectation_config is not None
            rule_id = result.expectation_config.meta["id"]
            if message := _raised(result.exception_info):
                found[rule_id] = message
            elif "unexpected_index_list" not in result.result:
                found[rule_id] = "no failing rows were reported"
            else:
                rows = result.result["unexpected_index_list"] or []
                found[rule_id] = np.asarray(rows, dtype=np.int64)
        for expectation in chosen:
            found.setdefault(expectation.meta["id"], "no result was reported")
        return found


def _copy(expectation: Any) -> Any:
    """A fresh copy: a suite takes its expectations over and may not be given one twice."""
    return expectation.copy(deep=True)


def _raised(info: dict[str, Any]) -> str:
    """What an expectation raised; empty if nothing. Two shapes are in use: flat, and one entry per metric."""
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, dict)]
    messages = {str(entry["exception_message"]) for entry in entries if entry.get("raised_exception")}
    return "; ".join(sorted(messages))


def _argument(value: Any) -> Any:
    """Dates as the timestamps that date columns hold in a frame."""
    import pandas as pd

    if isinstance(value, datetime.date):
        return pd.Timestamp(value)
    return value
