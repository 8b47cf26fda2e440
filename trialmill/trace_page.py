"""A traced value as an HTML page: the path drawn from the value to the raw cells, then all that was read in words.

One file that loads nothing, works without a network and, but for highlighting, without scripts; printable. The same
trace gives the same bytes. Everything that comes from data or specs is escaped.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from engine.run.lineage import MAX_DEPTH, MAX_STEPS, Step
from formats.atomic import write_bytes
from trialmill.trace import Trace
from trialmill.trace_layout import BOX, HEAD, MOST_DRAWN, ROOMS, ROW, Box, Drawing, lay_out
from trialmill.trace_look import SCRIPT, STYLE

NAME_FITS, VALUE_FITS, HEAD_FITS, KEYS_FIT = 15, 17, 25, 31  # characters of a box's row and head

HINT = "Point at a variable to see what it came from and what came of it; click to keep it."


def write_page(trace: Trace, path: Path) -> None:
    """Write the page of a traced value."""
    write_bytes(path, page(trace).encode("utf-8"))


def page(trace: Trace) -> str:
    """The page of a traced value."""
    step, drawing = trace.step, lay_out(trace.path, trace.study)
    value = step.value + (f" ({step.received})" if step.received else "")
    rooms = " ".join(_legend(room) for room in dict.fromkeys(box.room for box in drawing.boxes))
    left_out = [f"<p>{drawing.left_out} further variables of the path are not drawn ({MOST_DRAWN} are): see below.</p>"]
    facts = [
        ("derived", f"{escape(step.says)} {_place(step.source)} {escape(step.note)}"),
        ("record", escape(trace.keys)),
        ("from", f'<span class="place">{escape(trace.origin)}</span>'),
        *([("published", f'<span class="place">{escape(trace.published)}</span>')] if trace.published else []),
        ("worked out from", escape(trace.scope)),
    ]
    absent = ["<p>The qualifier has no value, so there is no record of it.</p>"] if trace.absent else []
    return "\n".join([
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(trace.variable)}: where it comes from</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(trace.variable)} = {escape(value)}</h1>",
        f"<p>Study {escape(trace.study.name)}</p>",
        *absent,
        "<dl>" + "".join(f"<dt>{name}</dt><dd>{told}</dd>" for name, told in facts) + "</dl>",
        "<h2>The path</h2>",
        "<p>A box is a record, its lines are variables; an arrow leads from what was read to what was made of it."
        f" {rooms} Names in italics are columns that making the records made.</p>",
        f'<p id="said" class="only-screen" data-hint="{HINT}">{HINT}</p>',
        f'<div class="scroll">{_svg(trace, drawing)}</div>',
        *(left_out if drawing.left_out else []),
        "<h2>Raw cells</h2>",
        _cells(trace),
        "<h2>The path in words</h2>",
        _words(trace),
        "<h2>All that was read</h2>",
        f"<p>Followed: at most {MAX_STEPS} variables, {MAX_DEPTH} deep. "
        '<button id="all" class="only-screen" type="button">Open or close all</button></p>',
        "".join(_tree(each) for each in step.used) or "<p>Nothing: the value stands in the spec.</p>",
        f"<script>{SCRIPT}</script></body></html>",
        "",
    ])


def _legend(room: str) -> str:
    return f'<span style="color:var(--{room})">&#9632; {ROOMS[room]}</span>'


def _svg(trace: Trace, drawing: Drawing) -> str:
    size = f'width="{drawing.width}" height="{drawing.height}" viewBox="0 0 {drawing.width} {drawing.height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="Path of {escape(trace.variable)}">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="0" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M8 0 L0 4 L8 8 z" fill="#777"/></marker></defs>',
    ]
    for number, name in enumerate(drawing.columns):
        x = next(box.x for box in drawing.boxes if box.column == number)
        parts.append(f'<text class="col" x="{x}" y="26">{escape(name)}</text>')
    parts += [_edge(drawing, *edge) for edge in drawing.edges]
    parts += [_box(trace, box) for box in drawing.boxes]
    return "\n".join([*parts, "</svg>"])


def _edge(drawing: Drawing, made: int, read: int) -> str:
    """From what was made (its arrow head) to what was read."""
    one, other = drawing.box_of[made], drawing.box_of[read]
    x1, y1, y2 = one.x + BOX, one.row_y(made), other.row_y(read)
    if one is other:
        curve = f"M{x1 + 7} {y1} C{x1 + 34} {y1} {x1 + 34} {y2} {x1} {y2}"
    elif other.x > one.x:
        middle = (x1 + other.x) // 2
        curve = f"M{x1 + 7} {y1} C{middle} {y1} {middle} {y2} {other.x} {y2}"
    else:
        curve = f"M{x1 + 7} {y1} C{x1 + 60} {y1} {other.x + BOX + 60} {y2} {other.x + BOX} {y2}"
    return f'<path class="edge" data-to="{made}" data-from="{read}" marker-start="url(#tip)" d="{curve}"/>'


def _box(trace: Trace, box: Box) -> str:
    parts = [
        f'<g class="box {box.room}"><rect x="{box.x}" y="{box.y}" width="{BOX}" height="{box.height}" rx="4"/>',
        f'<rect class="head" x="{box.x}" y="{box.y}" width="{BOX}" height="{HEAD - 3}" rx="4"/>',
        f'<text class="name" x="{box.x + 8}" y="{box.y + 14}">{escape(_cut(box.name, HEAD_FITS))}</text>',
        f'<text class="keys" x="{box.x + 8}" y="{box.y + 26}">{escape(_cut(box.keys, KEYS_FIT))}</text>',
        f"<title>{escape(box.name)} {escape(box.keys)}</title></g>",
    ]
    for number in box.rows:
        step, y = trace.path.steps[number], box.row_y(number)
        kinds = "row" + (" made" if step.kind == "made" else "") + (" asked" if number == 0 else "")
        value = step.received or step.value
        parts.append(
            f'<g class="{kinds}" data-n="{number}" tabindex="0"><title>{escape(_said(step, box))}</title>'
            f'<rect class="hit" x="{box.x + 1}" y="{y - ROW // 2}" width="{BOX - 2}" height="{ROW}"/>'
            f'<text class="var" x="{box.x + 8}" y="{y + 4}">{escape(_cut(_short(step, box), NAME_FITS))}</text>'
            f'<text class="val" x="{box.x + BOX - 8}" y="{y + 4}">{escape(_cut(value, VALUE_FITS))}</text></g>'
        )
    return "".join(parts)


def _short(step: Step, box: Box) -> str:
    """A variable within its box: without the dataset where the box names it."""
    if step.kind == "row":
        return "row"
    own = step.name.partition(".")[2]
    return own if own and step.kind != "made" and box.room != "study" else step.name


def _said(step: Step, box: Box) -> str:
    """All of a step, for the line under the drawing."""
    value = step.value + (f" ({step.received})" if step.received else "")
    keys = f"  [{box.name} {box.keys}]" if box.keys and step.kind in ("derived", "made") else ""
    parts = [f"{step.name} = {value}{keys}", step.says, step.note, step.source]
    return "\n".join(part for part in parts if part)


def _cut(text: str, most: int) -> str:
    """A text that fits its place, with a mark where it goes on: all of it stands in the words below."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _cells(trace: Trace) -> str:
    rows = [
        f'<tr><td class="place">{escape(step.source)}</td><td><code>{escape(step.name)}</code></td>'
        f"<td>{escape(step.received or step.value)}</td><td>{escape(among)}</td></tr>"
        for step, among in trace.path.cells
    ]
    if not rows:
        return "<p>None: the value comes from the spec alone, or from records that are not there.</p>"
    head = "<tr><th>File and line</th><th>Column</th><th>As entered</th><th></th></tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _words(trace: Trace) -> str:
    rows = []
    for step in trace.path.steps:
        value = step.value + (f" ({step.received})" if step.received else "")
        keys = f'<br><span class="place">{escape(step.keys)}</span>' if step.keys else ""
        told = " ".join(filter(None, [step.says, step.note]))
        rows.append(f"<tr><td><code>{escape(step.name)}</code>{keys}</td><td>{escape(value)}</td>"
                    f'<td>{escape(told)}</td><td class="place">{escape(step.source)}</td></tr>')
    head = "<tr><th>Variable</th><th>Value</th><th>How it was made</th><th>Where that stands</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _tree(step: Step) -> str:
    received = f" ({escape(step.received)})" if step.received else ""
    value = f"<code>{escape(step.name)}</code> = {escape(step.value)}{received}"
    told = f"{value} {_place(step.source)} {escape(step.note)}"
    says = f'<div class="leaf says">{escape(step.says)}</div>' if step.says else ""
    if not step.used:
        return f'<div class="leaf">{told}</div>{says}'
    return f"<details><summary>{told}</summary>{says}{''.join(_tree(each) for each in step.used)}</details>"


def _place(source: str) -> str:
    return f'<span class="place">[{escape(source)}]</span>' if source else ""
