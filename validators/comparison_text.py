"""A comparison as lines for a terminal: the verdict, a table of datasets, then each dataset that is not the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from validators.comparison_result import SAME

COLUMNS = ("DATASET", "VERDICT", "BASE", "QC", "PAIRED", "ONLY BASE", "ONLY QC", "DOUBLED", "ATTRIBUTES", "VARIABLES",
           "VALUES")
HEADS = [" ".join(w if w in ("BASE", "QC") else w.capitalize() for w in c.split()) for c in COLUMNS]
WIDEST = 60  # characters of one value


def summary(dataset: dict[str, Any]) -> list[str | int]:
    """A row of the table of datasets, under COLUMNS; a dash where it was not compared."""
    if "paired" not in dataset:
        return [dataset["name"], dataset["verdict"], *"-" * 9]
    differing = [v for v in dataset["variables"] if v["records"]]
    return [
        dataset["name"], dataset["verdict"], dataset["base"]["records"], dataset["qc"]["records"], dataset["paired"],
        dataset["only in BASE"]["records"], dataset["only in QC"]["records"], dataset["doubled"]["keys"],
        len(dataset["attributes"]) + len(dataset["variables only in BASE"]) + len(dataset["variables only in QC"]),
        len(differing), sum(v["records"] for v in differing),
    ]


def told(data: dict[str, Any], most: int) -> Iterator[str]:
    """The lines; `most` records of each kind."""
    yield f"BASE  {data['base']}"
    yield f"QC    {data['qc']}"
    yield data["says"]
    for note in data["notes"]:
        yield f"note: {note}"
    yield ""
    shown = [d for d in data["datasets"] if d["verdict"] != SAME]
    yield from _table(COLUMNS, [summary(d) for d in (shown if len(data["datasets"]) > 12 else data["datasets"])])
    if len(data["datasets"]) > 12 and len(shown) < len(data["datasets"]):
        yield f"and {len(data['datasets']) - len(shown):,} the same"
    for word in ("BASE", "QC"):
        names = [d["name"] for d in data[f"only in {word}"]]
        if names:
            yield f"only in {word}: {', '.join(names)}"
    for dataset in data["datasets"]:
        noted = dataset.get("notes") or any(v["notes"] for v in dataset.get("variables", ()))
        if dataset["verdict"] != SAME or (noted and len(data["datasets"]) == 1):
            yield ""
            yield from _dataset(dataset, most)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str | int]]) -> Iterator[str]:
    texts = [[f"{c:,}" if isinstance(c, int) else c for c in row] for row in rows]
    widths = [max(len(h), *(len(r[n]) for r in texts)) if texts else len(h) for n, h in enumerate(heads)]
    for row in ([*heads], *texts) if texts else ():
        cells = [c.ljust(w) if n < 2 else c.rjust(w) for n, (c, w) in enumerate(zip(row, widths, strict=True))]
        yield "  ".join(cells).rstrip()


def _dataset(dataset: dict[str, Any], most: int) -> Iterator[str]:
    name = dataset["name"]
    if "paired" not in dataset:
        yield f"{name}  {dataset['verdict']}"
        for problem in dataset["problems"]:
            yield f"  {problem['place']}{'  ' if problem['place'] else ''}{problem['what']}"
            yield from (f"    {w:<9} {problem[w]}" for w in ("found", "expected", "nearest", "do") if problem[w])
        yield from (f"  note: {note}" for note in dataset["notes"])
        return
    yield f"{name}  {dataset['verdict']}; keys {', '.join(dataset['keys']) or 'none'} ({dataset['keys are']})"
    yield from (f"  note: {note}" for note in dataset["notes"])
    for word in ("BASE", "QC"):
        if dataset[f"variables only in {word}"]:
            yield f"  variables only in {word}: {', '.join(dataset[f'variables only in {word}'])}"
    for a in dataset["attributes"]:
        aside = "" if a["decides"] else "  (ignored as asked)"
        what = f"{a['kind']} of {a['variable'] or 'the dataset'}"
        yield f"  {what}: BASE {a['base'] or 'none'}; QC {a['qc'] or 'none'}{aside}"
    for word in ("BASE", "QC"):
        alone = dataset[f"only in {word}"]
        if alone["records"]:
            yield f"  {_records(alone['records'])} only in {word}"
            for each in alone["listed"][:most]:
                yield f"      {_keys(each['keys'])}" + (f"  from {each['from']}" if each.get("from") else "")
            yield from _more(alone["records"], most)
    if dataset["doubled"]["keys"]:
        doubled = _counted(dataset["doubled"]["keys"], "key")
        yield f"  {doubled} held by more than one record; the most alike were paired"
        for each in dataset["doubled"]["listed"][:most]:
            yield f"      {_keys(each['keys'])}: {each['base']:,} in BASE, {each['qc']:,} in QC"
        yield from _more(dataset["doubled"]["keys"], most)
    for variable in dataset["variables"]:
        yield from _variable(variable, most)


def _variable(variable: dict[str, Any], most: int) -> Iterator[str]:
    head = f"  {variable['name']}: {variable['records']:,} of {variable['compared']:,} records differ"
    if variable["records"]:
        yield head + (f"; largest difference {variable['largest']}" if variable["largest"] else "")
    else:
        yield f"  {variable['name']}: the same"
    for each in variable["patterns"]:
        whole = "all" if each["records"] == variable["records"] else f"{each['records']:,}"
        yield f"      {whole}: {each['says']}"
    for each in variable["notes"]:
        yield f"      note: {each['records']:,} {each['says']}"
    for line in variable["spec"]:
        part = f" ({line['part']})" if line["part"] else ""
        yield f"      spec of {line['side']}: {line['place']}{part}  {line['says']}"
        if line["where"]:
            yield f"          where {line['where']}"
    for each in variable["listed"][:most]:
        yield f"      {_keys(each['keys'])}: BASE {_value(each['base'])}; QC {_value(each['qc'])}"
        for raw in each.get("raw", ()):
            for n, cell in enumerate(raw["cells"]):
                lead = f"{raw['side']} from" if n == 0 else ""
                yield f"          {lead:<9} {cell}"
    yield from _more(variable["records"], most)


def _more(records: int, most: int) -> Iterator[str]:
    if records > most:
        yield f"      and {records - most:,} more"


def _keys(keys: dict[str, str]) -> str:
    return ", ".join(f"{n} {v or '(missing)'}" for n, v in keys.items() if n not in ("STUDYID", "DOMAIN")) or "record"


def _value(text: str) -> str:
    if not text:
        return "(missing)"
    cut = text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."
    return f'"{cut}"' if cut != cut.strip() else cut


def _records(count: int) -> str:
    return _counted(count, "record")


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
