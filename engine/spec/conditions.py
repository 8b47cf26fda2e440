"""What a condition says without computing it: which variables it compares with which constants, and how.

Lint holds the constants against codelists and forms, and asks what becomes of missing values.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from engine.spec.expressions import Expression
from engine.spec.refs import VariableRef


@dataclass(frozen=True, slots=True)
class Comparison:
    """One variable compared: with constants, or (no constants) with something else.

    `negative`: what is missing would satisfy it if missing were a value: !=, not in, not (... == ...).
    """

    ref: VariableRef
    constants: tuple[str | float, ...]
    negative: bool
    equality: bool  # ==, !=, in, not in


def comparisons(expression: Expression) -> list[Comparison]:
    """Every comparison of a variable, in the order of the text."""
    return list(_walk(expression, expression.tree, negated=False))


def missing_tested(expression: Expression) -> set[VariableRef]:
    """Variables of which the condition says `is missing` or `is present`."""
    return {
        expression.ref_of(node.left)
        for node in ast.walk(expression.tree)
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], (ast.Is, ast.IsNot))
        and isinstance(node.left, (ast.Name, ast.Attribute))
    }


def expressions(value: Any, field: str = "") -> Iterator[tuple[str, Expression]]:
    """Every expression in a model, with the name of the field that holds it."""
    if isinstance(value, Expression):
        yield field, value
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from expressions(getattr(value, name), info.alias or name)
    elif isinstance(value, dict):
        for item in value.values():
            yield from expressions(item, field)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from expressions(item, field)


def _walk(expression: Expression, node: ast.AST, *, negated: bool) -> Iterator[Comparison]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from _walk(expression, node.operand, negated=not negated)
    elif isinstance(node, ast.Compare):
        left: ast.AST = node.left
        for op, right in zip(node.ops, node.comparators, strict=True):
            if not isinstance(op, (ast.Is, ast.IsNot)):
                equality = isinstance(op, (ast.Eq, ast.NotEq, ast.In, ast.NotIn))
                negative = isinstance(op, (ast.NotEq, ast.NotIn)) != negated and equality
                for one, other in ((left, right), (right, left)):
                    if isinstance(one, (ast.Name, ast.Attribute)):
                        yield Comparison(expression.ref_of(one), _constants(other), negative, equality)
            left = right
    else:
        for child in ast.iter_child_nodes(node):
            yield from _walk(expression, child, negated=negated)


def _constants(node: ast.AST) -> tuple[str | float, ...]:
    if isinstance(node, (ast.List, ast.Tuple)):
        return tuple(v for each in node.elts for v in _constants(each))
    return (node.value,) if isinstance(node, ast.Constant) and isinstance(node.value, (str, int, float)) else ()
