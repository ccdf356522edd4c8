"""Simulations from documents to figures: puts programs, the published calculation and the screen together.

What belongs here: which programs stand in which world, and the pages on the screen. What does not: figures
(simulation/), the rules of documents (programs/).

A world is a set of programs that are calculated together: the current versions in one, each variant in one of its own,
always with the other members of their stacking groups.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.programs import LoadedProgram, flatten, load
from orchestration.programs import stacking as group_rules
from orchestration.programs.reader import read
from orchestration.settings import Settings
from orchestration.simulation import engine, months, overlaps, published, report, results, variants
from orchestration.simulation.published import History, SimulationError
from orchestration.simulation.worlds import CURRENT, World

if TYPE_CHECKING:
    from rich.console import Console

SHOWN_VARIANTS = 5
"""Variants that the tables on the screen have columns for; the workbook has all."""
SHOWN_ROWS = 15

LINE_BY_LINE = ("priority", "net_of")
"""Stacking rules in which the order of the programs decides what a line earns."""


class RefusedDocumentsError(SimulationError):
    """Documents that cannot be calculated; ``reasons`` names file, field and what is wrong."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(reasons))


@dataclass(frozen=True)
class _Case:
    """What every world is made from: the lines' history, the months asked for, the documents in force."""

    settings: Settings
    published: published.Published
    history: History
    asked: tuple[date, date] | None
    in_force: tuple[LoadedProgram, ...]

    @property
    def as_of(self) -> date:
        """Lines dated later do not count."""
        return self.history.last if self.asked is None else min(self.history.last, self.asked[1])

    def window(self, loaded: LoadedProgram) -> months.Window:
        """The days on which a program is simulated."""
        return months.window(loaded.first_day, loaded.last_day, self.history, self.asked)


def simulate(settings: Settings, files: Sequence[Path], asked: str | None, sets: Sequence[str]) -> report.Report:
    """What the documents would have paid on the published lines, with each combination of ``sets``.

    Beside it stands what the versions in force pay in the same periods.

    ``asked``: months as ``2017-01..2017-06``. Raises RefusedDocumentsError for bad documents and SimulationError for
    anything else that cannot be done as asked.
    """
    chosen = [variants.setting(text) for text in sets]
    combined = variants.combinations(chosen)
    trees = _trees(files)
    ids = [str(tree.get("id")) for tree in trees.values()]
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise SimulationError(f"{', '.join(twice)}: given twice; compare versions of a program in calls of their own")
    if unknown := sorted({each.program for each in chosen if each.program and each.program not in ids}):
        raise SimulationError(f"--set names {', '.join(unknown)}; the documents given are of {', '.join(ids)}")
    case = _case(settings, asked)
    worlds = []
    subjects: list[LoadedProgram] = []
    for variant in combined:
        label = f" (with {variant.label})" if variant.values else ""
        changed = {name: variants.changed(tree, chosen, variant) for name, tree in trees.items()}
        made = _loaded(case, changed, label)
        subjects = subjects or made
        worlds.append(_world(case, variant.number, made, _peers(case, made, ids)))
    labels = {variant.number: variant.label for variant in combined}
    current = [each for each in case.in_force if each.calculated and each.program.id in ids]
    if current:
        windows = {each.program.id: case.window(each) for each in subjects}
        worlds.insert(0, _world(case, CURRENT, current, _peers(case, current, ids), windows))
        labels = {CURRENT: "the versions in force", **labels}
    found = results.results(settings, case.published, worlds, case.as_of)
    return report.Report(
        title=f"Simulation of {', '.join(each.program.key for each in subjects)}",
        labels=labels,
        programs=tuple(sorted(ids)),
        results=found,
        facts=(
            ("Months", _span(case, subjects)),
            ("as of", str(case.as_of)),
            ("snapshot", case.published.version),
        ),
        assumptions=tuple(_assumptions(case, subjects, current, worlds)),
        minor_units=_minor_units(settings),
        as_of=str(case.as_of),
    )


def overlap(settings: Settings, file: Path, asked: str | None) -> overlaps.Overlaps:
    """Which programs in force count the same lines as a document, and what the order of its stacking group changes.

    Raises as ``simulate`` does.
    """
    case = _case(settings, asked)
    [subject] = _loaded(case, _trees([file]), "")
    window = case.window(subject)
    others = [
        each
        for each in case.in_force
        if each.calculated
        and each.program.id != subject.program.id
        and each.first_day <= window.last
        and each.last_day >= window.first
    ]
    peers = _peers(case, [subject], [subject.program.id])
    others = [each for each in others if each not in peers]
    groups = {_group(each) for each in others if _needs_all_lines(each)}
    whole = [each for each in others if _group(each) in groups]
    apart = [
        (_world(case, number, members, [], {each.program.id: window for each in members}), enough)
        for number, members, enough in ((2, [each for each in others if each not in whole], True), (3, whole, False))
        if members
    ]
    orders = [
        (names, _world(case, number, [reordered[0]], reordered[1:]))
        for number, (names, reordered) in enumerate(_orders(subject, peers), start=1)
    ]
    group = _world(case, 1, [subject], peers)
    return overlaps.overlaps(settings, case.published, group, apart, subject.program.key, case.as_of, orders)


def _group(each: LoadedProgram) -> tuple[bool, str]:
    """What tells the programs apart that bear on each other: the stacking group, or the program alone."""
    return (True, each.program.stacking.group) if each.program.stacking else (False, each.program.id)


def _needs_all_lines(each: LoadedProgram) -> bool:
    """Whether a line counts for a program can depend on others: of another stream, before it, or that it refers to."""
    program = each.program
    return (
        program.price_difference is not None
        or program.lines.stream == "both"
        or program.lines.returns == "by_original_document"
    )


# --- worlds ---------------------------------------------------------------------------------


def _case(settings: Settings, asked: str | None) -> _Case:
    span = None if asked is None else months.parse(asked)
    version = published.current(settings)
    with engine.database(settings) as connection:
        history = published.history(connection, version)
    return _Case(settings, version, history, span, load(settings.programs, settings.reference).programs)


def _trees(files: Sequence[Path]) -> dict[str, variants.Tree]:
    """The documents as trees, by file name. Raises RefusedDocumentsError for what is no YAML of ours."""
    trees: dict[str, variants.Tree] = {}
    reasons = []
    for file in files:
        if file.suffix not in (".yml", ".yaml"):
            raise SimulationError(f"{file}: expected a document that ends in .yml or .yaml")
        if file.name in trees:
            raise SimulationError(f"{file}: a document of that name is given already")
        tree, problems = read(file.read_bytes())
        reasons += [f"{file.name}: {problem.field}: {problem.reason}" for problem in problems]
        trees[file.name] = dict(tree or {})
    if reasons:
        raise RefusedDocumentsError(reasons)
    return trees


def _loaded(case: _Case, trees: Mapping[str, variants.Tree], label: str) -> list[LoadedProgram]:
    """The programs that the documents describe, as if approved; errors name the document and the variant."""
    keys = {}
    with tempfile.TemporaryDirectory(prefix="rebates-documents-") as name:
        folder = Path(name)
        for file, tree in trees.items():
            keys[file] = f"{tree.get('id')}@{tree.get('version')}"
            _write(folder / file, tree)
            if tree.get("replaces") == "period_start":
                earlier = [each for each in case.in_force if each.program.key == tree.get("supersedes")]
                for each in earlier:
                    content, _ = read((case.settings.programs / each.file_name).read_bytes())
                    _write(folder / "earlier" / f"{each.program.key}.yml", _alone(content or {}))
        loaded = load(folder, case.settings.reference)
    own = [each for each in loaded.programs if each.file_name in keys]
    errors = [error for error in loaded.errors if error.file_name in keys]
    members = [*_peers(case, own, [each.program.id for each in own]), *own]
    errors += [error for error in group_rules.errors(members) if not loaded.errors]
    if errors:
        raise RefusedDocumentsError([f"{error}{label}" for error in errors])
    return own


def _write(path: Path, tree: variants.Tree) -> None:
    """A document as if it were approved; JSON is YAML too."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(_approved(_alone(tree)), ensure_ascii=False), encoding="utf-8")


def _alone(tree: variants.Tree) -> variants.Tree:
    """The document without the version before it, unless it replaces that one from the start of a period."""
    if tree.get("replaces") == "period_start":
        return tree
    return {name: value for name, value in tree.items() if name != "supersedes"}


def _approved(tree: variants.Tree) -> variants.Tree:
    """The document with the steps to its approval, if it has not gone through them."""
    steps = tree.get("lifecycle")
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        return tree
    names = [step.get("step") for step in steps]
    since = names[len(names) - 1 - names[::-1].index("draft") :] if "draft" in names else names
    when = steps[-1].get("when")
    missing = [name for name in ("submitted", "approved") if name not in since] if "approved" not in since else []
    added = [{"step": name, "who": f"simulation ({name})", "when": when} for name in missing]
    return {**tree, "lifecycle": [*steps, *added]}


def _peers(case: _Case, members: Sequence[LoadedProgram], ids: Sequence[str]) -> list[LoadedProgram]:
    """Programs in force that stack with the members, but for versions of the programs ``ids``."""
    groups = {
        each.program.stacking.group
        for each in members
        if each.program.stacking and each.program.stacking.rule != "stack"
    }
    return [
        each
        for each in case.in_force
        if each.calculated
        and each.program.stacking is not None
        and each.program.stacking.group in groups
        and each.program.id not in ids
    ]


def _world(
    case: _Case,
    number: int,
    members: Sequence[LoadedProgram],
    peers: Sequence[LoadedProgram],
    shown: Mapping[str, months.Window] | None = None,
) -> World:
    """The members in their windows, the peers as they are.

    ``shown``: by program id, the days that are reported; those of the members' own windows where it is not given.
    """
    windows = {each.program.key: case.window(each) for each in members}
    if shown is not None:
        windows = {
            each.program.key: replace(_own(each), first=shown[each.program.id].first, last=shown[each.program.id].last)
            for each in members
        }
    first, last = min(each.first for each in windows.values()), max(each.last for each in windows.values())
    windows |= {each.program.key: replace(_own(each), first=first, last=last) for each in peers}
    subjects = frozenset(each.program.id for each in members)
    return World(number, flatten([*members, *peers]), windows, subjects)


def _own(each: LoadedProgram) -> months.Window:
    return months.Window(each.first_day, each.last_day, each.first_day, each.last_day, stretched=False)


def _orders(
    subject: LoadedProgram, others: Sequence[LoadedProgram]
) -> Iterator[tuple[tuple[str, ...], list[LoadedProgram]]]:
    """Each place that the document could take in its stacking group: the ids in order, and the programs in it.

    The declared place comes first; none where the order decides nothing.
    """
    own = subject.program.stacking
    if own is None or own.rule not in LINE_BY_LINE:
        return
    peers = [each for each in others if each.program.stacking and each.program.stacking.group == own.group]
    order = sorted({(each.program.stacking.order or 0, each.program.id) for each in peers if each.program.stacking})
    place = sum(1 for other in order if other < (own.order or 0, subject.program.id))
    ids = list(dict.fromkeys(program_id for _, program_id in order))
    for position in [place, *(each for each in range(len(ids) + 1) if each != place)]:
        names = (*ids[:position], subject.program.id, *ids[position:])
        yield names, [_ordered(each, names.index(each.program.id) + 1) for each in (subject, *peers)]


def _ordered(each: LoadedProgram, order: int) -> LoadedProgram:
    stacking = each.program.stacking
    assert stacking is not None
    changed = each.program.model_copy(update={"stacking": stacking.model_copy(update={"order": order})})
    return replace(each, program=changed)


# --- words ----------------------------------------------------------------------------------


def _span(case: _Case, subjects: Sequence[LoadedProgram]) -> str:
    windows = [case.window(each) for each in subjects]
    first, last = min(each.first for each in windows), max(each.last for each in windows)
    return f"{first:%Y-%m} to {last:%Y-%m}"


def _assumptions(
    case: _Case, subjects: Sequence[LoadedProgram], current: Sequence[LoadedProgram], worlds: Sequence[World]
) -> Iterator[str]:
    yield (
        "The models are those of the warehouse, over its published lines with every correction known today;"
        f" lines dated after {case.as_of} do not count."
    )
    yield "The documents count as approved. Nothing is posted."
    for each in subjects:
        window = case.window(each)
        if window.stretched:
            yield (
                f"{each.program.key} is valid from {each.first_day} to {each.last_day}; here it is applied to"
                f" {window.valid_from} to {window.valid_to} as if it were valid then. Figures given for a period stand"
                " for the same period of other years, and acceptances count from the first day."
            )
        touched = f"{window.first} to {window.last}"
        yield f"{each.program.key}: measurement periods that touch {touched} are shown, each whole."
    if current:
        spans = ", ".join(f"{each.program.key} ({each.first_day} to {each.last_day})" for each in current)
        yield f"Current: the versions in force, in the same periods: {spans}."
    else:
        yield "No version of the program is in force: there is nothing to compare with."
    members = {each.program.key for each in [*subjects, *current]}
    peers = sorted({key for world in worlds for key in world.windows} - members)
    if peers:
        yield f"Calculated with the other programs of the stacking group: {', '.join(peers)}."
    yield "A line counts in each segment that it belongs to, so segments may add up to more than the payout."


def _minor_units(settings: Settings) -> dict[str, int]:
    with (settings.reference / "currency.csv").open(encoding="utf-8", newline="") as file:
        return {row["currency"]: int(row["minor_unit"]) for row in csv.DictReader(file)}


# --- pages ----------------------------------------------------------------------------------


def show(made: report.Report, console: Console, rows: int = SHOWN_ROWS) -> None:
    """Print a simulation: variants, totals, cuts with at most ``rows`` rows a program, what is taken for granted."""
    from rich.text import Text

    console.print(Text(made.title, style="bold"))
    console.print(Text(" · ".join(f"{label} {text}" for label, text in made.facts)))
    console.print()
    if len(made.variants) > 1:
        _print(console, report.settings_table(made))
    _print(console, report.summary(made))
    shown = _shown(made)
    if len(shown) < len(made.labels):
        names = ", ".join(report.heading(number) for number in shown)
        console.print(Text(f"By partner, tier, segment and month: {names} (--output writes all)", style="dim"))
    for table in report.cuts(made, shown).values():
        _print(console, table, rows, by_program=len(made.programs) > 1)
    for text in made.assumptions:
        console.print(Text(f"- {text}", style="dim"))


def _shown(made: report.Report) -> list[int]:
    """Worlds that the screen has room for: all, or the current one, the first, and those that pay least and most."""
    if len(made.variants) <= SHOWN_VARIANTS:
        return list(made.labels)
    paid = {
        number: sum(made.results.totals[program_id, number].payout for program_id in made.programs)
        for number in made.variants
    }
    by_payout = sorted(made.variants, key=lambda each: (paid[each], each))
    return [number for number in made.labels if number in (CURRENT, made.variants[0], by_payout[0], by_payout[-1])]


def _print(console: Console, made: report.Table, rows: int | None = None, *, by_program: bool = False) -> None:
    from rich.text import Text

    from orchestration import screen

    listed: list[tuple[Any, ...]] = []
    counts: Counter[Any] = Counter()
    for row in made.rows:
        counts[row[0] if by_program else None] += 1
        if rows is None or counts[row[0] if by_program else None] <= rows:
            listed.append(row)
    kinds = [column.kind for column in made.columns]
    cells = [tuple(map(_cell, row, kinds)) for row in listed]
    console.print(screen.table(made.title, [column.title for column in made.columns], cells))
    if len(listed) < len(made.rows):
        console.print(Text(f"{len(listed)} of {len(made.rows):,} rows", style="dim"))
    console.print()


def _cell(value: Any, kind: str) -> Any:
    """Money with its cents and no more zeros than needed."""
    if value is None or kind not in ("money", "number"):
        return value
    two = round(value, 2)
    return two if two == value else value.normalize()


def write(made: report.Report, folder: Path) -> list[Path]:
    """Write the workbook and the page with charts, named after the programs; files of an earlier call are replaced."""
    from orchestration.simulation import chart, workbook

    folder.mkdir(parents=True, exist_ok=True)
    name = "-".join(made.programs).lower()
    paths = [folder / f"{name}-simulation.xlsx", folder / f"{name}-simulation.html"]
    workbook.write(made, paths[0])
    chart.write(made, paths[1])
    return paths


def show_overlaps(found: overlaps.Overlaps, console: Console) -> None:
    """Print which programs count the same lines, and what the order of the stacking group changes."""
    from rich.text import Text

    console.print(Text(found.title, style="bold"))
    console.print()
    for table in found.tables():
        _print(console, table)
    for text in found.notes:
        console.print(Text(f"- {text}", style="dim"))
