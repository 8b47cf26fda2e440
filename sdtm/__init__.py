"""Raw records to SDTM: importing this package registers the verbs of tabulation datasets."""

from sdtm import (
    ages,
    answers,
    dates,
    doses,
    elements,
    intervals,
    ranges,
    reconcile,
    results,
    terms,
    timing,
    translate,
    units,
    versions,
    visit_records,
    visits,
)

__all__ = [
    "ages",
    "answers",
    "dates",
    "doses",
    "elements",
    "intervals",
    "ranges",
    "reconcile",
    "results",
    "terms",
    "timing",
    "translate",
    "units",
    "versions",
    "visit_records",
    "visits",
]
