"""The stages as Dagster assets and checks: thin wrappers around the rooms.

What belongs here: which asset depends on which, its metadata, and what a check looks at. What does
not: the work itself (the rooms), when it runs (automation.py), the dbt models (transform/).

The groups follow the flow: landing, intake, programs, validation, run, seeds, staging,
intermediate, marts, books (with the ledger as it stood), books_marts, publish.
"""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as it stands.
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import runs
from orchestration.automation import CONTEXT_STEP, INTAKE_STEP, ONE_MONTH_A_RUN, PARTITIONS, freshness_of_figures
from orchestration.contract import ENTITIES
from orchestration.intake import load_mappings
from orchestration.programs import SCHEMAS as PROGRAM_TABLES
from orchestration.settings import Settings
from orchestration.transform import meta as meta_of
from orchestration.validation import load_suites, page_of
from orchestration.warehouse import connect, in_memory

if TYPE_CHECKING:
    from orchestration.books import Batch, CloseContext, Traits

POOL = "warehouse"
"""Pool of every asset that touches the data folder; its limit is 1 (dagster.yaml)."""

PARTITION_TAG = "dagster/partition"
"""Tag of a run that holds its accounting month; assets without partitions learn it there."""

OWNER = "team:rebate-operations"
WAIT_SECONDS = 900.0
"""How long a run waits for another one on the same data folder."""

SAMPLES = 20
"""Failed rows shown with a check; all of them are in quarantine/ and validation/."""


class RunConfig(dg.Config):
    """Configuration of a run. ``as_of``: a date in the month that is run; empty: the month's last day."""

    as_of: str = ""


class IntakeConfig(dg.Config):
    """Configuration of intake. ``received_on``: the day on which new files came; empty: the run's as-of date."""

    received_on: str = ""


def house(settings: Settings) -> dg.ResourceDefinition:
    """The data folder, held by one run at a time; every asset needs it."""

    @dg.resource(description="The data folder, held by one run at a time.")
    def held(context: dg.InitResourceContext) -> Iterator[Settings]:
        say: Callable[[str], object] = context.log.info if context.log else print
        with runs.alone(settings, wait_seconds=WAIT_SECONDS, waiting=say):
            yield settings

    return held


def landing(settings: Settings) -> list[dg.AssetSpec]:
    """What comes from outside: one external asset per source, and the program documents."""
    specs = [
        dg.AssetSpec(
            ["landing", mapping.source],
            group_name="landing",
            description=mapping.description,
            owners=[f"team:{mapping.owner}"],
            kinds={mapping.format.type},
            metadata={"entity": mapping.entity, "files": mapping.file_pattern, "product codes": mapping.product_codes},
        )
        for mapping in load_mappings(settings.sources).usable.values()
    ]
    documents = dg.AssetSpec(
        ["landing", "program_documents"],
        group_name="landing",
        description="The rules of the rebates, one YAML document per program version.",
        owners=[OWNER],
        kinds={"yaml"},
        metadata={"folder": dg.MetadataValue.path(str(settings.programs))},
    )
    posted = [
        dg.AssetSpec(
            ["ledger", table],
            group_name="ledger",
            description=f"{meaning}, as the ledger held it when the run began.",
            owners=[OWNER],
            kinds={"parquet"},
        )
        for table, meaning in (
            ("posting", "Every posted journal line"),
            ("payment", "Every payment"),
            ("payment_line", "What each payment consists of"),
        )
    ]
    return [*specs, documents, *posted]


# --- intake ---------------------------------------------------------------------------------


def intake(settings: Settings) -> dg.AssetsDefinition:
    """Landing → raw: one asset per entity, and the register of files."""
    sources: dict[str, list[dg.AssetKey]] = {entity: [] for entity in ENTITIES}
    for mapping in load_mappings(settings.sources).usable.values():
        sources[mapping.entity].append(dg.AssetKey(["landing", mapping.source]))
    specs = [
        dg.AssetSpec(
            ["raw", entity.name],
            deps=sources[entity.name],
            group_name="intake",
            description=f"Rows as delivered, each with its file and row number. One row: {entity.grain}.",
            owners=[OWNER],
            kinds={"parquet"},
        )
        for entity in ENTITIES.values()
    ]
    register = dg.AssetSpec(
        ["raw", "file"],
        deps=[key for keys in sources.values() for key in keys],
        group_name="intake",
        description="The register of files. One row: one landed file that was received.",
        owners=[OWNER],
        kinds={"parquet"},
    )
    agreed = dg.AssetSpec(
        ["raw", "source"],
        group_name="intake",
        description="The register of sources: what each agreed to deliver. One row: one source.",
        owners=[OWNER],
        kinds={"parquet"},
    )
    readable = dg.AssetCheckSpec(
        "every_file_was_read", asset=register.key, description="No file is unreadable or without a mapping."
    )

    @dg.multi_asset(
        name=INTAKE_STEP,
        specs=[*specs, register, agreed],
        check_specs=[readable],
        required_resource_keys={"house"},
        pool=POOL,
        description="Takes new files in: a receipt, a byte-exact copy, and typed rows.",
    )
    def take_in(context: dg.AssetExecutionContext, config: IntakeConfig) -> Iterator[Any]:
        from orchestration import intake as room

        day = received_on(config.received_on, context.run.tags.get(PARTITION_TAG), context.run.run_config)
        report = room.take_in(settings, context.log.info, day)
        new = [file for file in report.files if file.status == "new"]
        for entity in ENTITIES:
            mine = [file for file in new if file.entity == entity]
            yield dg.MaterializeResult(
                asset_key=["raw", entity],
                metadata={
                    **_table_counts(settings, settings.raw / entity),
                    "new files": len(mine),
                    "new rows": sum(file.rows for file in mine),
                },
            )
        listed = [(f.source, f.file_name, f.status, f.rows, f.message) for f in report.files if f.status != "known"]
        yield dg.MaterializeResult(
            asset_key=["raw", "file"],
            metadata={
                **_table_counts(settings, settings.raw / "file"),
                **report.totals,
                "not seen before": markdown(("source", "file", "status", "rows", "message"), listed),
            },
        )
        yield dg.MaterializeResult(asset_key=agreed.key, metadata=_table_counts(settings, settings.raw / "source"))
        bad = [file for file in report.files if file.status in ("unreadable", "unmapped")]
        yield dg.AssetCheckResult(
            asset_key=["raw", "file"],
            check_name="every_file_was_read",
            passed=not bad,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "files": markdown(("source", "file", "status", "why"), [_bad_file(file) for file in bad]),
                "number": len(bad),
            },
        )

    return take_in


def received_on(given: str, month: str | None, run_config: Mapping[str, Any]) -> date | None:
    """The business date on which a run receives new files: the given one, else the run's as-of date.

    ``month``: the run's accounting month, if it has one. None: the run knows no date (intake by itself).
    RunError for a date that is none, or an as-of date outside the month.
    """
    if given:
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise runs.RunError(f"received_on {given!r}: expected YYYY-MM-DD, for example 2017-06-30") from None
    if month is None:
        return None
    step = run_config.get("ops", {}).get(CONTEXT_STEP, {})
    return runs.as_of_in(month, step.get("config", {}).get("as_of"))


def _bad_file(file: Any) -> tuple[str, str, str, str]:
    return file.source, file.file_name, file.status, file.message


# --- programs -------------------------------------------------------------------------------


def programs(settings: Settings) -> dg.AssetsDefinition:
    """Program documents → tables; a refused document is shown and the others still run."""
    specs = [
        dg.AssetSpec(
            ["programs", table],
            deps=[dg.AssetKey(["landing", "program_documents"])],
            group_name="programs",
            description=f"Program documents, flattened: {table.replace('_', ' ')}.",
            owners=[OWNER],
            kinds={"parquet"},
        )
        for table in PROGRAM_TABLES
    ]
    accepted = dg.AssetCheckSpec(
        "no_document_refused",
        asset=dg.AssetKey(["programs", "program_error"]),
        description="Every program document could be used; a refused one says file, field and reason.",
    )

    @dg.multi_asset(
        name="programs",
        specs=specs,
        check_specs=[accepted],
        required_resource_keys={"house"},
        pool=POOL,
        description="Reads and judges the program documents, and flattens them into tables.",
    )
    def write(context: dg.AssetExecutionContext) -> Iterator[Any]:
        from orchestration import programs as room

        result = room.write_tables(settings)
        context.log.info(f"{len(result.programs)} programs, {len(result.errors)} problems")
        listed = [
            (p.program.id, p.program.version, p.program.name, p.program.status, "yes" if p.calculated else "no")
            for p in result.programs
        ]
        for table in PROGRAM_TABLES:
            metadata = _table_counts(settings, settings.program_tables / f"{table}.parquet")
            if table == "program":
                columns = ("program", "version", "name", "status", "calculated")
                metadata["programs"] = markdown(columns, listed, limit=200)
            yield dg.MaterializeResult(asset_key=["programs", table], metadata=metadata)
        errors = [(error.file_name, error.field, error.reason) for error in result.errors]
        yield dg.AssetCheckResult(
            asset_key=["programs", "program_error"],
            check_name="no_document_refused",
            passed=not errors,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"refused": markdown(("document", "field", "reason"), errors, limit=200), "problems": len(errors)},
        )

    return write


# --- validation -----------------------------------------------------------------------------


def validation(settings: Settings) -> dg.AssetsDefinition:
    """Raw → accepted and quarantine: a verdict for every row; one check per expectation suite."""
    suites = load_suites(settings.expectations, load_mappings(settings.sources).usable)
    checks = {
        (suite.applies_to.entity, suite.name): dg.AssetCheckSpec(
            _check_name(suite.name),
            asset=dg.AssetKey(["accepted", suite.applies_to.entity]),
            # A suite whose rows fail only warns: the rows were dealt with. One that could not be
            # judged is an error, since its verdicts would be missing.
            blocking=True,
            description=f"{suite.description} (expectations/{suite.name}.yml)",
            metadata={
                "owner": suite.owner,
                "rules": len(suite.every_rule),
                "page of the data docs": page_of(suite.name),
            },
        )
        for suite in suites
    }
    specs = []
    for entity in ENTITIES.values():
        # Lines are looked up in the master data and the rates to the programs' currencies.
        others = [*ENTITIES, "file"] if entity.name == "line" else [entity.name]
        deps = [dg.AssetKey(["raw", name]) for name in others]
        if entity.name == "line":
            deps.append(dg.AssetKey(["programs", "program"]))
        for room, meaning in (
            ("accepted", "Rows that may be used; held ones are accrued, not settled"),
            ("quarantine", "Rows that failed a reject rule, with the reasons"),
        ):
            specs.append(
                dg.AssetSpec(
                    [room, entity.name],
                    deps=deps,
                    group_name="validation",
                    description=f"{meaning}. One row: {entity.grain}.",
                    owners=[OWNER],
                    kinds={"parquet", "greatexpectations"},
                )
            )
    for table, reads, meaning in (
        (
            "spelling",
            ("line", "end_customer", "end_customer_answer"),
            "How third parties name end customers, and whom each spelling means. One row: one spelling of a source.",
        ),
        (
            "code_suggestion",
            ("line", "product", "product_unit", "product_cross_reference", "unit_cross_reference"),
            "What codes and units that nobody knows may mean. One row: one code of a source and one suggestion.",
        ),
    ):
        specs.append(
            dg.AssetSpec(
                ["matching", table],
                deps=[dg.AssetKey(["raw", name]) for name in reads],
                group_name="validation",
                description=meaning,
                owners=[OWNER],
                kinds={"parquet"},
            )
        )
    results = dg.AssetSpec(
        ["validation", "rule_result"],
        deps=[dg.AssetKey(["raw", "line"])],
        group_name="validation",
        description="What the rules found in each file. One row: one rule of a suite on one file.",
        owners=[OWNER],
        kinds={"parquet", "greatexpectations"},
    )
    complete = dg.AssetCheckSpec(
        "every_row_has_a_verdict",
        asset=results.key,
        blocking=True,
        description="For every received file: rows read = accepted + held + quarantined.",
    )

    @dg.multi_asset(
        name="validation",
        specs=[*specs, results],
        check_specs=[*checks.values(), complete],
        required_resource_keys={"house"},
        pool=POOL,
        description="Judges each row with the Great Expectations suites of its source and its segments.",
    )
    def validate(context: dg.AssetExecutionContext) -> Iterator[Any]:
        from orchestration import matching
        from orchestration import validation as room

        currencies, max_age = program_currencies(settings)
        room.validate(
            settings,
            context.log.info,
            program_currencies=currencies,
            fx_max_age_days=max_age,
            identify=lambda: matching.identify(settings, context.log.info),
        )
        matching.suggest(settings, context.log.info)
        for table in ("spelling", "code_suggestion"):
            metadata = _table_counts(settings, settings.matching / f"{table}.parquet")
            yield dg.MaterializeResult(asset_key=["matching", table], metadata=metadata)
        for entity in ENTITIES:
            for folder in ("accepted", "quarantine"):
                metadata = _table_counts(settings, settings.data / folder / entity)
                yield dg.MaterializeResult(asset_key=[folder, entity], metadata=metadata)
        per_rule = "select * from read_parquet(?) order by entity, file_sequence, suite, rule_id"
        judged = _rows_of(settings, per_rule, str(settings.validation_results / "*" / "*.parquet"))
        yield dg.MaterializeResult(asset_key=results.key, metadata={"dagster/row_count": len(judged)})
        for (entity, suite), spec in checks.items():
            mine = [row for row in judged if row["entity"] == entity and row["suite"] == suite]
            yield suite_result(spec, mine)
        missing = unaccounted(settings)
        yield dg.AssetCheckResult(
            asset_key=results.key,
            check_name=complete.name,
            passed=not missing,
            severity=dg.AssetCheckSeverity.ERROR,
            description="; ".join(missing[:SAMPLES]) or None,
            metadata={"files": markdown(("file",), [(text,) for text in missing])},
        )

    return validate


JUDGED_NOTHING = "judged nothing"
"""Metadata of a suite's check: no file has a row that it judges, so it passed nothing, and nothing is wrong either."""


def _check_name(suite: str) -> str:
    """The name of a suite's check: letters, digits and underscores only."""
    return "".join(letter if letter.isalnum() else "_" for letter in suite)


def suite_result(spec: dg.AssetCheckSpec, judged: Sequence[Mapping[str, Any]]) -> dg.AssetCheckResult:
    """What a suite found over all files: passed, warned (rows failed), or in error.

    In error: a rule that decides verdicts could not be judged. A suite that found no row to judge did not pass.

    ``judged``: rows of validation/<entity>/, one per file and rule.
    """
    failed = [row for row in judged if row["status"] == "failed"]
    errors = [row for row in judged if row["status"] == "error"]
    evaluated = sum(row["rows_evaluated"] for row in judged)
    serious = [row for row in errors if row["severity"] != "warn"]
    per_rule: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in [*errors, *failed]:
        per_rule.setdefault((row["rule_id"], row["severity"], row["status"]), []).append(row)
    rules = [
        (*rule, len(rows), sum(row["rows_evaluated"] for row in rows), sum(row["rows_failed"] for row in rows),
         rows[-1]["message"])
        for rule, rows in per_rule.items()
    ]  # fmt: skip
    samples = [
        (row["rule_id"], row["source"], row["file_sequence"], sample["row_number"], sample["value"])
        for row in reversed(failed)
        for sample in json.loads(row["samples"] or "[]")
    ]
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=not failed and not errors and bool(evaluated),
        severity=dg.AssetCheckSeverity.ERROR if serious else dg.AssetCheckSeverity.WARN,
        description="; ".join(sorted({str(row["message"]) for row in errors}))
        or (None if evaluated else "no file has a row that this suite judges: it passed nothing"),
        metadata={
            "rules": markdown(
                ("rule", "severity", "status", "files", "rows judged", "rows failed", "why"), rules, limit=200
            ),
            "failed rows": markdown(("rule", "source", "file", "row", "value"), samples),
            JUDGED_NOTHING: not evaluated and not errors,
            "rows failed": sum(row["rows_failed"] for row in failed),
            "files judged": len({row["file_sequence"] for row in judged}),
        },
    )


def program_currencies(settings: Settings) -> tuple[tuple[str, ...], int]:
    """Currencies of the programs that are calculated, and how many days old a rate may be for one of them at least.

    A line that not even that program could convert is quarantined; stricter programs leave a line out themselves.
    """
    sql = """select coalesce(list(distinct currency order by currency), []) as currencies,
                    coalesce(max(fx_max_age_days), 10) as max_age
             from read_parquet(?) where calculated"""
    [row] = _rows_of(settings, sql, str(settings.program_tables / "program.parquet"))
    return tuple(row["currencies"]), int(row["max_age"])


def unaccounted(settings: Settings) -> list[str]:
    """Received files whose rows are not all accepted, held or quarantined, once each."""
    folders = [
        str(settings.data / room / entity / "*.parquet") for room in ("accepted", "quarantine") for entity in ENTITIES
    ]
    sql = """
        with judged as (select file_sequence, count(*) as row_count, count(distinct row_number) as row_numbers
                        from read_parquet($judged, union_by_name = true) group by all)
        select f.file_sequence, f.file_name, f.rows_in, coalesce(j.row_count, 0) as row_count,
               coalesce(j.row_numbers, 0) as row_numbers
        from read_parquet($files) as f left join judged as j using (file_sequence)
        where f.rows_in <> coalesce(j.row_count, 0) or coalesce(j.row_count, 0) <> coalesce(j.row_numbers, 0)
        order by f.file_sequence"""
    values = {"judged": folders, "files": str(settings.raw / "file" / "*.parquet")}
    return [
        f"file {row['file_sequence']} ({row['file_name']}): {row['rows_in']} rows read, {row['row_count']} with a"
        f" verdict, {row['row_numbers']} of them different rows"
        for row in _rows_of(settings, sql, values)
    ]


# --- run context ----------------------------------------------------------------------------


def run_context(settings: Settings) -> dg.AssetsDefinition:
    """What the figures are for (as-of date, accounting month) and what they are made from."""

    @dg.asset(
        name=CONTEXT_STEP,
        deps=[["raw", "file"], *(["programs", table] for table in PROGRAM_TABLES)],
        group_name="run",
        partitions_def=PARTITIONS,
        backfill_policy=ONE_MONTH_A_RUN,
        required_resource_keys={"house"},
        pool=POOL,
        owners=[OWNER],
        kinds={"parquet"},
        description="As-of date and accounting month of the run, and the hash of everything that it was made from.",
    )
    def write_context(context: dg.AssetExecutionContext, config: RunConfig) -> dg.MaterializeResult[Any]:
        from orchestration import books

        books.prepare(settings)
        if context.job_name == "close":
            books.open_for_close(settings, context.partition_key)  # refuse now, not after the calculation
        if changed := books.changed_terms(settings, _terms(settings)):
            raise runs.RunError("an approved program version never changes: " + "; ".join(changed))
        made = runs.context_of(settings, context.partition_key, config.as_of)
        runs.write_run_context(settings, made)
        return dg.MaterializeResult(
            metadata={
                "as of": made.as_of.isoformat(),
                "accounting month": made.accounting_month,
                "calculation id": made.calculation_id,
                "receipts posted before": made.posted_file_sequence,
            }
        )

    return write_context


# --- stacking -------------------------------------------------------------------------------


def line_reduction(settings: Settings) -> dg.AssetsDefinition:
    """What net_of programs reduce lines by; no pass of the models is needed where no program reduces another."""

    @dg.asset(
        key=["run", "line_reduction"],
        deps=[CONTEXT_STEP, *(["accepted", entity] for entity in ENTITIES)],
        group_name="run",
        partitions_def=PARTITIONS,
        backfill_policy=ONE_MONTH_A_RUN,
        required_resource_keys={"house"},
        pool=POOL,
        owners=[OWNER],
        kinds={"parquet"},
        description="By how much lines of programs stacked by net_of are reduced by what earlier programs pay on them.",
    )
    def find_line_reductions(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from orchestration.transform.net_of import find_reductions

        rows = find_reductions(settings, context.log.info)
        return dg.MaterializeResult(metadata={"dagster/row_count": rows})

    return find_line_reductions


# --- books ----------------------------------------------------------------------------------


def books(settings: Settings) -> list[dg.AssetsDefinition]:
    """The two batches of a close. A batch that stands already stays as it is."""

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
            terms=_terms(settings),
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
        "accrual_batch",
        "int_accrual_difference",
        (),
        "Liability that should stand less what was posted: one immutable batch per accounting month.",
    )
    def accrual_batch(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from orchestration.books import post_accruals
        from orchestration.publish import renderer

        differences, accounts = _read(settings, "int_accrual_difference", "account")
        batch = post_accruals(
            settings, close_context(context), differences, accounts, renderer(settings), _traits(settings)
        )
        return _posted(context, batch)

    @asset(
        "settlement_batch",
        "int_settlement_due",
        ("accrual_batch",),
        "What is due and not settled yet: one payment per payee, legal entity, currency and instrument.",
    )
    def settlement_batch(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from orchestration.books import post_settlements
        from orchestration.publish import renderer, unpayable

        due, accounts = _read(settings, "int_settlement_due", "account")
        batch = post_settlements(
            settings,
            close_context(context),
            due,
            accounts,
            renderer(settings),
            _traits(settings),
            unpayable(settings),
        )
        for payment, reason in batch.withheld.items():
            context.log.warning(f"{payment} is not paid and stays due: {reason}")
        return _posted(context, batch)

    return [accrual_batch, settlement_batch]


def _terms(settings: Settings) -> dict[str, str]:
    """Hash of the terms of each program version that has a document, by program key."""
    sql = "select program_key, terms_hash from read_parquet(?)"
    rows = _rows_of(settings, sql, str(settings.program_tables / "program.parquet"))
    return {row["program_key"]: row["terms_hash"] for row in rows}


def _read(settings: Settings, *tables: str) -> list[Any]:
    """Tables of the warehouse as Arrow (decimals stay decimals)."""
    with connect(settings, read_only=True) as connection:
        return [connection.sql(f'select * from "{table}"').to_arrow_table() for table in tables]


def _traits(settings: Settings) -> "Traits":
    """What account determination may ask: the kind of each program version, the country of each partner."""
    from orchestration.books import Traits

    with connect(settings, read_only=True) as connection:
        programs = connection.sql("select program_key, kind as program_type from stg_program").to_arrow_table()
        partners = connection.sql("select partner_id, country as partner_country from dim_partner").to_arrow_table()
    return Traits(programs, partners)


def _posted(context: dg.AssetExecutionContext, batch: "Batch") -> dg.MaterializeResult[Any]:
    manifest = batch.manifest
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


# --- publish --------------------------------------------------------------------------------


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

    return [reconciliation, erp_files, data_docs, snapshot]


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
    try:
        room.verify(settings)
    except room.LedgerError as error:
        found["ledger_whole"].append(str(error))
    return found


# --- metadata -------------------------------------------------------------------------------


def markdown(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, limit: int = SAMPLES
) -> dg.MarkdownMetadataValue:
    """Rows as a Markdown table; at most ``limit``, and how many there are."""

    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        return " ".join(text.split()).replace("|", "\\|")[:300]

    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(cell(value) for value in row)} |" for row in rows[:limit]]
    if len(rows) > limit:
        lines.append(f"\n{limit} of {len(rows):,}")
    return dg.MetadataValue.md("\n".join(lines) if rows else "none")


def _rows_of(settings: Settings, sql: str, values: Any) -> list[dict[str, Any]]:
    """Rows of a query on Parquet files as mappings. For results that are small (rules, files)."""
    with in_memory(settings) as connection:
        cursor = connection.execute(sql, values if isinstance(values, dict) else [values])
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _table_counts(settings: Settings, path: Path) -> dict[str, Any]:
    """Row count and place of a folder of Parquet files, or of one."""
    pattern = path if path.suffix else path / "*.parquet"
    with in_memory(settings) as connection:
        [(rows,)] = connection.execute("select count(*) from read_parquet(?)", [str(pattern)]).fetchall()
    return {"dagster/row_count": int(rows), "folder": dg.MetadataValue.path(str(path))}
