"""Two transfers as people read them: what the site changed and what moves because of it.

As text, one HTML page, a workbook or JSON. The raw changes are numbered; each moved value names the numbers of those
behind it. The same comparison gives the same bytes. The page escapes what came with the data and runs no script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import orjson

from formats.atomic import write_bytes
from formats.xlsx_write import Sheet, write_xlsx
from trialmill.transfers import NO_CAUSE, Move, Transfers

MOST_TOLD = 40  # lines of raw changes, and of moved values, that the terminal shows
FIELDS_TOLD = 6  # filled fields of a new or gone record in one line
VARIABLES_TOLD = 12

STYLE = """
body{font:14px/1.45 system-ui,sans-serif;color:#1b1b1b;margin:1.2rem;max-width:100rem}
h1{font-size:1.35rem}h2{font-size:1.08rem;margin:1.5rem 0 .4rem}
table{border-collapse:collapse;margin:.3rem 0;width:100%}
th,td{text-align:left;vertical-align:top;padding:.22rem .7rem .22rem 0;border-bottom:1px solid #e2e2e2}
th{color:#555;font-weight:600}td{overflow-wrap:anywhere}td.n{text-align:right}
.place,code{font-family:ui-monospace,monospace;font-size:.88em;color:#444}
.new,.gone,.changed{white-space:nowrap}.new{color:#1d6b45}.gone{color:#a11d1d}.changed{color:#8a5200}
del{color:#a11d1d}ins{color:#1d6b45;text-decoration:none;font-weight:600}
.note{border-left:4px solid #c2410c;padding:.1rem .7rem;background:#fff8f1}
@media print{@page{size:A4 landscape;margin:10mm}body{margin:0}details>*{display:block}}
"""


def as_data(found: Transfers) -> dict[str, Any]:
    """All of a comparison as plain data."""
    changes = found.raw.changes
    forms = []
    for source in sorted({*(c.source for c in changes), *found.raw.renumbered}):
        own = [c for c in changes if c.source == source]
        kinds = Counter(c.kind for c in own)
        fields = Counter(name for c in own if c.kind == "changed" for name in c.names)
        before, after = found.raw.records[source]
        forms.append({
            "source": source, "before": before, "after": after, "new": kinds["new"], "gone": kinds["gone"],
            "changed": kinds["changed"], "renumbered": found.raw.renumbered.get(source, 0),
            "fields": dict(sorted(fields.items())),
        })
    return {
        "study": found.study.name,
        "transfers": list(found.paths),
        "same": not found.status,
        "blocking issues": list(found.blocking),
        "notes": found.notes,
        "forms": forms,
        "subjects": _subjects(found),
        "raw changes": [
            {"number": n, "kind": c.kind, "source": c.source, "subject": c.subject,
             "USUBJID": found.people.get(c.subject, ""), "record": c.key,
             "fields": [{"field": f, "before": a, "after": b} for f, a, b in c.fields],
             "before": c.before, "after": c.after, "marked deleted": c.marked, "moves": _of_cause(found, n - 1)}
            for n, c in enumerate(changes, 1)
        ],
        "renumbered": dict(sorted(found.renumbered.items())),
        "datasets": _datasets(found),
        "moves": [
            {"dataset": m.dataset, "kind": m.kind, "USUBJID": m.subject, "record": m.keys, "variable": m.variable,
             "before": m.before, "after": m.after, "because of": [c + 1 for c in m.causes], "found by": m.how}
            for m in found.moves
        ],
    }


def _subjects(found: Transfers) -> list[dict[str, Any]]:
    numbers = sorted({c.subject for c in found.raw.changes})
    told = []
    for number in numbers:
        own = [c for c in found.raw.changes if c.subject == number]
        who = found.people.get(number, "")
        told.append({"subject": number, "USUBJID": who,
                     "records": dict(sorted(Counter(f"{c.source} {c.kind}" for c in own).items())),
                     "moves": sum(m.subject == who for m in found.moves) if who else 0})
    return told


def _of_cause(found: Transfers, number: int) -> dict[str, int]:
    """How many values of each variable moved because of a raw change; records as a whole under the dataset's name."""
    return dict(sorted(Counter(_where(m) for m in found.moves if number in m.causes).items()))


def _where(move: Move) -> str:
    return f"{move.dataset}.{move.variable}" if move.variable else f"{move.dataset} {move.kind}"


def _datasets(found: Transfers) -> list[dict[str, Any]]:
    told = []
    for name in dict.fromkeys(m.dataset for m in found.moves):
        own = [m for m in found.moves if m.dataset == name]
        kinds = Counter(m.kind for m in own if not m.variable)
        told.append({
            "dataset": name, "new": kinds["new"], "gone": kinds["gone"],
            "changed": len({m.rows for m in own if m.variable}), "values": sum(bool(m.variable) for m in own),
            "variables": dict(Counter(m.variable for m in own if m.variable)),
            "without cause": sum(m.how == NO_CAUSE for m in own),
        })
    return told


# -- text


def told(data: dict[str, Any]) -> Iterator[str]:
    """The lines for a terminal: verdict, forms, raw changes, what moved because of each."""
    one, other = data["transfers"]
    yield f"{data['study']}: {one} and {other}"
    yield verdict(data)
    for note in data["notes"]:
        yield f"  note      {note}"
    if data["same"]:
        return
    yield "forms"
    for form in data["forms"]:
        yield f"  {form['source']:<12}{form['before']:>7,} -> {form['after']:,} records: {_counted(form)}"
    yield "what was changed"
    for change in data["raw changes"][:MOST_TOLD]:
        yield f"  {change['number']:>3}  {_headed(change)}"
        yield f"       {_fields(change)}"
        moves = ", ".join(_times(w, n) for w, n in list(change["moves"].items())[:VARIABLES_TOLD])
        more = len(change["moves"]) - VARIABLES_TOLD
        yield f"       moves {moves or 'nothing'}" + (f" and {more} more variables" if more > 0 else "")
    if len(data["raw changes"]) > MOST_TOLD:
        yield f"  and {len(data['raw changes']) - MOST_TOLD:,} more: see a report"
    yield "what moved"
    for move in data["moves"][:MOST_TOLD]:
        yield f"  {_moved(move)}"
    if len(data["moves"]) > MOST_TOLD:
        yield f"  and {len(data['moves']) - MOST_TOLD:,} more: see a report"
    if data["renumbered"]:
        yield "only numbered anew: " + ", ".join(_times(w, n) for w, n in data["renumbered"].items())


def verdict(data: dict[str, Any]) -> str:
    """One sentence."""
    if data["same"]:
        return "the two transfers hold the same records"
    kinds = Counter(c["kind"] for c in data["raw changes"])
    raw = ", ".join(f"{kinds[k]:,} {k}" for k in ("new", "gone", "changed") if kinds[k]) or "none but their numbers"
    records = sum(not m["variable"] for m in data["moves"])
    values = len(data["moves"]) - records
    sets = len(data["datasets"])
    moved = f"{_many(values, 'value')} and {_many(records, 'whole record')} move in {_many(sets, 'dataset')}"
    lost = sum(m["found by"] == NO_CAUSE for m in data["moves"])
    return (f"raw records: {raw}; " + (moved if data["moves"] else "no tabulation or analysis value moves")
            + (f"; {lost:,} without a changed record behind" if lost else ""))


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _times(what: str, count: int) -> str:
    return what if count == 1 else f"{what} x{count}"


def _counted(form: dict[str, Any]) -> str:
    parts = [f"{form[k]:,} {k}" for k in ("new", "gone", "changed") if form[k]]
    fields = ", ".join(_times(f, n) for f, n in form["fields"].items())
    parts = [*parts[:-1], f"{parts[-1]} ({fields})"] if fields and parts else parts
    more = [f"{form['renumbered']:,} under another number"] if form["renumbered"] else []
    return ", ".join([*parts, *more])


def _headed(change: dict[str, Any]) -> str:
    marked = f", marked deleted in {change['marked deleted']}" if change["marked deleted"] else ""
    places = " -> ".join(dict.fromkeys(p for p in (change["before"], change["after"]) if p))
    return f"{change['kind']} {change['source']} {change['subject']} {change['record']}  [{places}{marked}]"


def _fields(change: dict[str, Any]) -> str:
    if change["kind"] == "changed":
        return "; ".join(f'{f["field"]} "{f["before"]}" -> "{f["after"]}"' for f in change["fields"])
    shown = [f'{f["field"]} {f["before"] or f["after"]}' for f in change["fields"]]
    more = f" and {len(shown) - FIELDS_TOLD} more fields" if len(shown) > FIELDS_TOLD else ""
    return ", ".join(shown[:FIELDS_TOLD]) + more


def _moved(move: dict[str, Any]) -> str:
    name = f"{move['dataset']}.{move['variable']}" if move["variable"] else f"{move['dataset']} record {move['kind']}"
    what = f' "{move["before"]}" -> "{move["after"]}"' if move["variable"] else ""
    return f"{name} {move['USUBJID']} {move['record']}{what}  {_because(move)}"


def _because(move: dict[str, Any]) -> str:
    if not move["because of"]:
        return "(no changed record found behind it)"
    return f"(because of {', '.join(map(str, move['because of']))}: {move['found by']})"


# -- files


def write_report(path: Path, data: dict[str, Any]) -> None:
    """Write .json, .html or .xlsx; FileError when the folder is missing or closed to writing."""
    ending = path.suffix.lower()
    if ending == ".json":
        write_bytes(path, orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    elif ending == ".html":
        write_bytes(path, page(data).encode("utf-8"))
    else:
        from trialmill.compare_reports import STAMP  # noqa: PLC0415  one stamp for all comparisons

        write_xlsx(path, sheets(data), STAMP, title=f"Two transfers of {data['study']}")


def sheets(data: dict[str, Any]) -> list[Sheet]:
    """The sheets of the workbook: summary, forms, raw changes field by field, moved values."""
    summary: list[tuple[str, str]] = [("verdict", verdict(data)), *(("transfer", p) for p in data["transfers"]),
                                      *(("note", n) for n in data["notes"]),
                                      *((f"only numbered anew: {w}", str(n)) for w, n in data["renumbered"].items())]
    forms = [(f["source"], f["before"], f["after"], f["new"], f["gone"], f["changed"], f["renumbered"],
              ", ".join(_times(w, n) for w, n in f["fields"].items())) for f in data["forms"]]
    raw = [(c["number"], c["kind"], c["source"], c["subject"], c["record"], f["field"], f["before"], f["after"],
            c["before"], c["after"], c["marked deleted"]) for c in data["raw changes"] for f in c["fields"]]
    moves = [(m["dataset"], m["variable"], m["kind"], m["USUBJID"], m["record"], m["before"], m["after"],
              ", ".join(map(str, m["because of"])), m["found by"]) for m in data["moves"]]
    return [
        Sheet("Summary", {"What": 34, "Says": 100}, summary, as_text=True),
        Sheet("Forms", {"Form": 14, "Before": 9, "After": 9, "New": 7, "Gone": 7, "Changed": 9, "Renumbered": 11,
                        "Fields": 60}, forms),
        Sheet("Raw changes", {"Number": 8, "Kind": 9, "Form": 12, "Subject": 12, "Record": 30, "Field": 14,
                              "Before": 30, "After": 30, "Place before": 28, "Place after": 28,
                              "Marked deleted": 26}, raw, as_text=True),
        Sheet("Moved", {"Dataset": 9, "Variable": 11, "Kind": 9, "USUBJID": 16, "Record": 50, "Before": 26, "After": 26,
                        "Because of": 11, "Found by": 24}, moves, as_text=True),
    ]  # fmt: skip


def page(data: dict[str, Any]) -> str:
    """The page."""
    one, other = data["transfers"]
    notes = "".join(f'<p class="note">{escape(n)}</p>' for n in data["notes"])
    forms = _table(["Form", "Before", "After", "What"], (
        [escape(f["source"]), f"{f['before']:,}", f"{f['after']:,}", escape(_counted(f))] for f in data["forms"]))
    subjects = _table(["Subject", "USUBJID", "Raw records", "Values that move"], (
        [escape(s["subject"] or "of no subject"), escape(s["USUBJID"]),
         escape(", ".join(_times(w, n) for w, n in s["records"].items())), f"{s['moves']:,}"]
        for s in data["subjects"]))
    changes = _table(["", "Kind", "Form", "Subject", "Record", "Fields", "Where", "Moves"], (
        [f'<a id="c{c["number"]}"></a>{c["number"]}', _kind(c["kind"]), escape(c["source"]), escape(c["subject"]),
         escape(c["record"]), _cells(c), _places(c),
         escape(", ".join(_times(w, n) for w, n in c["moves"].items()) or "nothing")] for c in data["raw changes"]))
    datasets = _table(["Dataset", "New", "Gone", "Changed", "Variables", "Without a cause"], (
        [escape(d["dataset"]), str(d["new"]), str(d["gone"]), str(d["changed"]),
         escape(", ".join(_times(w, n) for w, n in d["variables"].items())), str(d["without cause"])]
        for d in data["datasets"]))
    moves = _table(["Dataset", "Variable", "Subject", "Record", "Before", "After", "Because of"], (
        [escape(m["dataset"]), escape(m["variable"]) or _kind(m["kind"]), escape(m["USUBJID"]), escape(m["record"]),
         f"<del>{escape(m['before'])}</del>", f"<ins>{escape(m['after'])}</ins>", _links(m)] for m in data["moves"]))
    numbered = ", ".join(_times(w, n) for w, n in data["renumbered"].items())
    return "\n".join([
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>Two transfers of {escape(data['study'])}</title><style>{STYLE}</style></head><body>",
        f"<h1>Two transfers of {escape(data['study'])}</h1>",
        f'<p>Earlier <span class="place">{escape(one)}</span>, later <span class="place">{escape(other)}</span></p>',
        f"<p><b>{escape(verdict(data)[:1].upper() + verdict(data)[1:])}.</b></p>", notes,
        *([] if data["same"] else [
            "<h2>By form</h2>", forms, "<h2>By subject</h2>", subjects, "<h2>What was changed</h2>", changes,
            "<h2>Datasets that move</h2>", datasets, "<h2>Values that move</h2>", moves,
            f"<p>Only numbered anew: {escape(numbered)}.</p>" if numbered else "",
        ]),
        "</body></html>\n",
    ])


def _table(heads: list[str], rows: Iterator[list[str]] | Any) -> str:
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{''.join(f'<th>{h}</th>' for h in heads)}</tr></thead><tbody>{body}</tbody></table>"


def _kind(kind: str) -> str:
    return f'<span class="{kind}">{kind}</span>'


def _cells(change: dict[str, Any]) -> str:
    if change["kind"] == "changed":
        return "<br>".join(f"<code>{escape(f['field'])}</code> <del>{escape(f['before']) or '(empty)'}</del> "
                           f"<ins>{escape(f['after']) or '(empty)'}</ins>" for f in change["fields"])
    cells = [(f["field"], f["before"] or f["after"]) for f in change["fields"]]
    rows = "".join(f"<br><code>{escape(field)}</code> {escape(value)}" for field, value in cells)
    return f"<details><summary>{escape(_fields(change))}</summary>{rows}</details>"


def _places(change: dict[str, Any]) -> str:
    marked = [f"marked deleted: {change['marked deleted']}"] if change["marked deleted"] else []
    places = [*dict.fromkeys(p for p in (change["before"], change["after"]) if p), *marked]
    return "<br>".join(f'<span class="place">{escape(p)}</span>' for p in places)


def _links(move: dict[str, Any]) -> str:
    links = ", ".join(f'<a href="#c{n}">{n}</a>' for n in move["because of"])
    return f"{links} {escape(move['found by'])}"
