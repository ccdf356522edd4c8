"""dbt nodes as Dagster assets and checks, in two invocations.

What belongs here: names, groups, owners and dependencies of the assets. The first invocation builds
everything that does not depend on what the run posts; the second one, after posting, the models
tagged ``books``. A dbt test of severity error that fails ends the step, so nothing downstream runs.
"""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as it stands.
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib import metadata
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject, dbt_assets
from packaging import version

from orchestration.settings import Settings
from orchestration.transform.dbt import (
    BOOKS_TAG,
    CHILD,
    dbt_arguments,
    is_books,
    meta,
    row_counts,
    surroundings,
)
from orchestration.transform.lineage import Lineage, column_lineage

BOOKS_SELECT = f"tag:{BOOKS_TAG}"
POSTED = (dg.AssetKey("accrual_batch"), dg.AssetKey("settlement_batch"), dg.AssetKey("settlement_proposal"))
"""What the models tagged ``books`` wait for."""

ROOMS = {"landing": "accepted"}
"""dbt sources whose name is not that of the folder that they read."""

REGISTERS = {
    "file": ["raw", "file"],
    "source": ["raw", "source"],
    "rule_result": ["validation", "rule_result"],
    "run_context": ["run_context"],
}
"""Asset keys of the source tables that stand alone in their folder."""


class QuickDbt(DbtCliResource):
    """dagster-dbt's resource without its two detours before each call, which take longer than dbt's start.

    It would start dbt once more to ask for its version, and open an adapter for row counts and
    column metadata, which we do not let it fetch (see row_counts).
    """

    @cached_property
    def _cli_version(self) -> version.Version:
        return version.parse(metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        return None


def resource(settings: Settings) -> QuickDbt:
    """The dbt of this environment on this project, as a process that ends when the run does."""
    return QuickDbt(
        project_dir=str(settings.dbt_project),
        profiles_dir=str(settings.dbt_project),
        dbt_executable=sys.executable,
        # -P: the script's folder is no place to import from, it has a dbt.py of its own
        global_config_flags=["-P", str(CHILD)],
    )


class Translator(DagsterDbtTranslator):
    """Names, groups and dependencies of dbt nodes in the asset graph."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))
        self._with_books: dict[str, dg.AssetSpec] = {}

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """As dagster-dbt makes it; the first models tagged ``books`` also wait for the batches."""
        if unique_id not in self._with_books:
            spec = super().get_asset_spec(manifest, unique_id, project)
            props = self.get_resource_props(manifest, unique_id)
            kind = "seed" if props["resource_type"] == "seed" else props.get("config", {}).get("materialized")
            if kind:
                spec = spec.merge_attributes(kinds={kind})
            upstream = props.get("depends_on", {}).get("nodes", [])
            nodes = manifest["nodes"]
            if is_books(props) and not any(is_books(nodes[parent]) for parent in upstream if parent in nodes):
                spec = spec.merge_attributes(deps=list(POSTED))
            self._with_books[unique_id] = spec
        return self._with_books[unique_id]

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Models and seeds by name; sources as the assets upstream that write them."""
        if dbt_resource_props["resource_type"] == "source":
            room, table = dbt_resource_props["source_name"], dbt_resource_props["name"]
            return dg.AssetKey(REGISTERS.get(table) or [ROOMS.get(room, room), table])
        return dg.AssetKey(dbt_resource_props["name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The stage: seeds, staging, intermediate, marts, or books_marts for what is built after posting."""
        if dbt_resource_props["resource_type"] == "seed":
            return "seeds"
        if dbt_resource_props["resource_type"] == "source":
            return str(dbt_resource_props["source_name"])
        if is_books(dbt_resource_props):
            return "books_marts"
        return str(dbt_resource_props["fqn"][1])

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """What the rows are, and the grain. The SQL is in the repository."""
        grain = meta(dbt_resource_props).get("grain")
        description = str(dbt_resource_props.get("description", "")).strip()
        return f"{description}\n\nKey: {', '.join(grain)}" if grain else description


def build(
    settings: Settings,
    manifest: Mapping[str, Any],
    *,
    partitions: dg.PartitionsDefinition[str],
    backfill: dg.BackfillPolicy,
    pool: str,
) -> list[dg.AssetsDefinition]:
    """The two assets definitions: ``calculation`` before posting, ``books_marts`` after it."""
    translator = Translator()

    @dbt_assets(
        manifest=manifest,
        exclude=BOOKS_SELECT,
        name="calculation",
        partitions_def=partitions,
        dagster_dbt_translator=translator,
        backfill_policy=backfill,
        required_resource_keys={"house", "dbt"},
        pool=pool,
    )
    def calculation(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from _invoke(context, context.resources.dbt, settings, manifest)

    @dbt_assets(
        manifest=manifest,
        select=BOOKS_SELECT,
        name="books_marts",
        partitions_def=partitions,
        dagster_dbt_translator=translator,
        backfill_policy=backfill,
        required_resource_keys={"house", "dbt"},
        pool=pool,
    )
    def books_marts(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from _invoke(context, context.resources.dbt, settings, manifest)

    return [calculation, books_marts]


def _invoke(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, settings: Settings, manifest: Mapping[str, Any]
) -> Iterator[Any]:
    """One ``dbt build`` of what the context selects; each table's row count joins its event.

    The events are kept until dbt has ended, since rows can be counted only then.
    """
    settings.scratch.mkdir(parents=True, exist_ok=True)
    with surroundings(settings):
        call = dbt.cli(dbt_arguments("build"), context=context, target_path=settings.dbt_target)
    events: list[Any] = []
    failure: Exception | None = None
    try:
        for event in call.stream():
            events.append(event)
            if len(events) % 20 == 0:
                context.log.info(f"{len(events)} models, seeds and tests done")
    except Exception as error:
        failure = error
        call.process.terminate()  # Dagster may have failed: dbt must leave the file before rows are counted
        call.process.wait()
    built = [_unique_id(event) for event in events if isinstance(event, dg.Output)]
    counts = row_counts(settings, manifest, built)
    lineage = column_lineage(settings, manifest, [key for key in built if key.startswith("model.")])
    for event in events:
        if isinstance(event, dg.Output):
            key = _unique_id(event)
            found = {"dagster/row_count": counts[key], **lineage_metadata(manifest, lineage, key)}
            yield dg.Output(value=None, output_name=event.output_name, metadata={**event.metadata, **found})
        else:
            yield event
    if failure:
        raise failure


def lineage_metadata(manifest: Mapping[str, Any], lineage: Lineage, unique_id: str) -> dict[str, Any]:
    """What Dagster shows of a model's columns: by column, the columns of the assets upstream that it is made of.

    A column that is a constant has none. Empty for seeds, whose columns come from no other.
    """
    if unique_id not in lineage.models:
        return {}
    translator = Translator()
    nodes = {**manifest["nodes"], **manifest["sources"]}
    deps = {
        column: [
            dg.TableColumnDep(asset_key=translator.get_asset_key(nodes[parent]), column_name=name)
            for parent, name in made.columns
        ]
        for column, made in lineage.models[unique_id].items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps_by_column=deps)}


def _unique_id(output: dg.Output[Any]) -> str:
    """The dbt unique id that dagster-dbt puts on each output."""
    value = output.metadata["unique_id"].value
    return str(value)
