"""A comparison as one HTML page that needs nothing else: the verdict, the datasets, then what differs in each.

Whatever came with the data is escaped, and the page runs no script at all: details open by themselves.

Sources: OWASP, "Cross site scripting prevention"; W3C, Content Security Policy level 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from validators.comparison_result import SAME
from validators.comparison_text import HEADS, summary

BRIEF = 4  # variables that the table of datasets names
PAGES = Path(__file__).parent / "pages"
OPEN = 5  # datasets that are not the same are shown open, if they are no more than these
RECORDS_OPEN = 10  # records of a variable that are shown without being asked for


def _brief(dataset: dict[str, Any]) -> Iterator[str]:
    """The variables that differ the most, with what their differences share; or why nothing was compared."""
    for problem in dataset["problems"][:1]:
        yield problem["what"]
    differing = sorted((v for v in dataset.get("variables", ()) if v["records"]), key=lambda v: -v["records"])
    for v in differing[:BRIEF]:
        first = v["patterns"][0]
        whole = "" if first["records"] == v["records"] else f" ({first['records']:,})"
        yield f"{v['name']} in {v['records']:,} of {v['compared']:,}: {first['says']}{whole}"
    if len(differing) > BRIEF:
        yield f"and {len(differing) - BRIEF:,} more variables"


def page(data: dict[str, Any]) -> bytes:
    """The page of a comparison, from validators.comparison_result.as_data."""
    loader = FileSystemLoader(PAGES, encoding="utf-8")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["n"] = lambda value: f"{value:,}" if isinstance(value, int) else value
    differing = [d for d in data["datasets"] if d["verdict"] != SAME]
    text = made.get_template("comparison.html").render(
        data=data,
        heads=HEADS,
        same=[(d, summary(d)) for d in data["datasets"] if d["verdict"] == SAME],
        brief={d["name"]: list(_brief(d)) for d in data["datasets"]},
        rows=[(d, summary(d)) for d in data["datasets"]],
        shown=[d for d in data["datasets"] if d["verdict"] != SAME or d["notes"] or
               any(v["notes"] for v in d.get("variables", ()))],
        opened=len(differing) <= OPEN,
        records_open=RECORDS_OPEN,
    )
    return text.encode()
