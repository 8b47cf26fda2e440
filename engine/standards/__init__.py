"""What the standards say, as data: SDTMIG, ADaMIG and CDISC terminology, read when first asked for."""

from engine.standards.adamig import Analysis, load_adamig
from engine.standards.sdtmig import DatasetStandard, Tabulation, VariableStandard, load_sdtmig
from engine.standards.terminology import Codelist, Term, Terminology, load_terminology

__all__ = [
    "Analysis",
    "Codelist",
    "DatasetStandard",
    "Tabulation",
    "Term",
    "Terminology",
    "VariableStandard",
    "load_adamig",
    "load_sdtmig",
    "load_terminology",
]
