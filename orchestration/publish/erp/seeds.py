"""Which formats a legal entity gets, and what it says about them: seeds/erp/format.csv and setting.csv.

What belongs here: reading and checking the two files. What does not: bank accounts (bank.py).
Every mistake stops the batch with file, row and reason: a misspelt setting must never be a default.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping

from orchestration.publish.erp.model import ErpFormat, erp_formats
from orchestration.publish.erp.reading import read_rows
from orchestration.publish.format import PublishError
from orchestration.settings import Settings

Enabled = dict[str, dict[str, dict[str, str]]]
"""Settings by legal entity and name of the format; a format that is not there is not written."""


def entity_currencies(settings: Settings) -> dict[str, str]:
    """Currency of each legal entity, from the seed ``legal_entity``; empty when there is none."""
    with (settings.reference / "legal_entity.csv").open(encoding="utf-8", newline="") as handle:
        return {row["legal_entity"]: row["currency"] for row in csv.DictReader(handle)}


def enabled_formats(settings: Settings) -> Enabled:
    """The formats that each legal entity gets, with its settings and their defaults.

    Raises PublishError for unknown legal entities, formats and settings, for rows that come twice, for
    settings that are missing or have a value that is not offered, and for two formats of one legal
    entity that would both pay the same payments.
    """
    formats, entities = erp_formats(), entity_currencies(settings)
    enabled: Enabled = {}
    for row, values in read_rows(settings.erp / "format.csv", ("legal_entity", "format")):
        entity, name = values["legal_entity"], values["format"]
        where = f"format.csv, row {row}"
        _known(where, "legal entity", entity, entities)
        _known(where, "format", name, formats)
        if name in enabled.setdefault(entity, {}):
            raise PublishError(f"{where}: {entity} and {name} stand there twice")
        enabled[entity][name] = {}
    given = read_rows(settings.erp / "setting.csv", ("legal_entity", "format", "setting", "value"))
    for row, values in given:
        entity, name, setting = values["legal_entity"], values["format"], values["setting"]
        where = f"setting.csv, row {row}"
        _known(where, "legal entity", entity, entities)
        _known(where, "format", name, formats)
        known = {one.name: one for one in formats[name].settings}
        _known(where, f"setting of {name}", setting, known)
        choices = known[setting].choices
        if choices and values["value"] not in choices:
            raise PublishError(f"{where}: {setting} is {values['value']!r}, expected one of {', '.join(choices)}")
        mine = enabled.get(entity, {}).get(name)
        if mine is None:
            continue  # settings may stand there before the format is switched on
        if setting in mine:
            raise PublishError(f"{where}: {setting} of {name} stands there twice for {entity}")
        mine[setting] = values["value"]
    for entity, names in enabled.items():
        for name, values in names.items():
            names[name] = _complete(entity, formats[name], values)
        _check_paid_once(entity, [formats[name] for name in names])
    return enabled


def _complete(entity: str, one: ErpFormat, given: Mapping[str, str]) -> dict[str, str]:
    """The settings with their defaults; PublishError naming what must be given."""
    missing = [s.name for s in one.settings if s.default is None and not given.get(s.name)]
    if missing:
        raise PublishError(f"setting.csv: {entity} has {one.name} switched on, but no {', '.join(missing)}")
    return {s.name: given.get(s.name, s.default or "") for s in one.settings}


def _check_paid_once(entity: str, formats: list[ErpFormat]) -> None:
    """PublishError when two formats would lead to payment of the same payments."""
    for instrument in sorted({one.instrument for one in formats if one.instrument}):
        payers = sorted(one.name for one in formats if one.instrument == instrument)
        if len(payers) > 1:
            raise PublishError(
                f"format.csv: {entity} has {' and '.join(payers)} switched on: both would pay its {instrument} payments"
            )


def _known(where: str, what: str, value: str, known: Mapping[str, object]) -> None:
    if value not in known:
        raise PublishError(f"{where}: {what} {value!r} is not known; known: {', '.join(sorted(known)) or 'none'}")
