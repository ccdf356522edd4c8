"""The results as one page with charts: HTML with drawings in it, which needs no other file and no network.

What belongs here: how bars, lines and tables are drawn. What does not: figures. Equal results give equal bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from pathlib import Path

from orchestration.simulation.report import Report, Table, cuts, heading, settings_table, summary
from orchestration.simulation.worlds import CURRENT

COLOURS = ("#1F3864", "#C55A11", "#2E75B6", "#7F6000", "#538135", "#7030A0", "#A61C3C", "#3B8686")
MOST_LINES = len(COLOURS)
MOST_ROWS = 40

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;color:#222;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;color:#1F3864}h2{font-size:1.15rem;color:#1F3864;margin-top:2rem}
table{border-collapse:collapse;font-size:.85rem}th{text-align:left;background:#1F3864;color:#fff}
th,td{padding:.25rem .6rem;border-bottom:1px solid #ddd}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto;font:12px system-ui,sans-serif}.note{color:#595959}
"""


def write(report: Report, path: Path) -> None:
    """Write the page, whole or not at all."""
    parts: list[str] = []
    for program_id in report.programs:
        parts += _program(report, program_id)
    parts += [_table(settings_table(report)), _table(summary(report))]
    parts += [_table(table) for table in cuts(report, list(report.labels)[:MOST_LINES]).values()]
    parts.append("<h2>What the figures take for granted</h2><ul>")
    parts += [f"<li>{escape(text)}</li>" for text in report.assumptions]
    parts.append("</ul>")
    write_page(report.title, "; ".join(f"{label} {text}" for label, text in report.facts), parts, path)


def write_page(title: str, note: str, parts: Sequence[str], path: Path) -> None:
    """Write a page of such parts under its title and a note, whole or not at all."""
    parts = [f"<h1>{escape(title)}</h1>", f'<p class="note">{escape(note)}</p>', *parts]
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )
    half = path.with_name(f".{path.name}.part")
    half.write_text(page, encoding="utf-8")
    os.replace(half, path)  # noqa: PTH105 - one step, also over an existing file


def _program(report: Report, program_id: str) -> list[str]:
    """The two charts of one program."""
    currency = report.currency(program_id)
    totals = report.results.totals
    bars = [(number, totals[program_id, number].payout) for number in report.labels if (program_id, number) in totals]
    months = {month: amounts for (key, month), amounts in report.results.months.items() if key == program_id}
    parts = [f"<h2>{escape(program_id)}: payout in {escape(currency)}</h2>", _bars(program_id, bars)]
    if months:
        lines = {
            number: [months[month].get(number, Decimal(0)) for month in sorted(months)]
            for number in list(report.labels)[:MOST_LINES]
        }
        parts += [
            f"<h2>{escape(program_id)}: by month of the line, in {escape(currency)}</h2>",
            line_drawing(f"Payout of {program_id} by month", sorted(months), lines, {n: heading(n) for n in lines}),
        ]
    return parts


# --- drawings -------------------------------------------------------------------------------

WIDTH, LEFT, RIGHT, TOP = 960, 110, 40, 10


def _bars(title: str, bars: Sequence[tuple[int, Decimal]]) -> str:
    """Horizontal bars, one per world, with their figure."""
    height, room = 22, WIDTH - LEFT - RIGHT - 120
    low = min([Decimal(0), *(amount for _, amount in bars)])
    high = max([Decimal(0), *(amount for _, amount in bars)])
    span = float(high - low) or 1.0
    zero = LEFT + float(-low) / span * room
    drawn = []
    for place, (number, amount) in enumerate(bars):
        y = TOP + place * (height + 6)
        length = float(amount) / span * room
        x = min(zero, zero + length)
        colour = "#7F7F7F" if number == CURRENT else COLOURS[0]
        drawn.append(
            f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{heading(number)}</text>'
            f'<rect x="{x:.1f}" y="{y}" width="{abs(length):.1f}" height="{height}" fill="{colour}"/>'
            f'<text x="{max(zero, zero + length) + 6:.1f}" y="{y + 15}">{amount:,.2f}</text>'
        )
    bottom = TOP + len(bars) * (height + 6) + 4
    return _drawing(f"Payout of {title} by variant", bottom, drawn)


def line_drawing(
    title: str, months: Sequence[str], lines: Mapping[int, Sequence[Decimal]], names: Mapping[int, str]
) -> str:
    """A line per world over the months, with a legend; that of the world CURRENT is dashed."""
    height, bottom = 240, 270
    figures = [float(amount) for amounts in lines.values() for amount in amounts]
    low, high = min([0.0, *figures]), max([0.0, *figures])
    span = high - low or 1.0
    step = (WIDTH - LEFT - RIGHT) / max(len(months) - 1, 1)

    def place(position: int, amount: Decimal) -> str:
        return f"{LEFT + position * step:.1f},{TOP + (high - float(amount)) / span * height:.1f}"

    drawn = []
    for share in range(5):
        value = low + span * share / 4
        y = TOP + (high - value) / span * height
        drawn.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#D9D9D9"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,.0f}</text>'
        )
    every = max(1, -(-len(months) // 12))
    for position, month in enumerate(months):
        if position % every == 0:
            x = LEFT + position * step
            drawn.append(f'<text x="{x:.1f}" y="{bottom}" text-anchor="middle">{escape(month)}</text>')
    for order, (number, amounts) in enumerate(lines.items()):
        colour = "#7F7F7F" if number == CURRENT else COLOURS[order % len(COLOURS)]
        points = " ".join(place(position, amount) for position, amount in enumerate(amounts))
        dash = ' stroke-dasharray="6 4"' if number == CURRENT else ""
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        x, y = LEFT + (order % 6) * 140, bottom + 22 + order // 6 * 18
        drawn.append(
            f'<line x1="{x}" y1="{y - 4}" x2="{x + 24}" y2="{y - 4}" stroke="{colour}" stroke-width="2"{dash}/>'
            f'<text x="{x + 30}" y="{y}">{escape(names[number])}</text>'
        )
    return _drawing(title, bottom + 30 + len(lines) // 6 * 18, drawn)


def _drawing(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img"><title>{escape(title)}</title>' + "".join(parts) + "</svg>"
    )


def plain_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of texts; those of the columns that begin with a digit or a sign stand at the right."""

    def cell(text: str) -> str:
        number = text[:1] in "-0123456789" and text[4:5] != "-"
        return f'<td class="n">{escape(text)}</td>' if number else f"<td>{escape(text)}</td>"

    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _table(table: Table) -> str:
    """A table of at most MOST_ROWS rows."""

    def cell(tag: str, text: str, kind: str) -> str:
        return f"<{tag}>{escape(text)}</{tag}>" if kind == "text" else f'<{tag} class="n">{escape(text)}</{tag}>'

    head = "".join(cell("th", column.title, column.kind) for column in table.columns)
    rows = [
        "".join(
            cell("td", _shown(value, column.kind), column.kind)
            for value, column in zip(row, table.columns, strict=True)
        )
        for row in table.rows[:MOST_ROWS]
    ]
    more = f'<p class="note">{MOST_ROWS} of {len(table.rows):,} rows</p>' if len(table.rows) > MOST_ROWS else ""
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<h2>{escape(table.title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _shown(value: object, kind: str) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:,.2f}" if kind in ("money", "number") else f"{value:,f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
