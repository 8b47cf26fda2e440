"""The standards that a define.xml names, and the words of standards that it uses, found by C-code.

Sources: Define-XML 2.1 section 5.3.4 (def:Standards); Define-XML terminology STDNAM (C170452), STDTYP (C170451),
STDSTAT (C172332), CTSTDTYP (C172331), GNRLOBSC (C103329).
"""

from __future__ import annotations

import re

from engine.spec.origin_terms import VERSION
from engine.spec.study import Study
from engine.standards import Codelist, load_terminology
from submission.define_model import Standard

_GUIDES = {"sdtmig": "C170455", "adamig": "C170552"}
_CT, _IG, _NCI, _FINAL = "C163415", "C170454", "C163415", "C172455"
_SETS = {"SDTM": "C180551", "ADaM": "C180548", "DEFINE": "C180550"}
_CLASSES = "C103329"


def standards_of(study: Study, package: str) -> list[Standard]:
    """The implementation guide of a package, then the terminologies that its terms are of."""
    versions = study.file.standards
    follows = study.file.packages[package].standard
    guide = versions.sdtmig if follows == "sdtmig" else versions.adamig
    final = _term("C172332", _FINAL)
    found = [Standard("STD.IG", _term("C170452", _GUIDES[follows]), _term("C170451", _IG), guide, final)]
    dates = {"ADaM": versions.adam_terminology} if follows == "adamig" else {}
    dates |= {"SDTM": versions.sdtm_terminology, "DEFINE": VERSION}
    for kind, date in dates.items():
        name, type_ = _term("C170452", _NCI), _term("C170451", _CT)
        found.append(Standard(f"STD.CT.{kind}", name, type_, date, final, _term("C172331", _SETS[kind])))
    return found


def class_of(text: str) -> str:
    """The class of a dataset as Define-XML writes it: SPECIAL PURPOSE for Special-Purpose; '' for none of its terms."""
    wanted = _plain(text)
    for term in _list(_CLASSES).terms.values():
        if wanted in {_plain(t) for t in (term.value, *term.synonyms)}:
            return term.value
    return ""


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip().upper()


def _list(code: str) -> Codelist:
    found = load_terminology("Define", VERSION).codelist(code)
    assert found is not None
    return found


def _term(codelist: str, code: str) -> str:
    return _list(codelist).by_code(code).value
