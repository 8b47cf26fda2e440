"""What the words of an expression do with whole columns: comparison, logic, arithmetic, functions.

Values are text (str) or float64 columns of n records, constants, or the three-valued Truth of n records. Reading an
expression's text is expressions.py's business; this module never sees it.

Sources: SQL's three-valued logic (ISO/IEC 9075-2, 8.12).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.dates import spans
from engine.numbers import round_half_up, to_numbers

Bools = NDArray[np.bool_]
FUNCTIONS = (
    "abs",
    "min",
    "max",
    "floor",
    "sqrt",
    "round",
    "upper",
    "lower",
    "starts_with",
    "ends_with",
    "contains",
    "date_part",
    "length",
    "date",
    "first_day",
    "last_day",
    "cut_to",
    "is_number",
)


class NotNumbersError(ValueError):
    """Text stands where a formula needs numbers: which of the n records, and the values they hold."""

    def __init__(self, bad: Bools, values: pd.Series) -> None:
        """Keep the records (n booleans) and all n values."""
        super().__init__(f'"{values[bad].iloc[0]}" is not a number ({int(bad.sum())} such values)')
        self.bad, self.values = bad, values


@dataclass(frozen=True, slots=True)
class Truth:
    """Three-valued truth of n records: what is neither true nor unknown is false."""

    true: Bools
    unknown: Bools


def column(value: Any, n: int) -> pd.Series:
    if isinstance(value, str):
        return pd.Series([value] * n, dtype="str")
    return pd.Series(np.full(n, float(value)))


def number(value: Any) -> Any:
    """Numbers of a value; text must be numeric where present."""
    if isinstance(value, Truth):
        raise ValueError("a condition stands where a number is needed")
    if isinstance(value, pd.Series):
        if value.dtype == np.float64:
            return value
        numbers, bad = to_numbers(value)
        if bad.any():
            raise NotNumbersError(bad, value)
        return numbers
    if isinstance(value, str):
        raise ValueError(f'"{value}" is not a number')
    return float(value)


def arithmetic(op: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(op, ast.Add):
        return left + right
    if isinstance(op, ast.Sub):
        return left - right
    if isinstance(op, ast.Mult):
        return left * right
    if isinstance(op, ast.Pow):
        return left**right
    if not isinstance(right, pd.Series) and right == 0:
        raise ValueError("division by 0")
    if isinstance(right, pd.Series) and (right == 0).any():
        raise ValueError(f"division by 0 in {int((right == 0).sum())} records; exclude them with a condition")
    return left / right


def combine(op: ast.boolop, parts: list[Truth]) -> Truth:
    true, unknown = parts[0].true, parts[0].unknown
    for part in parts[1:]:
        if isinstance(op, ast.And):
            false = (~true & ~unknown) | (~part.true & ~part.unknown)
            true = true & part.true
        else:
            false = (~true & ~unknown) & (~part.true & ~part.unknown)
            true = true | part.true
        unknown = ~true & ~false
    return Truth(true, unknown)


def compare(op: ast.cmpop, left: Any, right: Any, n: int) -> Truth:
    if isinstance(left, Truth) or isinstance(right, Truth):
        raise ValueError("conditions are joined with `and` and `or`, not compared")
    if not isinstance(left, pd.Series):
        left = column(left, n)
    if isinstance(op, (ast.Is, ast.IsNot)):
        missing = left.isna().to_numpy(dtype=bool)
        return Truth(missing if isinstance(op, ast.Is) else ~missing, np.zeros(n, dtype=bool))
    if isinstance(right, list):
        if any(not isinstance(v, str) for v in right):
            left, right = number(left), [float(v) for v in right]
        elif left.dtype == np.float64:
            raise ValueError("a number is compared with a list of texts")
        unknown = left.isna().to_numpy(dtype=bool)
        hit = left.isin(right).to_numpy(dtype=bool)
        return Truth((hit if isinstance(op, ast.In) else ~hit) & ~unknown, unknown)
    numeric = any(
        isinstance(v, (int, float)) or (isinstance(v, pd.Series) and v.dtype == np.float64) for v in (left, right)
    )
    if numeric:
        left, right = number(left), number(right)
    unknown = left.isna().to_numpy(dtype=bool)
    if isinstance(right, pd.Series):
        unknown = unknown | right.isna().to_numpy(dtype=bool)
    else:
        right = column(right, n)
    if numeric:
        a, b = left.to_numpy(), right.to_numpy()
        known = ~unknown
    else:  # only known texts are compared, as plain objects: code point order
        known = ~unknown
        a, b = left.to_numpy(dtype=object, na_value=""), right.to_numpy(dtype=object, na_value="")
    result = {
        ast.Eq: np.equal,
        ast.NotEq: np.not_equal,
        ast.Lt: np.less,
        ast.LtE: np.less_equal,
        ast.Gt: np.greater,
        ast.GtE: np.greater_equal,
    }[type(op)](a, b).astype(bool)
    return Truth(result & known, unknown)


def _cut(text: pd.Series, pattern: pd.Series) -> pd.Series:
    """Each text cut to the length of the other; missing where either is."""
    length = pattern.str.len()
    result = text.where(pattern.notna())
    for each in length.dropna().unique():
        result = result.where(length != each, result.str.slice(0, int(each)))
    return result


def call(name: str, args: list[Any], n: int) -> Any:
    if name in ("min", "max"):
        if len(args) < 2:
            raise ValueError(f"{name} takes two values or more")
        columns = [a if isinstance(a, pd.Series) else column(a, n) for a in map(number, args)]
        stack = np.vstack([c.to_numpy() for c in columns])
        return pd.Series(np.min(stack, axis=0) if name == "min" else np.max(stack, axis=0))
    wanted = 2 if name in ("round", "starts_with", "ends_with", "contains", "cut_to") else 1
    if len(args) != wanted:
        raise ValueError(f"{name} takes {wanted} value{'s' if wanted > 1 else ''}")
    if name in ("abs", "floor", "sqrt", "round"):
        value = number(args[0])
        numbers = value if isinstance(value, pd.Series) else column(value, n)
        if name == "round":
            return round_half_up(numbers, int(args[1]))
        with np.errstate(invalid="ignore"):
            return pd.Series({"abs": np.abs, "floor": np.floor, "sqrt": np.sqrt}[name](numbers.to_numpy()))
    if name in ("date", "first_day", "last_day"):  # SAS dates; a partial ISO 8601 date has only a first and last day
        span = spans(args[0] if isinstance(args[0], pd.Series) else column(args[0], n))
        return pd.Series({"date": span.complete, "first_day": span.first, "last_day": span.last}[name])
    if name == "is_number":
        value = args[0] if isinstance(args[0], pd.Series) else column(args[0], n)
        unknown = value.isna().to_numpy(dtype=bool)
        return Truth(~to_numbers(value)[1] & ~unknown, unknown)
    text = args[0] if isinstance(args[0], pd.Series) else column(str(args[0]), n)
    if text.dtype == np.float64:
        raise ValueError(f"{name} takes a text")
    if name == "cut_to":  # for dates: compared to the precision that both share
        return _cut(text, args[1] if isinstance(args[1], pd.Series) else column(str(args[1]), n))
    if name in ("starts_with", "ends_with", "contains"):
        unknown = text.isna().to_numpy(dtype=bool)
        method = {"starts_with": text.str.startswith, "ends_with": text.str.endswith}.get(name)
        hit = method(str(args[1])) if method else text.str.contains(str(args[1]), regex=False)
        return Truth(hit.to_numpy(dtype=bool, na_value=False) & ~unknown, unknown)
    if name == "length":
        return text.str.len().astype("float64")
    if name == "date_part":
        return text.str.slice(0, 10)
    return text.str.upper() if name == "upper" else text.str.lower()
