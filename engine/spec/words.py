"""Conditions and formulas of specs in the words of a reviewer, who knows no function of a spec by name.

`first_day(AE.AESTDTC) <= date(study.DCUTDT)` becomes `the first day AE.AESTDTC may mean <= the date of study.DCUTDT`.
Only the text is changed, never what is computed; a function that is not known here stays as it is.

Sources: Define-XML 2.1 section 5.3.13 (MethodDef).
"""

from __future__ import annotations

import re

_WORDS = {
    "abs": "the absolute value of {0}",
    "sqrt": "the square root of {0}",
    "floor": "the whole part of {0}",
    "round": "{0} rounded to {1} decimals",
    "min": "the lowest of {all}",
    "max": "the highest of {all}",
    "upper": "{0} in upper case",
    "lower": "{0} in lower case",
    "length": "the number of characters of {0}",
    "starts_with": "{0} starts with {1}",
    "ends_with": "{0} ends with {1}",
    "contains": "{0} contains {1}",
    "is_number": "{0} is a number",
    "date": "the date of {0}",
    "date_part": "the date part of {0}",
    "first_day": "the first day {0} may mean",
    "last_day": "the last day {0} may mean",
    "cut_to": "{0} as far as {1} is known",
}
_CALL = re.compile(r"(?<![\w.])(" + "|".join(_WORDS) + r")\(")
_COMPLETE = re.compile(r"(?<![\w.])date\(([\w.]+)\) is (missing|present)")
_LIST = re.compile(r"\bin \[([^\[\]]*)\]")
_ONE = re.compile(r"\b(to|plus|minus) 1 (decimal|day)s\b")
_SIGN = re.compile(r" [-+*/] | \*\* ")


def without_code(text: str) -> str:
    """Conditions as people write them: = and <> for == and !=, lists in round brackets, functions in words."""
    text = _LIST.sub(r"in (\1)", text.replace(" == ", " = ").replace(" != ", " <> "))
    text = _COMPLETE.sub(lambda m: f"{m[1]} is {'no' if m[2] == 'missing' else 'a'} complete date", text)
    return _ONE.sub(r"\1 1 \2", _spoken(text))


def _spoken(text: str) -> str:
    """Every call of a function in words, inner ones first."""
    start = 0
    while found := _CALL.search(text, start):
        arguments, end = _arguments(text, found.end())
        if end < 0 or not arguments[0].strip():
            start = found.end()
            continue
        said = [_spoken(a.strip()) for a in arguments]
        words = _WORDS[found[1]]
        if max(map(int, re.findall(r"\{(\d)\}", words)), default=0) >= len(said):
            start = found.end()
            continue
        first = f"({said[0]})" if _SIGN.search(said[0]) else said[0]
        new = words.format(first, *said[1:], all=", ".join(said))
        if found[1] == "round" and _SIGN.search(text[end : end + 4]):
            new = f"({new})"
        text = text[: found.start()] + new + text[end:]
        start = found.start() + len(new)
    return text


def _arguments(text: str, start: int) -> tuple[list[str], int]:
    """The arguments from an opening bracket on, and where the text goes on; -1 where the bracket never closes."""
    found: list[str] = []
    depth, quoted, last = 1, "", start
    for at in range(start, len(text)):
        sign = text[at]
        if quoted:
            quoted = "" if sign == quoted else quoted
        elif sign in "'\"":
            quoted = sign
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
            if depth == 0:
                return [*found, text[last:at]], at + 1
        elif sign == "," and depth == 1:
            found.append(text[last:at])
            last = at + 1
    return [], -1
