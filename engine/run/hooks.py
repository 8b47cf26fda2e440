"""Runs a study's hooks: loads hooks.py from its file under a private name, and calls one function on frames.

hooks.py is code that the study's owner wrote; it is loaded only from the study folder, changes no search path and
leaves no compiled file behind. A function sees copies, in an order that does not depend on raw files: by USUBJID, then
by every column that it reads. What it raises is named with its file and line.

Sources: architecture, "Hooks".
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from engine.errors import DataError, Place, Problem
from engine.numbers import rank
from engine.run.at import At
from engine.run.tables import Positions
from engine.spec.hooks import FILE, HookSpec
from engine.spec.refs import VariableRef

if TYPE_CHECKING:
    from engine.spec.study import Study

SUBJECT = "USUBJID"
_lock = threading.Lock()


class _Loader(importlib.abc.SourceLoader):
    """Source from the bytes that the study was read with; nothing is cached on the disk."""

    def __init__(self, path: Path, source: bytes) -> None:
        self._path, self._source = path, source

    def get_filename(self, fullname: str) -> str:
        return str(self._path)

    def get_data(self, path: str | bytes) -> bytes:
        if str(path) != str(self._path):
            raise OSError(path)
        return self._source


def load_hooks(study: Study) -> ModuleType:
    """The study's hooks.py as a module, loaded once.

    Raises:
        DataError: there is none, or it fails while it is loaded; with file and line.
    """
    with _lock:
        source = study.texts.get(FILE)
        if source is None:
            raise DataError(Problem("the study has no hooks.py", Place(study.shown)))
        name = f"_study_hooks_{study.fingerprint[:16]}"
        if name in sys.modules:
            return sys.modules[name]
        path = (study.folder / FILE).resolve()
        spec = importlib.util.spec_from_loader(name, _Loader(path, source), origin=str(path))
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # classes of the module look themselves up there
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[name]
            raise DataError(_failure(study, "hooks.py cannot be loaded", error)) from error
        return module


def call_variable(at: At, name: str, spec: HookSpec) -> pd.Series:
    """The values that a variable hook gives for the records of `at`: text or float64.

    Raises:
        DataError: the hook raises, gives something else than one value for each record, or depends on other
            subjects although its scope says that it does not.
    """
    frame, order = _frame(at, spec)
    far = _far(at, spec)
    lead = f'the hook "{name}"'
    given = _called(at, name, spec, frame, far)
    values = _series(at, lead, given, frame)
    if spec.scope != "study" and len(frame):
        _check_alone(at, name, spec, frame, far, values)
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    return values.take(back).reset_index(drop=True)


def call_records(at: At, name: str, spec: HookSpec) -> tuple[Positions, dict[str, pd.Series]]:
    """The records that a hook makes: the position each comes of, and the new columns; errors as call_variable."""
    frame, order = _frame(at, spec)
    lead = f'the hook "{name}"'
    given = _called(at, name, spec, frame, _far(at, spec))
    place = _place_of(at, name)
    if not isinstance(given, pd.DataFrame) or list(given.columns) != spec.columns:
        found = ", ".join(map(str, given.columns)) if isinstance(given, pd.DataFrame) else type(given).__name__
        raise DataError(Problem(f"{lead} must give a frame of its declared columns", place, found=found,
                                expected=", ".join(spec.columns)))
    if not given.index.isin(frame.index).all():
        raise DataError(Problem(f"{lead}: the index must name the record that each record comes of", place,
                                do="keep the index of the records that it was given"))
    columns = {c: _typed(given[c].reset_index(drop=True), f"{lead}, column {c}", place) for c in spec.columns}
    return order[given.index.to_numpy(dtype=np.int64)], columns


def _frame(at: At, spec: HookSpec) -> tuple[pd.DataFrame, Positions]:
    """The records as the hook sees them, and their positions in `at`."""
    columns = {str(ref): at.values(ref) for ref in spec.reads}
    order = np.lexsort([*(rank(v) for v in reversed(columns.values())), at.subject]).astype(np.int64)
    frame = pd.DataFrame({SUBJECT: at.usubjid, **columns}).iloc[order].reset_index(drop=True)
    return frame, order


def _far(at: At, spec: HookSpec) -> dict[str, pd.DataFrame]:
    tables = {}
    for table, names in spec.far.items():
        seen = at.far(table)
        columns = {n: seen.values(VariableRef(table, n)) for n in names}
        order = np.lexsort([*(rank(v) for v in reversed(columns.values())), seen.subject])
        frame = pd.DataFrame({SUBJECT: seen.usubjid, **columns})
        tables[table] = frame.iloc[order].reset_index(drop=True)
    return tables


def _called(at: At, name: str, spec: HookSpec, frame: pd.DataFrame, far: dict[str, pd.DataFrame]) -> Any:
    function: Callable[..., Any] | None = getattr(load_hooks(at.run.study), name, None)
    if function is None:
        raise DataError(Problem(f'no function "{name}" in {FILE}', Place(f"{at.run.study.shown}/{FILE}")))
    copies = {table: each.copy() for table, each in far.items()}
    try:
        return function(frame.copy(), copies) if spec.far else function(frame.copy())
    except Exception as error:
        raise DataError(_failure(at.run.study, f'the hook "{name}" failed', error)) from error


def _series(at: At, lead: str, given: Any, frame: pd.DataFrame) -> pd.Series:
    place = Place(f"{at.run.study.shown}/{FILE}")
    if not isinstance(given, pd.Series):
        raise DataError(Problem(f"{lead} must give a Series", place, found=type(given).__name__))
    if not given.index.equals(frame.index):
        raise DataError(Problem(f"{lead} must give one value for each record, on the index of the records", place,
                                found=f"{len(given)} values", expected=f"{len(frame)} values",
                                do="keep the index of the records that it was given"))
    return _typed(given, lead, place)


def _typed(values: pd.Series, lead: str, place: Place) -> pd.Series:
    """Text (missing for '') or float64."""
    if pd.api.types.is_bool_dtype(values.dtype):
        raise DataError(Problem(f"{lead} gives true and false", place, expected="text or numbers, such as Y"))
    if pd.api.types.is_numeric_dtype(values.dtype):
        return pd.Series(values.to_numpy(dtype=np.float64, na_value=np.nan), index=values.index)
    kind = pd.api.types.infer_dtype(values.dropna(), skipna=True)
    if kind not in ("string", "empty"):
        raise DataError(Problem(f"{lead} gives neither text nor numbers", place, found=kind,
                                expected="text, or a numeric dtype"))
    text = values.astype("str")
    return text.where(text != "")


def _check_alone(
    at: At, name: str, spec: HookSpec, frame: pd.DataFrame, far: dict[str, pd.DataFrame], values: pd.Series
) -> None:
    """The first and the last subject alone must get the same values, or the scope is wrong and work cannot be split."""
    subjects = frame[SUBJECT].dropna().unique()
    for who in dict.fromkeys((*subjects[:1], *subjects[-1:])) if len(subjects) > 1 else ():
        rows = frame.index[frame[SUBJECT] == who]
        own = frame.loc[rows].reset_index(drop=True)
        alone = {t: f[f[SUBJECT] == who].reset_index(drop=True) for t, f in far.items()}
        again = _series(at, f'the hook "{name}"', _called(at, name, spec, own, alone), own)
        expected = values.loc[rows].reset_index(drop=True)
        same = (again == expected) | (again.isna() & expected.isna())
        if not bool(same.all()):
            raise DataError(Problem(
                f'the hook "{name}" gives other values when it sees one subject only', _place_of(at, name), found=who,
                expected=f"scope: {spec.scope} sees no other subject", do="correct it, or declare scope: study"))


def _place_of(at: At, name: str) -> Place:
    code = getattr(getattr(load_hooks(at.run.study), name, None), "__code__", None)
    return Place(f"{at.run.study.shown}/{FILE}", code.co_firstlineno if code else 0)


def _failure(study: Study, what: str, error: Exception) -> Problem:
    """Where in hooks.py it failed: the innermost line there."""
    own = str((study.folder / FILE).resolve())
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == own]
    line = (lines[-1] if lines else getattr(error, "lineno", 0)) or 0
    return Problem(what, Place(f"{study.shown}/{FILE}", line), found=f"{type(error).__name__}: {error}"[:200])
