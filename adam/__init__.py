"""SDTM to ADaM: importing this package registers the verbs of analysis datasets."""

from adam import dates, points, subject, time_to_event

__all__ = ["dates", "points", "subject", "time_to_event"]
