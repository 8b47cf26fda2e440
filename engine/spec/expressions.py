"""Conditions and formulas of a spec, checked when read and computed on whole columns (see operations.py).

    AESER == 'Y' and AESTDTC is present          BMIBL: {compute: "WEIGHTBL / (HEIGHTBL / 100) * ..."}

Read through Python's `ast` with a whitelist of nodes and limits on size; never eval, exec, DataFrame.eval or
query. Logic is three-valued: a comparison with a missing value is unknown, `not unknown` stays unknown, and
only what is known to be true satisfies a `where`. Arithmetic on a missing value gives a missing value.
Text compares as text with text, and as a number with a number. Dates compare as numbers: `date(X)` is the SAS date
of a complete ISO 8601 date (missing for a partial one), `first_day(X)` and `last_day(X)` bound what a date may mean;
`cut_to(X, Y)` is X as far as Y is known, so that two dates compare to the precision that both share.

Sources: architecture, "Expressions"; SQL's three-valued logic (ISO/IEC 9075-2, 8.12).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Self

import pandas as pd
from pydantic_core import core_schema

from engine.spec.operations import FUNCTIONS, Truth, arithmetic, call, column, combine, compare, number
from engine.spec.refs import VariableRef

MAX_LENGTH = 2000  # characters; what is longer belongs to a hook
MAX_NODES = 200
Lookup = Callable[[VariableRef], pd.Series]

_COMPARE = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot)
_ALLOWED = (
    ast.Expression,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.Compare,
    *_COMPARE,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.Pow,
    ast.Constant,
    ast.Name,
    ast.Attribute,
    ast.List,
    ast.Tuple,
    ast.Call,
    ast.Load,
)


class ExpressionError(ValueError):
    """The text is no expression of a spec; the message says why."""


class Expression:
    """A condition or formula; parsed once, then computed on any records."""

    __slots__ = ("_quoted", "_tree", "refs", "text")

    def __init__(self, text: str) -> None:
        """Read the text; ExpressionError when it is not allowed or not understood."""
        self.text = text.strip()
        if not self.text:
            raise ExpressionError("an empty expression")
        if len(self.text) > MAX_LENGTH:
            raise ExpressionError(f"an expression of {len(self.text)} characters (limit {MAX_LENGTH})")
        code, self._quoted = _prepare(self.text)
        try:
            tree = ast.parse(code, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = getattr(error, "msg", None) or "not understood"
            raise ExpressionError(f"not an expression: {reason}") from None
        nodes = list(ast.walk(tree))
        if len(nodes) > MAX_NODES:
            raise ExpressionError(f"an expression of {len(nodes)} parts (limit {MAX_NODES}); use a hook")
        for node in nodes:
            self._check(node)
        self._tree = tree.body
        found: dict[VariableRef, None] = {}
        self._collect(self._tree, found)
        self.refs: tuple[VariableRef, ...] = tuple(found)

    def __str__(self) -> str:
        """The text as written."""
        return self.text

    def __repr__(self) -> str:
        """For error messages of programmers."""
        return f"Expression({self.text!r})"

    def __eq__(self, other: object) -> bool:
        """Same text, same expression."""
        return type(other) is type(self) and other.text == self.text

    def __hash__(self) -> int:
        """By text."""
        return hash(self.text)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an expression, each text once; ExpressionError (a ValueError) when it is none."""
        return _read(cls, text)  # type: ignore[arg-type, return-value]

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        """Models take expressions as text."""

        def read(value: Any) -> Any:
            return value if isinstance(value, cls) else cls.parse(str(value))

        return core_schema.no_info_after_validator_function(
            read, core_schema.union_schema([core_schema.is_instance_schema(cls), core_schema.str_schema()])
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        """Editors see a string."""
        return {"type": "string"}

    # -- reading

    def _check(self, node: ast.AST) -> None:
        if not isinstance(node, _ALLOWED):
            raise ExpressionError(f"{type(node).__name__.lower()} is not allowed in an expression")
        if isinstance(node, ast.Constant) and not (
            node.value is None or (isinstance(node.value, (str, int, float)) and not isinstance(node.value, bool))
        ):
            raise ExpressionError(f"{node.value!r} is not allowed; write texts in quotes and numbers plainly")
        if isinstance(node, ast.Call) and (
            not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords
        ):
            raise ExpressionError(f"not a function of expressions; there are {', '.join(FUNCTIONS)}")
        if isinstance(node, ast.Attribute) and not isinstance(node.value, ast.Name):
            raise ExpressionError("a reference has one dot: AE.AETERM")
        if isinstance(node, ast.Compare):
            for op, right in zip(node.ops, node.comparators, strict=True):
                if isinstance(op, (ast.Is, ast.IsNot)) != (isinstance(right, ast.Constant) and right.value is None):
                    raise ExpressionError("write `is missing` or `is present`; compare values with == and !=")
                if isinstance(op, (ast.In, ast.NotIn)) and not _constants(right):
                    raise ExpressionError("`in` needs a list of texts or numbers: in ['A', 'B']")

    def _ref(self, node: ast.Name | ast.Attribute) -> VariableRef:
        if isinstance(node, ast.Name):
            return VariableRef(None, self._quoted.get(node.id, node.id))
        assert isinstance(node.value, ast.Name)
        return VariableRef(node.value.id, self._quoted.get(node.attr, node.attr))

    def _collect(self, node: ast.AST, found: dict[VariableRef, None]) -> None:
        if isinstance(node, (ast.Name, ast.Attribute)):
            found[self._ref(node)] = None
            return
        children = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
        for child in children:
            self._collect(child, found)

    @property
    def tree(self) -> ast.AST:
        """The checked syntax tree."""
        return self._tree

    def ref_of(self, node: ast.AST) -> VariableRef:
        """The reference that a name of the tree stands for."""
        assert isinstance(node, (ast.Name, ast.Attribute))
        return self._ref(node)

    # -- computing

    def evaluate(self, lookup: Lookup, n: int) -> pd.Series | Truth:
        """The value for n records: a Truth for a condition, else text or float64 with NaN for missing.

        Raises:
            ValueError: a text that must be a number is not one; the message shows it.
        """
        value: pd.Series | Truth | str | float = self._value(self._tree, lookup, n)
        if isinstance(value, (str, int, float)):
            return column(value, n)
        return value

    def test(self, lookup: Lookup, n: int) -> Truth:
        """The truth for n records; ValueError when the expression is no condition."""
        value = self.evaluate(lookup, n)
        if not isinstance(value, Truth):
            raise ValueError(f"not a condition: {self.text}")
        return value

    @property
    def is_condition(self) -> bool:
        """True when it gives true, false or unknown."""
        node = self._tree
        return (
            isinstance(node, (ast.BoolOp, ast.Compare))
            or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))
            or (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("starts_with", "ends_with", "contains", "is_number")
            )
        )

    @property
    def equalities(self) -> list[tuple[VariableRef, VariableRef]]:
        """Pairs of variables that must be equal wherever the condition holds."""
        tree = self._tree
        parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
        found = []
        for part in parts:
            if isinstance(part, ast.Compare) and len(part.ops) == 1 and isinstance(part.ops[0], ast.Eq):
                left, right = part.left, part.comparators[0]
                if isinstance(left, (ast.Name, ast.Attribute)) and isinstance(right, (ast.Name, ast.Attribute)):
                    found.append((self._ref(left), self._ref(right)))
        return found

    def _value(self, node: ast.AST, lookup: Lookup, n: int) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, (ast.Name, ast.Attribute)):
            return lookup(self._ref(node))
        if isinstance(node, ast.BoolOp):
            return combine(node.op, [self._truth(v, lookup, n) for v in node.values])
        if isinstance(node, ast.UnaryOp):
            if isinstance(node.op, ast.Not):
                truth = self._truth(node.operand, lookup, n)
                return Truth(~truth.true & ~truth.unknown, truth.unknown)
            return -number(self._value(node.operand, lookup, n))
        if isinstance(node, ast.BinOp):
            return arithmetic(
                node.op,
                number(self._value(node.left, lookup, n)),
                number(self._value(node.right, lookup, n)),
            )
        if isinstance(node, ast.Compare):
            parts, left = [], self._value(node.left, lookup, n)
            for op, right_node in zip(node.ops, node.comparators, strict=True):
                right = _constants(right_node) or self._value(right_node, lookup, n)
                parts.append(compare(op, left, right, n))
                left = right
            return parts[0] if len(parts) == 1 else combine(ast.And(), parts)
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        return call(node.func.id, [self._value(a, lookup, n) for a in node.args], n)

    def _truth(self, node: ast.AST, lookup: Lookup, n: int) -> Truth:
        value = self._value(node, lookup, n)
        if not isinstance(value, Truth):
            raise ValueError(f"`and`, `or` and `not` join conditions: {self.text}")
        return value


class FarExpression(Expression):
    """A condition on the records of another dataset: names with its prefix are that record's, bare names own."""

    __slots__ = ()


@lru_cache(maxsize=16384)
def _read(kind: type[Expression], text: str) -> Expression:
    """An expression never changes, and specs and rules repeat theirs."""
    return kind(text)


def _prepare(text: str) -> tuple[str, dict[str, str]]:
    """Python's spelling of the text, and the quoted names that were replaced by placeholders."""
    quoted: dict[str, str] = {}
    out: list[str] = []
    at = 0
    for match in re.finditer(r"""(\.)?("[^"\n]*"|'[^'\n]*')""", text):
        out.append(_words(text[at : match.start()]))
        at = match.end()
        if match[1] and match[2].startswith('"'):
            key = f"q{len(quoted)}_"
            quoted[key] = match[2][1:-1]
            out.append("." + key)
        else:
            out.append((match[1] or "") + match[2])
    out.append(_words(text[at:]))
    code = "".join(out)
    if "\n" in code:
        code = " ".join(code.split("\n"))
    return code, quoted


def _words(text: str) -> str:
    if "\\" in text or "#" in text:
        raise ExpressionError("not an expression: a stray character")
    text = re.sub(r"\bis\s+(missing|not\s+present)\b", "is None", text)
    return re.sub(r"\bis\s+(present|not\s+missing)\b", "is not None", text)


def _constants(node: ast.AST) -> list[Any] | None:
    if isinstance(node, (ast.List, ast.Tuple)) and node.elts:
        values = [e.value for e in node.elts if isinstance(e, ast.Constant) and e.value is not None]
        return values if len(values) == len(node.elts) else None
    return None
