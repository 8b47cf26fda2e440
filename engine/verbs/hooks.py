"""Verbs that hand records to a function of the study's hooks.py; see engine.spec.hooks for its declaration."""

from __future__ import annotations

import pandas as pd
from pydantic import PrivateAttr

from engine.run.at import At
from engine.run.hooks import call_records, call_variable
from engine.spec.hooks import PREFIX, HookSpec
from engine.spec.refs import VariableRef
from engine.spec.registry import Made, Params, RecordParams, Scope, record_verb, verb


@verb(
    "hook",
    reads="name",
    scope="study",
    says="By the study's function {name}",
    example="AECYCLE: {hook: worst_cycle}",
)
class Hook(Params):
    """One value for each record from a declared function; its own sentence is the reviewer's."""

    name: str
    _spec: HookSpec | None = PrivateAttr(None)

    def learn(self, hooks: dict[str, HookSpec]) -> None:
        """See Params."""
        self._spec = hooks.get(self.name)

    def own_sentence(self) -> str | None:
        """See Params."""
        return self._spec.says if self._spec else None

    def own_scope(self, scope: Scope) -> Scope:
        """See Params."""
        return self._spec.scope if self._spec else scope

    def tables(self) -> tuple[str, ...]:
        """See Params."""
        return tuple(self._spec.far) if self._spec else ()

    def more_references(self) -> tuple[VariableRef, ...]:
        """See Params."""
        return self._spec.refs() if self._spec else ()

    def derive(self, at: At) -> pd.Series:
        """See Params."""
        assert self._spec is not None
        return call_variable(at, self.name, self._spec)


@record_verb(
    "hook",
    reads="name",
    says="by the study's function {name}",
    gives=PREFIX,
    example="hook: phases",
)
class RecordHook(RecordParams):
    """Records made of those before by a declared function; its columns are `hook.NAME`."""

    name: str
    _spec: HookSpec | None = PrivateAttr(None)

    def learn(self, hooks: dict[str, HookSpec]) -> None:
        """See RecordParams."""
        self._spec = hooks.get(self.name)

    def own_sentence(self) -> str | None:
        """See RecordParams."""
        return self._spec.says if self._spec else None

    def own_scope(self, scope: Scope) -> Scope:
        """See RecordParams."""
        return self._spec.scope if self._spec else scope

    def tables(self) -> tuple[str, ...]:
        """See RecordParams."""
        return tuple(self._spec.far) if self._spec else ()

    def more_references(self) -> tuple[VariableRef, ...]:
        """See RecordParams."""
        return self._spec.refs() if self._spec else ()

    def named_columns(self) -> tuple[str, ...]:
        """See RecordParams."""
        return tuple(self._spec.columns) if self._spec else ()

    def make(self, at: At) -> Made:
        """See RecordParams."""
        assert self._spec is not None
        rows, columns = call_records(at, self.name, self._spec)
        return Made(rows, columns)
