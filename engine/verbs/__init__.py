"""Verbs that any dataset may use: values, conditions, look-ups, picks among a subject's records, records,
functions of the study.

Importing this package registers them. Verbs of one kind of dataset live in the sdtm and adam rooms.
"""

from engine.verbs import bands, choice, grades, hooks, means, numbering, picks, records, study, texts, values, windows

__all__ = [
    "bands",
    "choice",
    "grades",
    "hooks",
    "means",
    "numbering",
    "picks",
    "records",
    "study",
    "texts",
    "values",
    "windows",
]
