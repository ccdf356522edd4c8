"""The books: batches of the ledger."""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as it stands.
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import runs
from orchestration.automation import CONTEXT_STEP, ONE_MONTH_A_RUN, PARTITIONS
from orchestration.settings import Settings
from orchestration.stages.common import OWNER, POOL, markdown, terms_of_documents
from orchestration.warehouse import connect

if TYPE_CHECKING:
    from orchestration.books import Batch, CloseContext, Traits


def books(settings: Settings) -> list[dg.AssetsDefinition]:
    """The batches of a close. A batch that stands already stays as it is."""

    def close_context(context: dg.AssetExecutionContext) -> "CloseContext":
        from orchestration.books import CloseContext

        now = runs.read_run_context(settings)
        if now.accounting_month != context.partition_key or now.as_of != runs.month_end(now.accounting_month):
            raise runs.RunError(
                f"the warehouse holds a run as of {now.as_of}; a close of {context.partition_key} posts figures as of"
                f" {runs.month_end(context.partition_key)}"
            )
        return CloseContext(
            accounting_month=now.accounting_month,
            as_of=now.as_of,
            run_id=context.run.run_id,
            calculation_id=now.calculation_id,
            file_sequence=runs.last_receipt(settings),
            terms=terms_of_documents(settings),
        )

    def asset(name: str, reads: str, extra: Sequence[str], description: str) -> Callable[..., Any]:
        return dg.asset(
            name=name,
            deps=[reads, "account", "dim_partner", CONTEXT_STEP, *extra],
            group_name="books",
            partitions_def=PARTITIONS,
            backfill_policy=ONE_MONTH_A_RUN,
            required_resource_keys={"house"},
            pool=POOL,
            owners=[OWNER],
            kinds={"parquet", "excel"},
            description=description,
        )

    @asset(
        "adjustment_batch",
        "int_payment_reopen",
        (),
        "Payments that were rejected or came back: due again. A batch only in months that have something to adjust.",
    )
    def adjustment_batch(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from orchestration.books import post_adjustments
        from orchestration.publish import renderer

        reopen, accounts = read_tables(settings, "int_payment_reopen", "account")
        batch = post_adjustments(
            settings, close_context(context), reopen, accounts, renderer(settings), traits_of(settings)
        )
        if batch is None:
            context.log.info("nothing to adjust")
            return dg.MaterializeResult(metadata={"posted now": False, "dagster/row_count": 0})
        return _posted(context, batch)

    @asset(
        "accrual_batch",
        "int_accrual_difference",
        ("adjustment_batch",),
        "Liability that should stand less what was posted: one immutable batch per accounting month.",
    )
    def accrual_batch(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from orchestration.books import post_accruals
        from orchestration.publish import renderer

        differences, accounts = read_tables(settings, "int_accrual_difference", "account")
        batch = post_accruals(
            settings, close_context(context), differences, accounts, renderer(settings), traits_of(settings)
        )
        return _posted(context, batch)

    @asset(
        "settlement_batch",
        "int_settlement_due",
        ("accrual_batch",),
        "What is due and not settled yet: one payment per payee, legal entity, currency and instrument.",
    )
    def settlement_batch(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from orchestration.books import post_settlements, release_policy
        from orchestration.publish import renderer, unpayable

        due, accounts = read_tables(settings, "int_settlement_due", "account")
        batch = post_settlements(
            settings,
            close_context(context),
            due,
            accounts,
            renderer(settings),
            traits_of(settings),
            unpayable(settings),
            release_policy(settings),
        )
        return _posted(context, batch)

    @asset(
        "settlement_proposal",
        "int_settlement_due",
        ("settlement_batch",),
        "Payments of legal entities whose payments people release (seeds/books): proposed, and posted once released.",
    )
    def settlement_proposal(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from orchestration.books import post_proposal, release_policy
        from orchestration.publish import unpayable

        [due] = read_tables(settings, "int_settlement_due")
        batch = post_proposal(settings, close_context(context), due, release_policy(settings), unpayable(settings))
        if batch is None:
            context.log.info("nothing to propose")
            return dg.MaterializeResult(metadata={"posted now": False, "dagster/row_count": 0})
        return _posted(context, batch)

    return [adjustment_batch, accrual_batch, settlement_batch, settlement_proposal]


def read_tables(settings: Settings, *tables: str) -> list[Any]:
    """Tables of the warehouse as Arrow (decimals stay decimals)."""
    with connect(settings, read_only=True) as connection:
        return [connection.sql(f'select * from "{table}"').to_arrow_table() for table in tables]


def traits_of(settings: Settings) -> "Traits":
    """What account determination may ask: the kind of each program version, the country of each partner."""
    from orchestration.books import Traits

    with connect(settings, read_only=True) as connection:
        programs = connection.sql("select program_key, kind as program_type from stg_program").to_arrow_table()
        partners = connection.sql("select partner_id, country as partner_country from dim_partner").to_arrow_table()
    return Traits(programs, partners)


def _posted(context: dg.AssetExecutionContext, batch: "Batch") -> dg.MaterializeResult[Any]:
    manifest = batch.manifest
    for payment, reason in batch.withheld.items():
        context.log.warning(f"{payment} is not paid and stays due: {reason}")
    context.log.info(f"{manifest.name}: {'posted' if batch.new else 'stands already, nothing posted'}")
    totals = [tuple(total.values()) for total in manifest.totals]
    columns = tuple(manifest.totals[0]) if manifest.totals else ("no journal lines",)
    return dg.MaterializeResult(
        metadata={
            "batch": manifest.name,
            "posted now": batch.new,
            "dagster/row_count": manifest.rows["posting"],
            "rows": manifest.rows,
            "totals": markdown(columns, totals),
            "payments withheld": markdown(("payment", "reason"), list(batch.withheld.items())),
            "folder": dg.MetadataValue.path(str(batch.folder)),
        }
    )
