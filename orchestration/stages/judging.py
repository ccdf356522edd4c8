"""Validation: raw → accepted and quarantine, a check per suite, and whether every row has a verdict."""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as it stands.
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration.contract import ENTITIES
from orchestration.intake import load_mappings
from orchestration.settings import Settings
from orchestration.stages.common import OWNER, POOL, SAMPLES, markdown, rows_of, table_counts
from orchestration.validation import latest_page, load_suites


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
                PAGE: dg.MetadataValue.url(latest_page(settings, suite.name).as_uri()),
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
            metadata = table_counts(settings, settings.matching / f"{table}.parquet")
            yield dg.MaterializeResult(asset_key=["matching", table], metadata=metadata)
        for entity in ENTITIES:
            for folder in ("accepted", "quarantine"):
                metadata = table_counts(settings, settings.data / folder / entity)
                yield dg.MaterializeResult(asset_key=[folder, entity], metadata=metadata)
        per_rule = "select * from read_parquet(?) order by entity, file_sequence, suite, rule_id"
        judged = rows_of(settings, per_rule, str(settings.validation_results / "*" / "*.parquet"))
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


PAGE = "page of the data docs"
"""Metadata of a suite's check: link to the suite's page in the docs that were published last."""

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
    link = {PAGE: spec.metadata[PAGE]} if PAGE in spec.metadata else {}
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
            **link,
        },
    )


def program_currencies(settings: Settings) -> tuple[tuple[str, ...], int]:
    """Currencies of the programs that are calculated, and how many days old a rate may be for one of them at least.

    A line that not even that program could convert is quarantined; stricter programs leave a line out themselves.
    """
    sql = """select coalesce(list(distinct currency order by currency), []) as currencies,
                    coalesce(max(fx_max_age_days), 10) as max_age
             from read_parquet(?) where calculated"""
    [row] = rows_of(settings, sql, str(settings.program_tables / "program.parquet"))
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
        for row in rows_of(settings, sql, values)
    ]
