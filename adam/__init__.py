"""SDTM to ADaM: importing this package registers the verbs of analysis datasets."""

from adam import dates, exposure, occurrence, pharmacokinetics, points, results, subject, time_to_event

__all__ = ["dates", "exposure", "occurrence", "pharmacokinetics", "points", "results", "subject", "time_to_event"]
