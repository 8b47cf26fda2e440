"""ADaM variables by structure, with the numbered names resolved: TRT01P, TR01AG1, ANL02FL, AVALCAT1.

A name that ADaMIG does not hold is looked for among the variables that published ADaM datasets use; what is
in neither needs its label in the spec.

Sources: ADaMIG 1.3 section 3 (xx, zz two digits; y, w one digit without leading zero).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache, cached_property

from engine.standards.sdtmig import VariableStandard, _kind
from engine.standards.tables import DATA, codes, data_file, read_rows

_SLOT = re.compile(r"xx|zz|[wy](?![a-z])")
_DIGITS = {"xx": r"(?P<xx>\d\d)", "zz": r"(?P<zz>\d\d)", "y": r"(?P<y>[1-9]\d?)", "w": r"(?P<w>[1-9])"}
_IN_LABEL = re.compile(r"\b(xx|zz|y|w)\b")


class Analysis:
    """One version of ADaMIG."""

    def __init__(self, version: str) -> None:
        """Read the data files; SpecError when the version is not there."""
        self.version = version
        path = data_file("adamig-", version, "ADaMIG", "name a version that Trialmill holds in study.yaml")
        self.structures: dict[str, dict[str, VariableStandard]] = {}
        self._patterns: dict[str, list[tuple[re.Pattern[str], VariableStandard]]] = {}
        for row in read_rows(path):
            standard = VariableStandard(
                row["variable"],
                row["label"],
                _kind(row["type"]),
                "",
                row["core"],
                int(row["order"]),
                codes(row["codelist_codes"]),
                "",
                codes(row["value_list"]),
            )
            structure = row["structure"]
            self.structures.setdefault(structure, {})[standard.name] = standard
            if re.search("[a-z]", standard.name):
                self._patterns.setdefault(structure, []).append((_pattern(standard.name), standard))

    @cached_property
    def observed(self) -> dict[str, VariableStandard]:
        """Variables of published datasets by name; the first spelling of a label counts."""
        result: dict[str, VariableStandard] = {}
        for row in read_rows(DATA / "adam-observed.tsv"):
            if len(row["label"]) <= 40 and row["variable"] not in result:
                result[row["variable"]] = VariableStandard(row["variable"], row["label"], _kind(row["type"]))
        return result

    def variable(self, structure: str, name: str) -> VariableStandard | None:
        """A variable of ADSL, BDS or another structure; None when no standard or published dataset knows it."""
        for group in dict.fromkeys([structure, "BDS" if structure != "ADSL" else "ADSL", "ADSL"]):
            if name in self.structures.get(group, {}):
                return self.structures[group][name]
            for pattern, standard in self._patterns.get(group, []):
                match = pattern.fullmatch(name)
                if match:
                    digits = match.groupdict()
                    label = _IN_LABEL.sub(lambda m, d=digits: d.get(m[0]) or m[0], standard.label)  # type: ignore[misc]
                    return replace(standard, name=name, label=label)
        return self.observed.get(name)


def _pattern(name: str) -> re.Pattern[str]:
    """A regular expression for a numbered name; a fragment such as `*DT` takes any letters."""
    out, at, used = "", 0, set()
    for match in _SLOT.finditer(name):
        slot = match[0]
        out += re.escape(name[at : match.start()]) + (_DIGITS[slot] if slot not in used else rf"(?P={slot})")
        used.add(slot)
        at = match.end()
    return re.compile((out + re.escape(name[at:])).replace(r"\*", "[A-Z0-9]+"))


@cache
def load_adamig(version: str = "1.3") -> Analysis:
    """ADaMIG of that version, read once."""
    return Analysis(version)
