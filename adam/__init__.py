"""SDTM to ADaM: importing this package registers the verbs of analysis datasets."""

from adam import dates, subject

__all__ = ["dates", "subject"]
