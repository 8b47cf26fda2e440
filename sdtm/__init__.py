"""Raw records to SDTM: importing this package registers the verbs of tabulation datasets."""

from sdtm import dates, terms, timing

__all__ = ["dates", "terms", "timing"]
