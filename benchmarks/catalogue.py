"""A hundred rebate programs for the made-up company: ``documents(lines)``, ``write(settings, lines)``.

What belongs here: program documents, and how much of the lines each looks at (each line is eligible for about
five of them). What does not: lines (company.py). A further kind of program is one more entry of TEMPLATES.

Thresholds and given figures grow with the number of lines, so that at every size some participants reach no
tier, some a middle one and some the last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.company import BRANDS, CATEGORIES, DISTRIBUTORS, FAMILIES, GROUPS, YEAR
from orchestration import programs
from orchestration.settings import Settings

Document = dict[str, Any]

AMOUNT = 990
"""Net amount of an average line, whole units of money."""

UNITS = 23
"""Base units of an average line."""

QUARTERS = tuple(f"{YEAR}-Q{number}" for number in range(1, 5))

RATIO_THRESHOLDS = (90, 100, 110)


def write(settings: Settings, lines: int) -> Settings:
    """Write the documents below the data folder and flatten them; returns the settings that read them.

    Raises ValueError with the reasons when a document is refused.
    """
    settings = replace(settings, programs=settings.data / "documents")
    settings.programs.mkdir(parents=True, exist_ok=True)
    for document in documents(lines):
        # JSON is YAML
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        (settings.programs / f"{document['id'].lower()}.yml").write_text(text, encoding="utf-8")
    result = programs.write_tables(settings)
    if result.errors:
        raise ValueError("\n".join(str(error) for error in result.errors))
    return settings


def documents(lines: int) -> list[Document]:
    """The programs for a company with so many lines a year, in order of their ids."""
    found: list[Document] = []
    for make, count in TEMPLATES:
        for number in range(count):
            document = make(number, lines)
            canadian = len(found) % 25 == 7
            found.append(
                {
                    "id": f"BENCH-{len(found) + 1:03}",
                    "version": 1,
                    "name": f"Benchmark {make.__name__.strip('_')} {number + 1}",
                    "description": (make.__doc__ or "").strip(),
                    "owner": "benchmarks",
                    "legal_entity": "CA01" if canadian else "US01",
                    "currency": "CAD" if canadian else "USD",
                    "valid_from": f"{YEAR}-01-01",
                    "valid_to": f"{YEAR}-12-31",
                    "measurement": "quarter",
                    "lifecycle": [
                        {"step": "draft", "who": "ann", "when": f"{YEAR - 1}-11-01"},
                        {"step": "submitted", "who": "ann", "when": f"{YEAR - 1}-11-02"},
                        {"step": "approved", "who": "ben", "when": f"{YEAR - 1}-11-03"},
                        {"step": "active", "who": "ben", "when": f"{YEAR}-01-01"},
                    ],
                    **document,
                    "settlement": {"lag_days": 20, "instrument": "credit_memo", "minimum_payment": 10},
                }
            )
    return found


# --- parts of documents ------------------------------------------------------------------------


def _some(salt: str, names: Sequence[str], count: int) -> list[str]:
    """So many of the names, chosen by hash, in order."""
    return sorted(sorted(names, key=lambda name: hashlib.md5(f"{salt}{name}".encode()).digest())[:count])


def _percent(salt: str, low: int, high: int) -> int:
    """A whole number from low to high, by hash."""
    return low + int(hashlib.md5(salt.encode()).hexdigest(), 16) % (high - low + 1)


def _categories(salt: str, count: int) -> Mapping[str, list[str]]:
    return {"categories": _some(salt, [f"CATEGORY {number:02}" for number in range(CATEGORIES)], count)}


def _levels(base: int, rates: Sequence[str], flats: Sequence[int] | None = None) -> list[Document]:
    """Four tiers around a participant's usual quarter."""
    base = max(base, 40)
    bounds = (base // 20, base // 4, base, base * 4)
    levels: list[Document] = [{"from": bound, "rate": rate} for bound, rate in zip(bounds, rates, strict=True)]
    for level, flat in zip(levels, flats or (), strict=False):
        level["flat"] = flat
    return levels


def _usual(lines: int, share: int, participants: int, of: int = AMOUNT) -> int:
    """What a participant of middle size buys in a quarter: ``share`` percent of all lines over the participants."""
    return lines * of * share // (400 * participants)


RISING = ("0.5", "1.25", "2", "3.5")


def _methods(number: int, base: int, money: int) -> Document:
    """Tiers on an amount, a method each: ``base`` is a usual quarter, ``money`` a usual payout."""
    method = ("retrospective", "incremental", "rolling", "total", "linear", "whole_increment", "lump_sum")[number % 7]
    tiers: Document = {"method": method, "rate_kind": "percent"}
    if number % 5 == 4:
        tiers["boundary"] = "exclusive"
    if method == "lump_sum":
        bounds = _levels(base, RISING)
        tiers |= {"rate_kind": "flat", "lump_sum": ("highest", "each")[number // 7 % 2]}
        tiers["levels"] = [{"from": level["from"], "flat": money * (at + 1)} for at, level in enumerate(bounds)]
    elif method == "whole_increment":
        tiers |= {"increment": max(base // 10, 1), "levels": _levels(base, RISING)[1:2]}
    else:
        flats = [money // 4, money // 2, money, money * 2] if method in ("retrospective", "total") else None
        tiers["levels"] = _levels(base, RISING, flats if number % 2 else None)
    return tiers


# --- kinds of programs -------------------------------------------------------------------------


def _volume(number: int, lines: int) -> Document:
    """Resellers' own purchases of a few categories, every tier method in turn."""
    base = _usual(lines, 5, 1500)
    document: Document = {
        "participants": {"role": "sold_to", "segments": ["resellers"]},
        "lines": {"stream": "sell_in", "products": _categories(f"volume{number}", 3)},
        "basis": {"kind": "amount"},
        "tiers": _methods(number, base, 50 + number),
    }
    if number % 3 == 0:
        document["payees"] = [{"role": "participant", "share": 80}, {"role": "ship_to", "share": 20}]
    if number % 4 == 1:
        document["cap"] = {"participant": max(base // 10, 100)}
    return document


def _gold(number: int, lines: int) -> Document:
    """Gold resellers' purchases of several categories."""
    return {
        "participants": {"role": "sold_to", "segments": ["gold_resellers"]},
        "lines": {"stream": "sell_in", "products": _categories(f"gold{number}", 4)},
        "basis": {"kind": "amount"},
        "tiers": _methods(number + 1, _usual(lines, 5, 140), 300),
    }


def _regional(number: int, lines: int) -> Document:
    """Whoever buys in two regions, without credit memos."""
    regions = _some(f"region{number}", ["NORTH", "SOUTH", "EAST", "WEST", "CENTRAL"], 2)
    return {
        "participants": {"role": "sold_to", "all": True},
        "lines": {
            "stream": "sell_in",
            "regions": regions,
            "document_types": ["invoice", "return"],
            "products": _categories(f"region{number}", 3),
        },
        "basis": {"kind": "amount"},
        "tiers": _methods(number + 2, _usual(lines, 5, 800), 80),
    }


def _group(number: int, lines: int) -> Document:
    """Buying groups measured as one, shared over members and the group's head."""
    groups = _some(f"group{number}", [f"G-{at:02}" for at in range(1, GROUPS + 1)], GROUPS // 2)
    return {
        "participants": {"role": "sold_to", "groups": groups},
        "lines": {"stream": "sell_in", "products": _categories(f"group{number}", 10)},
        "aggregate": "group",
        "basis": {"kind": "amount"},
        "tiers": _methods(number + 3, _usual(lines, 5, 12), 900),
        "payees": [{"role": "participant", "share": 80}, {"role": "group_head", "share": 20}],
    }


def _growth(number: int, lines: int) -> Document:
    """Thirty key accounts against the baseline agreed with each, all three growth payouts in turn."""
    partners = [f"R-{at:04}" for at in range(1 + number % 3, 31 + number % 3)]
    usual = {partner: _usual(lines, 70, 1) // (5 * 6 * (int(partner[2:]) + 4)) for partner in partners}
    tiers: Document = {"method": "retrospective", "rate_kind": "percent"}
    payout = ("all", "on_growth", "marginal_growth")[number % 3]
    if payout == "marginal_growth":
        tiers["method"] = "incremental"
    tiers["levels"] = [
        {"from": bound, "rate": rate} for bound, rate in zip(RATIO_THRESHOLDS, ("2", "4", "6"), strict=True)
    ]
    return {
        "participants": {"role": "sold_to", "partners": partners},
        "lines": {"stream": "sell_in", "products": _categories(f"growth{number}", 5)},
        "basis": {"kind": "growth", "baseline": "given", "figures": _figures(f"growth{number}", usual)},
        "growth_payout": payout,
        "tiers": tiers,
    }


def _attainment(number: int, lines: int) -> Document:
    """Distributors' reported sales against the target of each."""
    weights = [1000 // (3 + rank) for rank in range(1, DISTRIBUTORS + 1)]
    usual = {
        f"D-{rank:02}": _usual(lines, 30, 1) * weights[rank - 1] // sum(weights) // 5
        for rank in range(1, DISTRIBUTORS + 1)
    }
    levels = [
        {"from": bound, "rate": rate} for bound, rate in zip(RATIO_THRESHOLDS, ("0.5", "0.8", "1.1"), strict=True)
    ]
    return {
        "participants": {"role": "distributor", "segments": ["distributors"]},
        "lines": {"stream": "sell_through", "products": _categories(f"attainment{number}", 4)},
        "basis": {"kind": "attainment", "figures": _figures(f"attainment{number}", usual)},
        "tiers": {"method": ("retrospective", "total")[number % 2], "rate_kind": "percent", "levels": levels},
    }


def _sell_out(number: int, lines: int) -> Document:
    """What resellers sell on from many families; distributor and reseller share it."""
    families = _some(f"sell_out{number}", [f"FAMILY {at:03}" for at in range(1, FAMILIES + 1)], 45)
    return {
        "participants": {"role": "reseller", "segments": ["resellers"]},
        "lines": {"stream": "sell_through", "products": {"families": families}},
        "basis": {"kind": "amount"},
        "tiers": _methods(number + 4, _usual(lines, 5, 1500), 40),
        "payees": [{"role": "distributor", "share": 30}, {"role": "reseller", "share": 70}],
    }


def _brands(number: int, lines: int) -> Document:
    """Silver and bronze resellers' sales of some brands, without small lines."""
    brands = _some(f"brands{number}", [f"BRAND {at:02}" for at in range(BRANDS)], 30)
    return {
        "participants": {"role": "reseller", "segments": ["silver_resellers", "bronze_resellers"]},
        "lines": {
            "stream": "sell_through",
            "products": {"brands": brands},
            "limits": {"amount": {"min": 20}},
        },
        "basis": {"kind": "amount"},
        "tiers": _methods(number, _usual(lines, 4, 1400), 30),
    }


def _pieces(number: int, lines: int) -> Document:
    """Pieces bought by grocery resellers; a rate per piece, or percent of the amount by tiers of pieces."""
    base = _usual(lines, 4, 300, UNITS)
    per_unit = number % 3 < 2
    rates = ("0.05", "0.1", "0.2", "0.35") if per_unit else RISING
    return {
        "participants": {"role": "sold_to", "segments": ["grocery_resellers"]},
        "lines": {"stream": "sell_in", "products": _categories(f"pieces{number}", 8)},
        "basis": {"kind": "quantity"},
        "tiers": {
            "method": ("retrospective", "incremental", "rolling")[number % 3 if per_unit else number // 3 % 3],
            "rate_kind": "per_unit" if per_unit else "percent",
            "levels": _levels(base, rates),
        },
    }


def _focus(number: int, lines: int) -> Document:
    """Silver resellers reach tiers with many categories and are paid on a few of them."""
    wide = _categories(f"focus{number}", 8)
    return {
        "participants": {"role": "sold_to", "segments": ["silver_resellers"]},
        "lines": {"stream": "sell_in", "products": {"categories": wide["categories"][:3]}},
        "target_lines": {"stream": "sell_in", "products": wide},
        "basis": {"kind": "amount"},
        "tiers": {
            "method": ("retrospective", "incremental", "total")[number % 3],
            "rate_kind": "percent",
            "levels": _levels(_usual(lines, 5, 450), RISING),
        },
    }


def _figures(salt: str, usual: Mapping[str, int]) -> Mapping[str, Mapping[str, int]]:
    """A figure for each participant and quarter, between 70 and 120 percent of what is usual."""
    return {
        participant: {
            quarter: max(amount * _percent(f"{salt}{participant}{quarter}", 70, 120) // 100, 1) for quarter in QUARTERS
        }
        for participant, amount in usual.items()
    }


TEMPLATES: Sequence[tuple[Callable[[int, int], Document], int]] = (
    (_volume, 14),
    (_gold, 10),
    (_regional, 8),
    (_group, 8),
    (_growth, 9),
    (_attainment, 9),
    (_sell_out, 12),
    (_brands, 10),
    (_pieces, 10),
    (_focus, 10),
)
"""Each kind of program with how many of it there are: 100 in all."""
