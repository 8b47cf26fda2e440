"""The words of the annotations of a form, domain by domain, and the colours of the domains.

A box holds what a field gives to one domain and its supplemental qualifiers. What is true of all records that a form
gives to a dataset, such as their category, is said once at the top of the form and not again at each field.

Sources: SDTM Metadata Submission Guidelines 2.0; conventions of the annotated CRF: black text of 9 to 12 points, values
in quotes, the dataset before the variable, NOT SUBMITTED in capitals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.spec.catalogue import Catalogue
from engine.spec.forms import FormsSpec
from submission.crf_targets import Condition, FieldTargets, Target

NOT_SUBMITTED = "[NOT SUBMITTED]"
PALETTE = ("#bfe3ff", "#fff2a8", "#c9f0c4", "#ffd9b3", "#e6d4f7", "#ffcfd6", "#c8f1ee", "#e4e4c3")
NO_COLOUR = "#ececec"
_RESULTS = ("ORRES", "ORRESU", "STRESC", "STRESN", "STRESU")


@dataclass(frozen=True, slots=True)
class Line:
    """One annotation: its words, and the targets that it names; none: not submitted."""

    text: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class NoteBox:
    """The annotations of one field in one domain; of the domain '' what is not submitted."""

    domain: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Noted:
    """One line of an annotation as it stands on a page."""

    field: str
    text: str
    targets: tuple[Target, ...]
    page: int


class FormBoxes:
    """What is noted on one form."""

    def __init__(self, catalogue: Catalogue, forms: FormsSpec, form: str, targets: FieldTargets) -> None:
        """Collect the targets of its fields and of the columns that every form has."""
        self.catalogue, self.form = catalogue, form
        self.own = forms.columns(form)
        self.fields = {name: targets.of(form, name) for name in self.own}
        self.common = {
            column: found for (f, column), found in targets.fields.items() if f == form and column not in self.own
        }
        everything = [t for found in (*self.common.values(), *self.fields.values()) for t in found]
        self.domains = tuple(dict.fromkeys(_domain(t) for t in everything))
        self.datasets = tuple(dict.fromkeys(t.dataset for t in everything))
        self.shared = {d: self._shared(d, everything) for d in self.datasets}

    def titles(self) -> list[tuple[str, str]]:
        """Domain and words of the boxes at the top of the form: the datasets, then what their records share."""
        found = []
        for domain in self.domains:
            for dataset in [d for d in self.datasets if d.removeprefix("SUPP") == domain]:
                info = self.catalogue.datasets[domain]
                label = info.label if dataset == domain else self.catalogue.supplemental(domain).label
                found.append((domain, f"{dataset} = {label}"))
                found += [(domain, f'{dataset}.{name}="{value}"') for name, value in self.shared[dataset]]
        return found

    def boxes(self, column: str) -> list[NoteBox]:
        """The boxes of one column, in the order of its datasets."""
        targets = self.fields.get(column, self.common.get(column, []))
        if not targets:
            return [NoteBox("", (Line(NOT_SUBMITTED, ()),))] if column in self.own else []
        by_domain: dict[str, list[Target]] = {}
        for target in targets:
            by_domain.setdefault(_domain(target), []).append(target)
        return [NoteBox(domain, tuple(self._lines(found))) for domain, found in by_domain.items()]

    def _lines(self, targets: Sequence[Target]) -> Iterable[Line]:
        """Targets of the same records in one line, a unit in its own."""
        together: dict[tuple[str, Condition, bool], list[Target]] = {}
        for target in targets:
            unit = target.variable == f"{target.dataset}ORRESU"
            together.setdefault((target.dataset, self._told(target), unit), []).append(target)
        for (_, told, _), found in together.items():
            yield Line(_words(found, told), tuple(found))

    def _told(self, target: Target) -> Condition:
        """The condition as far as the top of the form does not say it; of a result the test is always said."""
        if target.condition != self.shared[target.dataset]:
            return target.condition
        result = target.variable.removeprefix(target.dataset) in _RESULTS
        return tuple(p for p in target.condition if result and not p[0].endswith("CAT"))

    def _shared(self, dataset: str, targets: Iterable[Target]) -> Condition:
        conditions = {t.condition for t in targets if t.dataset == dataset}
        only = next(iter(conditions)) if len(conditions) == 1 else ()
        stands = any(t.variable in dict(only) for t in targets if t.dataset == dataset)
        return () if dataset.startswith("SUPP") or stands else only


def colours_of(forms: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """A colour for each domain, the same on all forms, and different from those beside it on any form.

    Where there are more domains on a form than colours, the least used stands twice.
    """
    domains = tuple(dict.fromkeys(d for each in forms for d in each))
    colours: dict[str, str] = {}
    for domain in domains:
        beside = {colours[d] for each in forms if domain in each for d in each if d in colours}
        used = {c: list(colours.values()).count(c) for c in PALETTE}
        free = [c for c in PALETTE if c not in beside] or list(PALETTE)
        colours[domain] = min(free, key=lambda c: (used[c], PALETTE.index(c)))
    return colours


def _domain(target: Target) -> str:
    return target.dataset.removeprefix("SUPP")


def _words(targets: Sequence[Target], told: Condition) -> str:
    """AE.AETERM, or VS.VSORRES / VS.VSORRESU when VSTESTCD="SYSBP", or DS.DSDECOD="ENTERED INTO TRIAL"."""
    values = dict(told)
    if len(targets) == 1 and targets[0].variable in values:
        value = values.pop(targets[0].variable)
        names = f'{targets[0].dataset}.{targets[0].variable}="{value}"'
    else:
        names = " / ".join(f"{t.dataset}.{t.variable}" for t in targets)
    when = " and ".join(f'{name}="{value}"' for name, value in values.items())
    return f"{names} when {when}" if when else names
