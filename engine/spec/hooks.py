"""Hooks of a study: what YAML cannot say, as functions of its hooks.py, declared and counted.

study.yaml declares each hook with what it reads, what it writes, its scope and its sentence for the reviewer:

    hooks:
      worst_cycle:
        reads: [AESTDTC, DM.RFSTDTC]        # values for each record: one column each, named as written here
        far: {EX: [EXSTDTC, EXDOSE]}        # whole tables, with USUBJID, as a second argument
        writes: [AE.AECYCLE]
        scope: subject
        says: Cycle during which the event began, by the doses taken
      phases: {kind: records, reads: [RSDTC], writes: [XP], columns: [NO, NAME], scope: subject, says: ...}

and lines name it: `AECYCLE: {hook: worst_cycle}`, or as a record verb `hook: phases`, whose columns are `hook.NO`.
Here hooks.py is only parsed, never run.

Sources: architecture, "Hooks".
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.errors import Place, Problem, nearest
from engine.spec.binding import LISTED, Model
from engine.spec.refs import VariableRef

if TYPE_CHECKING:
    from engine.spec.study import Study

FILE = "hooks.py"
PREFIX = "hook"  # columns of record hooks are hook.NAME


class HookSpec(Model):
    """A function of hooks.py: what it reads and writes, and the sentence for the reviewer."""

    kind: Literal["variable", "records"] = Field("variable", description="Whether it gives a variable or makes records")
    reads: list[VariableRef] = Field([], description="Variables of the same records that it is given")
    far: dict[str, list[str]] = Field(
        {}, description="Whole datasets or sources that it is given, with their variables"
    )
    writes: Annotated[list[str], LISTED] = Field(
        min_length=1, description="What it gives: a variable, or the dataset whose records it makes"
    )
    scope: Literal["record", "subject", "study"] = Field(
        description="What it looks at together: a record, a subject or the whole study"
    )
    says: str = Field(min_length=10, description="Sentence for the reviewer, at least ten letters")
    columns: list[str] = Field([], description="Columns that a hook of records makes, called hook.NAME")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.columns) != (self.kind == "records"):
            raise ValueError("a hook of records names the columns that it makes; one of a variable has none")
        if not self.reads and not self.far:
            raise ValueError("a hook reads something: reads, far, or both")
        return self

    def refs(self) -> tuple[VariableRef, ...]:
        """Everything that it reads."""
        return (*self.reads, *(VariableRef(table, name) for table, names in self.far.items() for name in names))

    @property
    def arguments(self) -> int:
        """How many arguments the function takes: the records, and the far tables where there are any."""
        return 2 if self.far else 1


@dataclass(slots=True)
class HookFile:
    """hooks.py as text: its functions (line, number of arguments), its lines of code, and whether it can be read."""

    functions: dict[str, tuple[int, int]] = field(default_factory=dict)
    lines: int = 0
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class HookUse:
    """A line of a spec that names a hook."""

    name: str
    kind: str
    target: str  # AE.AECYCLE, or XP for records
    place: Place


def read_hook_file(study: Study) -> HookFile:
    """Parse the study's hooks.py; an absent file has no functions."""
    raw = study.texts.get(FILE)
    found = HookFile()
    if raw is None:
        return found
    shown = f"{study.shown}/{FILE}"
    try:
        text = raw.decode("utf-8")
        tree = ast.parse(text)
    except UnicodeDecodeError:
        found.problem = Problem("the file is not UTF-8", Place(shown), do="save it as UTF-8")
        return found
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        found.problem = Problem(f"not Python: {getattr(error, 'msg', error)}", Place(shown, line))
        return found
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found.functions[node.name] = (node.lineno, len(node.args.posonlyargs) + len(node.args.args))
    code = {
        t.start[0]
        for t in tokenize.generate_tokens(io.StringIO(text).readline)
        if t.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
                          tokenize.ENDMARKER)
    }
    found.lines = len(code)
    return found


def uses(study: Study) -> list[HookUse]:
    """Every line and step of the study's datasets that names a hook."""
    found = []
    for spec in study.datasets.values():
        for part in spec.parts:
            for step in part.steps:
                if step.verb.name == "hook":
                    found.append(HookUse(str(getattr(step.params, "name", "")), "records", spec.name, step.place))
        for _, line in spec.all_lines():
            if line.verb.name == "hook":
                name = str(getattr(line.params, "name", ""))
                found.append(HookUse(name, "variable", f"{spec.name}.{line.name}", line.place))
    return found


def hook_problems(study: Study) -> Iterator[Problem]:
    """Undeclared, missing, unused and wrongly used hooks."""
    declared, file, used = study.file.hooks, read_hook_file(study), uses(study)
    shown = f"{study.shown}/{FILE}"
    if file.problem is not None:
        yield file.problem
    for use in used:
        yield from _use_problems(use, declared)
    targets = {use.target for use in used}
    for name, spec in declared.items():
        place = study.document.key_place("hooks", name)
        if not any(use.name == name for use in used):
            yield Problem(f'the hook "{name}" is used by no line', place, do="take it out, or use it")
        for target in spec.writes:
            if target not in targets:
                yield Problem(f'the hook "{name}" says it writes {target}, which no line derives by it', place,
                              nearest=nearest(target, targets), do="correct writes:")
        if file.problem is None and name not in file.functions:
            yield Problem(f'no function "{name}" in {shown}', place, nearest=nearest(name, file.functions),
                          do=f"define it there:  def {name}({', '.join(('records', 'far')[: spec.arguments])}):")
        elif file.problem is None and file.functions[name][1] != spec.arguments:
            line, count = file.functions[name]
            yield Problem(f'the hook "{name}" takes {count} arguments', Place(shown, line),
                          expected="(records, far)" if spec.far else "(records)")
    for name, (line, _) in file.functions.items():
        if name not in declared and not name.startswith("_"):
            yield Problem(f'{FILE} defines "{name}", which study.yaml does not declare', Place(shown, line),
                          nearest=nearest(name, declared), do="declare it under hooks:, or begin its name with _")


def _use_problems(use: HookUse, declared: dict[str, HookSpec]) -> Iterator[Problem]:
    spec = declared.get(use.name)
    if spec is None:
        yield Problem(f'{use.target}: no hook "{use.name}"', use.place, nearest=nearest(use.name, declared),
                      expected="one declared under hooks: of study.yaml")
    elif spec.kind != use.kind:
        made = "records, not a variable" if spec.kind == "records" else "a variable, not records"
        yield Problem(f'{use.target}: the hook "{use.name}" makes {made}', use.place,
                      do="use it where its kind says, or correct kind:")
    elif use.target not in spec.writes:
        yield Problem(f'{use.target}: the hook "{use.name}" does not say that it writes this', use.place,
                      found=f"writes {', '.join(spec.writes)}", do=f"add {use.target} to its writes:")
