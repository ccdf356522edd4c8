"""The last checks, and what leaves the house."""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as it stands.
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration import runs
from orchestration.automation import CONTEXT_STEP, ONE_MONTH_A_RUN, PARTITIONS, freshness_of_figures
from orchestration.settings import Settings
from orchestration.stages.common import OWNER, POOL, SAMPLES, markdown
from orchestration.transform import meta as meta_of
from orchestration.warehouse import connect


def publish(settings: Settings, manifest: Mapping[str, Any]) -> list[dg.AssetsDefinition]:
    """The last checks, then what leaves the house: ERP files and the analytics snapshot."""
    marts = {
        node["name"]: list(meta_of(node).get("grain") or ())
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }
    common: dict[str, Any] = {
        "group_name": "publish",
        "partitions_def": PARTITIONS,
        "backfill_policy": ONE_MONTH_A_RUN,
        "required_resource_keys": {"house"},
        "pool": POOL,
        "owners": [OWNER],
    }

    @dg.asset(
        name="reconciliation",
        deps=[["raw", "file"], CONTEXT_STEP, *sorted(marts)],
        check_specs=[
            dg.AssetCheckSpec(name, asset="reconciliation", blocking=True, description=description)
            for name, description in CHECKS.items()
        ],
        kinds={"duckdb"},
        description="What must hold before anything is published: every promised table is there and of this run,"
        " every row is accounted for, the ledger is whole, the books tie.",
        **common,
    )
    def reconciliation(context: dg.AssetExecutionContext) -> Iterator[Any]:
        found = reconcile(settings, sorted(marts), context.partition_key)
        yield dg.MaterializeResult(
            metadata={"problems": sum(map(len, found.values())), "checks": len(found), "tables": len(marts)}
        )
        for name, problems in found.items():
            yield dg.AssetCheckResult(
                check_name=name,
                passed=not problems,
                severity=dg.AssetCheckSeverity.ERROR,
                description="; ".join(problems[:SAMPLES]) or None,
                metadata={"problems": markdown(("what does not hold",), [(problem,) for problem in problems])},
            )

    @dg.asset(
        name="erp_files",
        deps=["reconciliation", "accrual_batch", "settlement_batch"],
        kinds={"csv", "excel"},
        description="The ERP files of every batch, copied from the ledger to where interfaces and people fetch them.",
        **common,
    )
    def erp_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from orchestration.publish import publish_batches

        written = publish_batches(settings)
        names = [str(path.relative_to(settings.published)) for path in written]
        return dg.MaterializeResult(
            metadata={
                "files written now": len(names),
                "files": markdown(("file",), [(name,) for name in names]),
                "written": dg.MetadataValue.json(names),
                "folder": dg.MetadataValue.path(str(settings.published / "erp")),
            }
        )

    @dg.asset(
        name="data_docs",
        deps=["reconciliation", ["validation", "rule_result"]],
        kinds={"html"},
        description="What the rules found, as static pages that need no network: an index and a page for each suite.",
        **common,
    )
    def data_docs(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from orchestration.validation import write_docs

        folder = write_docs(settings, runs.read_run_context(settings).calculation_id)
        pages = sorted(path.name for path in folder.iterdir())
        return dg.MaterializeResult(
            metadata={"pages": len(pages), "index": dg.MetadataValue.url((folder / "index.html").as_uri())}
        )

    @dg.asset(
        name="snapshot",
        deps=["reconciliation"],
        kinds={"parquet", "duckdb"},
        freshness_policy=freshness_of_figures(),
        description="The marts as a read-only version for analysts and dashboards; the pointer moves in one step.",
        **common,
    )
    def snapshot(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from orchestration.publish import publish_snapshot

        folder = publish_snapshot(settings, sorted(marts), keys=marts, manifest=manifest)
        return dg.MaterializeResult(
            metadata={"version": folder.name, "tables": len(marts), "folder": dg.MetadataValue.path(str(folder))}
        )

    @dg.asset(
        name="model_docs",
        deps=["reconciliation"],
        kinds={"html", "csv"},
        description="What every table and column is and is made of: dbt's documentation as one page that needs no"
        " network, and the lineage of every mart column as a table.",
        **common,
    )
    def model_docs(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from orchestration.transform.docs import write_docs

        page, lineage = write_docs(settings, manifest)
        return dg.MaterializeResult(
            metadata={
                "page": dg.MetadataValue.url(page.as_uri()),
                "column lineage": dg.MetadataValue.path(str(lineage)),
            }
        )

    return [reconciliation, erp_files, data_docs, model_docs, snapshot]


CHECKS = {
    "promised_tables": "Every mart is in the warehouse.",
    "this_run": "The marts are of this run: its accounting month and as-of date.",
    "rows_accounted_for": "For every received file: rows read = accepted + held + quarantined.",
    "ledger_whole": "The ledger's chain, hashes and batches verify.",
    "books_tie": "Journal lines balance; what was posted is what the roll-forward closes with.",
}


def reconcile(settings: Settings, marts: Sequence[str], month: str) -> dict[str, list[str]]:
    """What does not hold, by check. No problem anywhere: the run may be published.

    The ties within the warehouse are dbt tests; what is looked at here spans warehouse, files and
    ledger, and holds even if dbt had silently left something out.
    """
    from orchestration import books as room

    found: dict[str, list[str]] = {name: [] for name in CHECKS}
    with connect(settings, read_only=True) as connection:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()

        relations = "select table_name from duckdb_tables() union all select view_name from duckdb_views()"
        present = {name for (name,) in rows(relations)}
        found["promised_tables"] = [f"{name} is missing" for name in marts if name not in present]
        context = runs.read_run_context(settings)
        if context.accounting_month != month:
            found["this_run"].append(f"the run context is of {context.accounting_month}, the run of {month}")
        if not found["promised_tables"]:
            files = str(settings.raw / "file" / "*.parquet").replace("'", "''")
            found["rows_accounted_for"] = [
                f"file {sequence} ({name}): {rows_in} rows read, {out} accounted for"
                for sequence, name, rows_in, out in rows(
                    f"""select coalesce(f.file_sequence, q.file_sequence), coalesce(f.file_name, q.file_name),
                               f.rows_in,
                               q.rows_accepted + q.rows_held + q.rows_quarantined as out
                        from read_parquet('{files}') as f
                        full join rpt_file as q on f.file_sequence = q.file_sequence
                        where f.rows_in is distinct from q.rows_accepted + q.rows_held + q.rows_quarantined
                        order by 1"""
                )
            ]
            late = rows(f"select max(document_date) from fct_line having max(document_date) > date '{context.as_of}'")
            found["this_run"] += [
                f"fct_line has a line of {day}, after the as-of date {context.as_of}" for (day,) in late
            ]
            found["books_tie"] = [
                f"entry {entry}: debit {debit}, credit {credit}"
                for entry, debit, credit in rows(
                    """select entry_id, sum(debit), sum(credit) from fct_posting group by 1
                       having sum(debit) <> sum(credit) order by 1"""
                )
            ] + [
                f"{entity} {currency} {program}: posted {posted}, the roll-forward closes with {closing}"
                for entity, currency, program, posted, closing in rows(
                    f"""with posted as (
                            select legal_entity, currency, program_key, sum(credit - debit) as amount
                            from fct_posting where account_role = 'accrued_rebates' group by all),
                        closing as (
                            select legal_entity, currency, program_key, closing from fct_liability_rollforward
                            where accounting_month = '{context.accounting_month}')
                        select legal_entity, currency, program_key, coalesce(p.amount, 0), coalesce(c.closing, 0)
                        from posted as p full join closing as c using (legal_entity, currency, program_key)
                        where coalesce(p.amount, 0) <> coalesce(c.closing, 0) order by all"""
                )
            ]
    found["ledger_whole"] = room.problems(settings)
    return found
