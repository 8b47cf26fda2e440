"""The codelists of a study: CDISC terminology, the sponsor's terms added to it, and the sponsor's own lists.

`codelists:` of study.yaml holds both kinds: under the name of an extensible CDISC list, added terms; under any
other name, a list of the sponsor's own.

Sources: SDTMIG 3.4 section 4.3 (extensible codelists).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from engine.errors import Problem, SpecError, nearest
from engine.spec.study import Study
from engine.standards import Codelist, load_terminology


@dataclass(frozen=True)
class StudyCodelist:
    """Submission values that a variable may hold: CDISC's and the sponsor's, with the sponsor's decodes."""

    name: str
    standard: Codelist | None
    added: dict[str, str]

    @cached_property
    def values(self) -> frozenset[str]:
        """Every allowed submission value."""
        return frozenset(self.standard.terms if self.standard else ()) | frozenset(self.added)

    @property
    def shown(self) -> str:
        """For messages: name, C-code and whether it is extensible."""
        if self.standard is None:
            return f"{self.name} (sponsor)"
        return f"{self.name} ({self.standard.code}, {'' if self.standard.extensible else 'not '}extensible)"

    def submission_value(self, text: str) -> str | None:
        """The submission value that a collected text stands for: itself, or the one term it is a synonym of."""
        if text in self.values:
            return text
        return self.standard.synonym(text) if self.standard else None

    def nearest(self, text: str) -> str:
        """Allowed values close in spelling."""
        return nearest(text, self.values)


def find_codelist(study: Study, name: str, package: str = "") -> StudyCodelist:
    """A codelist by submission value or C-code.

    Raises:
        SpecError: no such codelist, or terms added to one that is not extensible.
    """
    versions = study.file.standards
    standard = None
    if package and study.file.packages[package].standard == "adamig":
        standard = load_terminology("ADaM", versions.adam_terminology).codelist(name)
    sdtm = load_terminology("SDTM", versions.sdtm_terminology)
    standard = standard or sdtm.codelist(name)
    key = standard.name if standard else name
    added = {**study.file.codelists.get(key, {}), **study.file.codelists.get(name, {})}
    place = study.document.place("codelists", key)
    if standard is None and not added:
        raise SpecError(
            Problem(
                f'no codelist "{name}"',
                expected=f"a codelist of CT {versions.sdtm_terminology}, or one under codelists: of "
                f"{study.shown}/study.yaml",
                nearest=nearest(name, [*sdtm.names, *study.file.codelists]),
            )
        )
    if standard is not None and added and not standard.extensible:
        raise SpecError(
            Problem(
                f"the codelist {standard.name} ({standard.code}) takes no further terms",
                place,
                found=", ".join(added),
                do="map to one of its terms",
            )
        )
    return StudyCodelist(key, standard, added)
