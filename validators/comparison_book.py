"""A comparison as sheets of a workbook: summary, variables, values, records, keys, attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from formats.xlsx_write import Sheet
from validators.comparison_text import HEADS, summary

Cells = list[str | float | int | None]


def sheets(data: dict[str, Any]) -> list[Sheet]:
    """The sheets, from validators.comparison_result.as_data."""
    return [
        Sheet("Summary", {"What": 22, "Says": 100}, list(_head(data))),
        Sheet("Datasets", dict(zip(HEADS, [12, 16, *[11] * 9], strict=True)),
              list(_datasets(data))),
        Sheet("Variables", {"Dataset": 10, "Variable": 12, "Label": 34, "Differ": 10, "Compared": 11, "Largest": 16,
                            "Pattern": 60, "Records": 10, "Spec": 40, "Derived": 60}, list(_variables(data))),
        Sheet("Values", {"Dataset": 10, "Variable": 12, "Keys": 50, "BASE": 30, "QC": 30, "Raw records": 70},
              list(_values(data))),
        Sheet("Records", {"Dataset": 10, "Only in": 9, "Keys": 70, "From": 50}, list(_records(data))),
        Sheet("Doubled keys", {"Dataset": 10, "Keys": 70, "BASE": 8, "QC": 8}, list(_doubled(data))),
        Sheet("Attributes", {"Dataset": 10, "Variable": 12, "What": 14, "BASE": 45, "QC": 45, "Decides": 9},
              list(_attributes(data))),
    ]


def _head(data: dict[str, Any]) -> Iterator[Cells]:
    yield ["BASE", data["base"]]
    yield ["QC", data["qc"]]
    yield ["verdict", data["says"]]
    for name, value in data["settings"].items():
        yield [name, value]
    for note in data["notes"]:
        yield ["note", note]
    for dataset in data["datasets"]:
        for note in dataset["notes"]:
            yield [dataset["name"], note]
        for problem in dataset["problems"]:
            parts = [problem["place"], problem["what"], *(f"{w}: {problem[w]}" for w in ("found", "expected", "do")
                                                        if problem[w])]
            yield [dataset["name"], "; ".join(p for p in parts if p)]
        if "paired" in dataset:
            yield [dataset["name"], f"keys {', '.join(dataset['keys'])} ({dataset['keys are']})"]


def _datasets(data: dict[str, Any]) -> Iterator[Cells]:
    for dataset in data["datasets"]:
        yield list(summary(dataset))
    for word in ("BASE", "QC"):
        for each in data[f"only in {word}"]:
            yield [each["name"], f"only in {word}", *[None] * 9]


def _compared(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (d for d in data["datasets"] if "paired" in d)


def _variables(data: dict[str, Any]) -> Iterator[Cells]:
    for dataset in _compared(data):
        for v in dataset["variables"]:
            spec = "\n".join(s["place"] + (f" ({s['part']})" if s["part"] else "") for s in v["spec"])
            says = "\n".join(s["says"] for s in v["spec"])
            for p in (*v["patterns"], *({**n, "says": f"(no difference) {n['says']}"} for n in v["notes"])):
                yield [dataset["name"], v["name"], v["label"], v["records"], v["compared"], v["largest"], p["says"],
                       p["records"], spec, says]


def _values(data: dict[str, Any]) -> Iterator[Cells]:
    for dataset in _compared(data):
        for v in dataset["variables"]:
            for r in v["listed"]:
                raw = "\n".join(f"{x['side']}: {cell}" for x in r.get("raw", ()) for cell in x["cells"])
                yield [dataset["name"], v["name"], _keys(r["keys"]), r["base"], r["qc"], raw]
            if v["records"] > len(v["listed"]):
                yield [dataset["name"], v["name"], f"and {v['records'] - len(v['listed']):,} more", None, None, None]


def _records(data: dict[str, Any]) -> Iterator[Cells]:
    for dataset in _compared(data):
        for word in ("BASE", "QC"):
            alone = dataset[f"only in {word}"]
            for r in alone["listed"]:
                yield [dataset["name"], word, _keys(r["keys"]), r.get("from")]
            if alone["records"] > len(alone["listed"]):
                yield [dataset["name"], word, f"and {alone['records'] - len(alone['listed']):,} more", None]


def _doubled(data: dict[str, Any]) -> Iterator[Cells]:
    for dataset in _compared(data):
        for r in dataset["doubled"]["listed"]:
            yield [dataset["name"], _keys(r["keys"]), r["base"], r["qc"]]


def _attributes(data: dict[str, Any]) -> Iterator[Cells]:
    for dataset in _compared(data):
        for word in ("BASE", "QC"):
            for name in dataset[f"variables only in {word}"]:
                yield [dataset["name"], name, f"only in {word}", None, None, "yes"]
        for a in dataset["attributes"]:
            yield [dataset["name"], a["variable"], a["kind"], a["base"], a["qc"], "yes" if a["decides"] else "no"]


def _keys(keys: dict[str, str]) -> str:
    return ", ".join(f"{n} {v or '(missing)'}" for n, v in keys.items())
