"""What must hold of each variable of a dataset, from its spec, its standard and its terminology.

A constraint is a test of whole columns with the words for those who read its findings. Constraints between variables
of one dataset are in records.py; they become one schema in schemas.py.

Sources: SDTMIG 3.4 sections 4.1 and 4.2; ADaMIG 1.3 section 3; FDA Study Data Technical Conformance Guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.spec.catalogue import DatasetInfo, VariableInfo
from validators import values as v
from validators.terms import Allowed, Terms

MAX_BYTES = 200
SHORT_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,7}")  # --TESTCD, PARAMCD and QNAM may become variable names
# a code and the name that goes with it; --TESTCD besides
CODES = {"PARAMCD": "PARAM", "QNAM": "QLABEL", "TSPARMCD": "TSPARM"}
RESULTS = ("ORRES", "STRESC")  # results: a codelist binds the texts among them, not the measurements
MAX_NAME = 40  # characters of --TEST and QLABEL, which may become labels
WHOLE_TEXTS = ("PARAM", "IETEST")  # names that are sentences: an analysis parameter, a criterion (SDTMIG 3.4, TI)


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing that must hold.

    `test` takes the values of `variable`, or of `wide` the frame itself, and is true for records that pass. `says`
    is what a record that fails shows. `needs` are the variables that a wide test reads.
    """

    rule: str
    variable: str
    test: Callable[[Any], v.Bools]
    says: str
    expected: str = ""
    do: str = ""
    wide: bool = False
    needs: tuple[str, ...] = ()


def required(info: DatasetInfo, terms: Terms) -> set[str]:
    """Variables that may not be missing: required ones of SDTM; what identifies a record of an analysis dataset."""
    if terms.catalogue.study.file.packages[info.package].standard == "sdtmig":
        return {each.name for each in info.variables if each.core == "Req"}
    names = {"STUDYID", "USUBJID", "PARAMCD", "PARAM"}
    return {each.name for each in info.variables if each.name in names}


def obliged(info: DatasetInfo, terms: Terms) -> dict[str, str]:
    """Variables that SDTMIG wants in the dataset, with its word for it: Req or Exp."""
    catalogue = terms.catalogue
    if catalogue.study.file.packages[info.package].standard != "sdtmig":
        return {}
    dataset = catalogue.sdtm.datasets.get("SUPPQUAL" if info.name.startswith("SUPP") else info.name)
    known = dataset.variables if dataset else {}
    return {n: x.core for n, x in known.items() if x.core in ("Req", "Exp")}


def of_variable(info: DatasetInfo, variable: VariableInfo, terms: Terms) -> Iterator[Constraint]:
    """Every constraint on the values of one variable."""
    name = variable.name
    if variable.type == "Num":
        yield Constraint("number", name, v.finite, "no finite number")
        if name == f"{info.name}SEQ":
            yield Constraint("sequence", name, v.whole_positive, "no whole number from 1")
        return
    size = variable.length or MAX_BYTES
    yield Constraint(
        "ascii",
        name,
        v.ascii_only,
        "not printable ASCII",
        do="translate the text, or map its characters where the export is read",
    )
    yield Constraint(
        "length",
        name,
        partial(v.no_longer, size=size),
        f"longer than {size} bytes",
        do="raise length: in the spec (200 at most), or split the text with  overflow: supp",
    )
    yield Constraint("blanks", name, v.tidy, "a blank stands before or after the value, or it is a period alone")
    fixed = _fixed(info, name, terms)
    if fixed:
        one = {fixed}
        yield Constraint("fixed", name, partial(v.among, allowed=one), "another value", fixed)
    if variable.domain in v.DOMAINS:
        yield Constraint(
            "iso8601",
            name,
            partial(v.each_distinct, test=v.DOMAINS[variable.domain]),
            f"no {variable.domain}",
            "such as 2025-03-10T08:30, 2025-03, 2025---15"
            if "datetime" in variable.domain
            else "such as PT30M, P1D, -PT5M",
        )
    for allowed in terms.of(info, name):
        yield term_constraint(name, allowed, variable)
    yield from _names(name)


def term_constraint(name: str, allowed: Allowed, variable: VariableInfo | None) -> Constraint:
    """Values are submission values of a codelist."""
    at = f" at {variable.line.place}" if variable is not None and variable.line is not None else ""
    declare = ", or declare the term under codelists: of study.yaml" if allowed.extensible else ""
    test = partial(v.term_or_measure, allowed=allowed.values) if name.endswith(RESULTS) else None
    return Constraint(
        "codelist",
        name,
        test or partial(v.among, allowed=allowed.values),
        f"a value that {allowed.called} does not hold",
        allowed.expected,
        f"map the value{at}{declare}, or query the site",
    )


def _fixed(info: DatasetInfo, name: str, terms: Terms) -> str:
    """The one value that a variable has in a dataset."""
    if name == "STUDYID":
        return terms.catalogue.study.name
    if name == "DOMAIN":
        return info.name
    return info.name.removeprefix("SUPP") if name == "RDOMAIN" and info.name.startswith("SUPP") else ""


def _names(name: str) -> Iterator[Constraint]:
    """Codes that may become variable names, and names that may become labels."""
    if is_code(name):
        expected = "up to eight capital letters, digits and _, a letter first"
        fits = partial(v.each_distinct, test=lambda text: SHORT_NAME.fullmatch(text) is not None)
        yield Constraint("name", name, fits, "no short name", expected)
    if name in ("QLABEL", "PARAM", "TSPARM") or name.endswith("TEST"):
        size = MAX_BYTES if name in WHOLE_TEXTS else MAX_NAME
        test = partial(v.no_longer, size=size)
        yield Constraint("name", name, test, f"longer than {size} characters")


def is_code(name: str) -> bool:
    """Variables whose values are short names."""
    return name in CODES or name.endswith("TESTCD")
