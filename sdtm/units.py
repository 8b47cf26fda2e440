"""Results in standard units: a table of the study says which units are accepted for each test, and their factors.

The table (tables/NAME.csv) has a row for each test and each unit as it is delivered, in ASCII spelling:

    TEST    the test code
    UNIT    the unit as delivered; empty for a result without unit
    TERM    the submission value of that unit
    FACTOR  standard result = delivered result x FACTOR; a decimal number or a fraction such as 5/9
    STDUNIT the standard unit of the test; empty for tests that have none
    LESS    optional: taken off the delivered result before it is multiplied (32 for degrees Fahrenheit)
    PLACES  optional: decimals to which results in this unit are rounded when converted, if not those of the verb

A second table may list results that are texts: TEST, TEXT, RESULT (the standard result). Arithmetic is decimal, so
that 1.005 x 10 is 10.05; a converted result is rounded half away from zero once, at the end, and a result whose factor
is 1 keeps its digits. Each distinct test, unit and result is worked on once.

Sources: SDTMIG 3.4 section 4.5.1; CDISC controlled terminology, UNIT.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

import numpy as np
import pandas as pd
from pydantic import Field, PrivateAttr

from engine.errors import DataError, Place, Problem
from engine.numbers import NUMBER
from engine.run.at import At
from engine.run.tables import take_values
from engine.spec.codelists import find_codelist
from engine.spec.refs import VariableRef
from engine.spec.registry import Params, verb
from sdtm.results import split_result

COLUMNS = ("TEST", "UNIT", "TERM", "FACTOR", "STDUNIT")
PRECISION = 50  # digits of the arithmetic; far more than any result has


@dataclass(frozen=True, slots=True)
class Conversion:
    """How one delivered unit of one test becomes the standard unit."""

    term: str | None
    factor: Decimal
    divisor: Decimal
    less: Decimal
    standard: str | None
    places: int | None = None

    @property
    def same(self) -> bool:
        """Whether the number stays as it is."""
        return self.factor == self.divisor and not self.less

    def standardise(self, digits: str, places: int) -> str:
        """The number in the standard unit; its own digits when it stays as it is."""
        if self.same:
            return digits
        with localcontext() as context:
            context.prec = PRECISION
            number = (Decimal(digits) - self.less) * self.factor / self.divisor
            return rounded(number, places if self.places is None else self.places)

    def restore(self, standard: Decimal, places: int) -> str:
        """A number of the standard unit in the delivered unit."""
        with localcontext() as context:
            context.prec = PRECISION
            return rounded(standard * self.divisor / self.factor + self.less, places)

    def exact(self, digits: str) -> Decimal:
        """The number in the standard unit, not rounded."""
        with localcontext() as context:
            context.prec = PRECISION
            return (Decimal(digits) - self.less) * self.factor / self.divisor


def rounded(value: Decimal, places: int) -> str:
    """Rounded half away from zero to at most `places` decimals, without trailing zeros."""
    step = Decimal(1).scaleb(-places)
    text = format(value.quantize(step, rounding=ROUND_HALF_UP), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


class Units:
    """The accepted units of a study, by test and delivered unit ('' for none)."""

    def __init__(self, table: pd.DataFrame, place: str) -> None:
        """Read the table; DataError with every row that cannot be meant so."""
        absent = [c for c in COLUMNS if c not in table.columns]
        if absent:
            raise DataError(Problem(f"a table of units has no column {', '.join(absent)}", Place(place, 1)))
        self.found: dict[tuple[str, str], Conversion] = {}
        self.standard: dict[str, str | None] = {}
        problems = []
        less, places = (table[c] if c in table.columns else [None] * len(table) for c in ("LESS", "PLACES"))
        columns = [table[c].tolist() for c in COLUMNS]
        rows = zip(*columns, less, places, strict=True)
        for line, (test, unit, term, factor, standard, off, decimals) in enumerate(rows, 2):
            key = (_text(test), _text(unit))
            top, _, under = _text(factor).partition("/")
            numbers = [top, under or "1", _text(off) or "0"]
            if not all(NUMBER.fullmatch(n) for n in numbers) or not all(float(n) > 0 for n in numbers[:2]):
                problems.append(Problem("FACTOR is no positive number", Place(place, line), found=_text(factor)))
            elif not _text(decimals).isdecimal() and _text(decimals):
                problems.append(Problem("PLACES is no number of decimals", Place(place, line), found=_text(decimals)))
            elif key in self.found:
                problems.append(Problem("the unit stands twice for this test", Place(place, line), found=str(key)))
            elif self.standard.setdefault(key[0], _text(standard) or None) != (_text(standard) or None):
                problems.append(Problem("a test has one standard unit", Place(place, line), found=_text(standard)))
            else:
                factor_, divisor, less_ = (Decimal(n) for n in numbers)
                told, kept = _text(term) or None, _text(standard) or None
                rounding = int(_text(decimals)) if _text(decimals) else None
                self.found[key] = Conversion(told, factor_, divisor, less_, kept, rounding)
        if problems:
            raise DataError(problems)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def by_distinct_rows(columns: list[pd.Series], change: Callable[..., str | None]) -> pd.Series:
    """`change` applied to each distinct combination of texts once ('' for missing); n texts."""
    tables: list[list[str]] = []
    key = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        codes, distinct = pd.factorize(column)
        key = key * (len(distinct) + 1) + (codes + 1)
        tables.append(["", *(str(d) for d in distinct)])
    groups, keys = pd.factorize(key)
    picked: list[list[str]] = []
    for table in reversed(tables):
        picked.append([table[i] for i in (keys % len(table)).tolist()])
        keys = keys // len(table)
    changed = [change(*row) for row in zip(*reversed(picked), strict=True)]
    return take_values(pd.Series(changed, dtype="str"), groups)


class _Standardised(Params):
    """What the verbs share: a result, its unit and test, and the study's tables."""

    of: VariableRef
    unit: VariableRef
    test: VariableRef
    units: str
    texts: str = ""
    places: int = Field(4, ge=0, le=12)

    def tables(self) -> tuple[str, ...]:
        """See Params."""
        return tuple(name for name in (self.units, self.texts) if name)

    def known_units(self, at: At) -> Units:
        """The study's table of units."""
        return Units(at.study.lookup(self.units), f"{at.study.shown}/tables/{self.units}.csv")

    def known_texts(self, at: At) -> dict[tuple[str, str], str]:
        """Standard results of results that are texts, by test and text."""
        if not self.texts:
            return {}
        table = at.study.lookup(self.texts)
        rows = zip(table["TEST"], table["TEXT"], table["RESULT"], strict=True)
        return {(_text(test), _text(text)): _text(result) for test, text, result in rows}


@verb(
    "standard_result",
    reads="of",
    scope="record",
    source="SDTMIG 3.4 section 4.5.1",
    says="{of} x the factor of its unit in {units}, at most {places} decimals, half away from zero; a factor of 1 "
    "keeps the digits; `<` and `>` stay[; texts by {texts}]",
    example="LBSTRESC: {standard_result: LBORRES, unit: lis.UNIT, test: LBTESTCD, units: lab_units}",
)
class StandardResult(_Standardised):
    """The character result in the standard unit of its test.

    The first that applies: a text of `texts` by its standard result; a number, or one beyond a limit, by the factor of
    its unit; a number whose unit the table does not hold stays with its unit behind it, so that nobody takes it for a
    standardised one, and is listed; any other text stays and is listed.

    The table of `units` has a row for each test and unit as delivered: TEST, UNIT (empty for none), TERM (the unit's
    submission value), FACTOR (by which a result is multiplied: a number, or a fraction such as 5/9) and STDUNIT, one
    for each test. It may have LESS (taken off the result before, as 32 of degrees Fahrenheit) and PLACES: the most
    decimals that converted results of that unit keep, in place of `places`. A factor of 1 keeps the digits as they are.
    """

    _by_unit: bool = PrivateAttr(False)  # whether the table says how many decimals are kept

    def learn_tables(self, columns: Callable[[str], tuple[str, ...]]) -> None:
        """See Params."""
        self._by_unit = "PLACES" in columns(self.units)

    def own_sentence(self) -> str | None:
        """See Params."""
        if not self._by_unit:
            return None
        texts = f"; texts by {self.texts}" if self.texts else ""
        return (
            f"{self.of} x the factor of its unit in {self.units}, at most the decimals that PLACES of {self.units} "
            f"says for the unit, {self.places} where it says none, half away from zero; a factor of 1 keeps the "
            f"digits; `<` and `>` stay{texts}"
        )

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        units, texts = self.known_units(at), self.known_texts(at)
        strange: set[tuple[str, ...]] = set()

        def one(test: str, unit: str, result: str) -> str | None:
            if not result or (test, result) in texts:
                return texts.get((test, result))
            split = split_result(result)
            conversion = units.found.get((test, unit))
            if split is None or conversion is None:
                strange.add((test, unit, result))
                return result if split is None else f"{result} {unit or '(no unit)'}"
            return split[0] + conversion.standardise(split[1], self.places)

        columns = [at.text(self.test), at.text(self.unit), at.text(self.of)]
        found = by_distinct_rows(columns, one)
        if strange:

            def what(*row: str) -> str | None:
                return ("T" if split_result(row[2]) is None else "U") if row in strange else None

            flags = by_distinct_rows(columns, what)
            at.report(
                (flags == "T").to_numpy(dtype=bool),
                "neither a number nor a known text result",
                found=columns[2],
            )
            unit = columns[1].fillna("none")
            at.report(
                (flags == "U").to_numpy(dtype=bool),
                f"the unit is not in {self.units} for this test; the result is not standardised",
                found=columns[0].fillna("") + " in " + unit,
            )
        return found


@verb(
    "standard_unit",
    reads="of",
    scope="record",
    source="SDTMIG 3.4 section 4.5.1",
    says="The standard unit of the test in {units}, where {of} is a number in a known unit",
    example="LBSTRESU: {standard_unit: LBORRES, unit: lis.UNIT, test: LBTESTCD, units: lab_units}",
)
class StandardUnit(_Standardised):
    """The unit of a standardised result; null for texts, for unknown units and for tests without a unit."""

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        units, texts = self.known_units(at), self.known_texts(at)

        def one(test: str, unit: str, result: str) -> str | None:
            conversion = units.found.get((test, unit))
            number = split_result(texts.get((test, result), result)) if result else None
            return conversion.standard if conversion is not None and number is not None else None

        return by_distinct_rows([at.text(self.test), at.text(self.unit), at.text(self.of)], one)


@verb(
    "reported_unit",
    reads="unit",
    scope="record",
    source="SDTMIG 3.4 section 4.5.1",
    says="The submission value of the unit {unit}, number unchanged",
    example="LBORRESU: {reported_unit: lis.UNIT, test: LBTESTCD, units: lab_units, codelist: UNIT}",
)
class ReportedUnit(Params):
    """The unit in which a result was delivered, as a term: by the study's table, else as it is where it is a term.

    Synonyms of terms are not followed: a unit that the table does not hold for the test is not known to be meant so. It
    is listed and left out; `standard_result` keeps it beside the number.
    """

    value_is = "read"
    unit: VariableRef
    test: VariableRef
    units: str
    codelist: str

    def tables(self) -> tuple[str, ...]:
        """See Params."""
        return (self.units,)

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        units = Units(at.study.lookup(self.units), f"{at.study.shown}/tables/{self.units}.csv")
        codelist = find_codelist(at.study, self.codelist, at.study.datasets[at.dataset].package)

        def one(test: str, unit: str) -> str | None:
            conversion = units.found.get((test, unit))
            if conversion is not None:
                return conversion.term
            return unit if unit in codelist.values else None

        test, unit = at.text(self.test), at.text(self.unit)
        found = by_distinct_rows([test, unit], one)
        accepted = by_distinct_rows([test, unit], lambda *row: "Y" if row in units.found else None)
        lost = (found.isna() & unit.notna() & accepted.isna()).to_numpy(dtype=bool)
        at.report(lost, f"no unit of codelist {codelist.shown}", found=unit)
        return found


@verb(
    "in_unit",
    reads="of",
    scope="record",
    says="{of}, given in {given_in}, in the unit {unit}",
    example="LBORNRLO: {in_unit: ref_ranges.LOW, given_in: ref_ranges.UNIT, unit: lis.UNIT, test: LBTESTCD, "
    "units: lab_units}",
)
class InUnit(_Standardised):
    """A number given in one unit, in another unit of the same test; its own digits when the two are the same.

    Null where the table does not hold both units for the test.
    """

    given_in: VariableRef

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        units = self.known_units(at)

        def one(test: str, unit: str, given: str, value: str) -> str | None:
            here, there = units.found.get((test, given)), units.found.get((test, unit))
            if here is None or there is None or not NUMBER.fullmatch(value):
                return None
            if (here.factor, here.divisor, here.less) == (there.factor, there.divisor, there.less):
                return value
            return there.restore(here.exact(value), self.places)

        return by_distinct_rows([at.text(self.test), at.text(self.unit), at.text(self.given_in), at.text(self.of)], one)
