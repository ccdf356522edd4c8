"""When things run: jobs, accounting months as partitions, schedules, the sensor on landing/, freshness.

What belongs here: what starts a run, and of what. What does not: the work of a run (stages/) and
decisions about figures.

The jobs: ``intake`` takes new files in and judges their rows; ``refresh`` computes for a date and
publishes without posting; ``release`` publishes anew after people released payments; ``close``
computes for a month end, posts the differences, publishes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from orchestration.runs import FIRST_MONTH, arrivals, arrivals_key, month_of
from orchestration.settings import Settings

CLOSE_DAY = 3
"""Day of the next month on which the schedule closes a month: late reports have three days to come."""

PARTITIONS = dg.MonthlyPartitionsDefinition(start_date=FIRST_MONTH, fmt="%Y-%m", end_offset=1)
"""Accounting months, the running one included (a refresh may be asked for in its midst)."""

ONE_MONTH_A_RUN = dg.BackfillPolicy.multi_run(1)
"""Months are run one by one, oldest first: what one posts, the next one builds on."""

INTAKE_GROUPS = ("intake", "validation", "programs")
POSTING = ("adjustment_batch", "accrual_batch", "settlement_batch", "settlement_proposal")
"""Assets that only a close may make."""

MONTH_END_WORKBOOKS = ("accrual_journal", "payment_run", "liability_rollforward")
"""Workbooks of a month that was closed; a later snapshot shows it too."""

CLAIM_AGEING = "claim_ageing"
"""Open claims and their ages, of the snapshot's own month."""

STATEMENTS = "partner_statements"
"""Statements of where partners stand, of the snapshot's own month."""

WORKBOOK_DAY = 5
"""Day of the next month on which the schedule writes the month-end workbooks again."""

CONTEXT_STEP = "run_context"
INTAKE_STEP = "take_in"


def freshness_of_figures() -> dg.FreshnessPolicy:
    """Figures are refreshed daily: a warning after a day and a half, a failure after three days."""
    return dg.FreshnessPolicy.time_window(fail_window=timedelta(days=3), warn_window=timedelta(hours=36))


def jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """The jobs; each runs in one process, since one process writes the warehouse file."""
    executor = dg.in_process_executor
    intake = dg.AssetSelection.groups(*INTAKE_GROUPS)
    everything = dg.AssetSelection.all()
    workbooks = dg.AssetSelection.assets(*MONTH_END_WORKBOOKS)
    ageing = dg.AssetSelection.assets(CLAIM_AGEING)
    statements = dg.AssetSelection.assets(STATEMENTS)
    return [
        dg.define_asset_job(
            "intake",
            selection=intake,
            description="Take new files of landing/ in and give each row its verdict.",
            executor_def=executor,
        ),
        dg.define_asset_job(
            "refresh",
            selection=everything - dg.AssetSelection.assets(*POSTING) - workbooks - ageing - statements,
            description="Compute for an as-of date (default: the month's last day) and publish; posts nothing.",
            executor_def=executor,
        ),
        dg.define_asset_job(
            "release",
            selection=dg.AssetSelection.groups("books_marts", "publish"),
            description="After people released payments: the marts of the books, and what is published, anew. "
            "Its month is that of the figures in the warehouse.",
            executor_def=executor,
        ),
        dg.define_asset_job(
            "close",
            selection=everything,
            description="Close an accounting month: compute at its last day, post the differences, publish. "
            "A month that is closed already is computed and published again, and nothing is posted.",
            executor_def=executor,
        ),
        dg.define_asset_job(
            "month_end_workbooks",
            selection=workbooks,
            description="Write finance's workbooks of a closed month again, from the published snapshot.",
            executor_def=executor,
        ),
        dg.define_asset_job(
            "weekly_claim_ageing",
            selection=ageing,
            description="Write the ageing of claims from the published snapshot: what is open, and for how long.",
            executor_def=executor,
        ),
        dg.define_asset_job(
            "weekly_partner_statements",
            selection=statements,
            description="Write the partner statements from the published snapshot: where each partner stands.",
            executor_def=executor,
        ),
    ]


def refresh_config(as_of: date) -> dict[str, object]:
    """Run configuration of a refresh for a date."""
    return {"ops": {CONTEXT_STEP: {"config": {"as_of": as_of.isoformat()}}}}


def intake_config(day: date) -> dict[str, object]:
    """Run configuration of an intake for the day on which its files came."""
    return {"ops": {INTAKE_STEP: {"config": {"received_on": day.isoformat()}}}}


# --- decisions ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ask:
    """A run that automation asks for. ``key``: the same key is asked for once."""

    key: str
    month: str | None = None
    as_of: date | None = None


def month_to_close(today: date) -> Ask:
    """On the closing day: the month before today's."""
    month = month_of(today.replace(day=1) - timedelta(days=1))
    return Ask(key=f"close-{month}", month=month)


def month_of_workbooks(today: date) -> Ask:
    """On the workbook day: the month before today's, which was closed some days ago."""
    month = month_of(today.replace(day=1) - timedelta(days=1))
    return Ask(key=f"workbooks-{month}", month=month)


def day_to_refresh(today: date) -> Ask:
    """Early each morning: figures as of the evening before."""
    as_of = today - timedelta(days=1)
    return Ask(key=f"refresh-{as_of}", month=month_of(as_of), as_of=as_of)


def intake_to_start(new: Sequence[tuple[str, str, str]], seen_before: str | None) -> tuple[Ask | None, str]:
    """Whether to start intake for files of the drop zone that were not received yet.

    ``new``: (source, name, SHA-256) of each; ``seen_before``: the key of the set at the last look.
    A run is asked for when the same set is seen twice, so that a file still being written is left
    alone until its content stands still. Returns what to ask for, and the key to remember.
    """
    if not new:
        return None, ""
    key = arrivals_key(new)
    return (Ask(key=f"intake-{key}") if key == seen_before else None), key


# --- what carries them out ------------------------------------------------------------------


def schedules() -> list[dg.ScheduleDefinition]:
    """The month-end close, the daily refresh, and finance's workbooks. All are off until somebody turns them on."""

    @dg.schedule(
        name="month_end_close",
        job_name="close",
        cron_schedule=f"0 6 {CLOSE_DAY} * *",
        description=f"Closes the last month on day {CLOSE_DAY} of the next one.",
    )
    def month_end_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        ask = month_to_close(context.scheduled_execution_time.date())
        return dg.RunRequest(run_key=ask.key, partition_key=ask.month)

    @dg.schedule(
        name="daily_refresh",
        job_name="refresh",
        cron_schedule="0 5 * * *",
        description="Computes the figures as of the evening before, without posting.",
    )
    def daily_refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        ask = day_to_refresh(context.scheduled_execution_time.date())
        assert ask.as_of is not None
        return dg.RunRequest(run_key=ask.key, partition_key=ask.month, run_config=refresh_config(ask.as_of))

    @dg.schedule(
        name="month_end_workbooks",
        job_name="month_end_workbooks",
        cron_schedule=f"0 7 {WORKBOOK_DAY} * *",
        description="Accrual journal, payment run and liability roll-forward of the last month, with what was released"
        " since its close.",
    )
    def month_end_workbooks(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        ask = month_of_workbooks(context.scheduled_execution_time.date())
        return dg.RunRequest(run_key=ask.key, partition_key=ask.month)

    @dg.schedule(
        name="weekly_claim_ageing",
        job_name="weekly_claim_ageing",
        cron_schedule="15 5 * * 1",
        description="Each Monday, after the daily refresh: open claims by age as of the evening before.",
    )
    def weekly_claim_ageing(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        ask = day_to_refresh(context.scheduled_execution_time.date())
        return dg.RunRequest(run_key=f"claim-ageing-{ask.as_of}", partition_key=ask.month)

    @dg.schedule(
        name="weekly_partner_statements",
        job_name="weekly_partner_statements",
        cron_schedule="30 5 * * 1",
        description="Each Monday, after the daily refresh: where every partner stands as of the evening before.",
    )
    def weekly_partner_statements(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        ask = day_to_refresh(context.scheduled_execution_time.date())
        return dg.RunRequest(run_key=f"statements-{ask.as_of}", partition_key=ask.month)

    return [month_end_close, daily_refresh, month_end_workbooks, weekly_claim_ageing, weekly_partner_statements]


def sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The watch on landing/."""

    @dg.sensor(
        name="landing_files",
        job_name="intake",
        minimum_interval_seconds=30,
        description="Starts intake when files whose content is not known yet lie in landing/.",
    )
    def landing_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        from orchestration.books import unfinished

        if month := unfinished(settings):  # they would be held back, and not be asked for again
            return dg.SensorResult(skip_reason=f"the close of {month} is to be finished first", cursor="")
        new = arrivals(settings)
        ask, key = intake_to_start(new, context.cursor)
        if ask is None:
            reason = f"{len(new)} new file(s), not yet still" if new else "no new file in landing/"
            return dg.SensorResult(skip_reason=reason, cursor=key)
        # the day is kept in the receipts, as what was seen; no figure is ever decided by a clock again
        config = intake_config(datetime.now(tz=UTC).date())
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=ask.key, run_config=config)], cursor=key)

    return [landing_files]
