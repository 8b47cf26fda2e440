"""What two datasets say of themselves: variables, types, labels, lengths, formats, order of variables, dataset label.

Only what both files hold is compared; what one cannot hold is unknown and said once. A difference of a kind that the
reader chose to leave aside is listed, but does not make the datasets different.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from formats.metadata import DatasetMeta
from validators.comparison_columns import Side

KINDS = ("type", "label", "length", "format", "order")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One difference: `kind` is one of KINDS, `variable` '' for the dataset itself."""

    kind: str
    variable: str
    base: str
    qc: str


def attributes(base: Side, qc: Side, without: Collection[str] = ()) -> Iterator[Attribute]:
    """The differences, those of the dataset first, then by variable in the order of `base`; none of those `without`."""
    mine, theirs = ({v.name: v for v in side.meta.variables} for side in (base, qc))
    both = [n for n in base.names if n in mine and n in theirs and n not in without]
    held = base.meta.holds & qc.meta.holds
    if "label" in held and base.meta.label != qc.meta.label:
        yield Attribute("label", "", base.meta.label, qc.meta.label)
    there = [n for n in qc.names if n in set(both)]
    if both != there:
        first = next(n for n, m in zip(both, there, strict=True) if n != m)
        yield Attribute("order", "", _from(both, first), _from(there, there[both.index(first)]))
    for name in both:
        one, other = mine[name], theirs[name]
        for kind in KINDS[:4]:
            here, far = str(getattr(one, kind)), str(getattr(other, kind))
            if kind == "length" and one.type != other.type:
                continue  # said with the type
            if kind in held and here != far and (kind != "type" or (here and far)):
                yield Attribute(kind, name, here, far)


def unknown(base: DatasetMeta, qc: DatasetMeta) -> list[str]:
    """What was not compared, since a file does not hold it."""
    notes = []
    for word, meta in (("BASE", base), ("QC", qc)):
        lacks = [k for k in KINDS[:4] if k not in meta.holds]
        if lacks:
            notes.append(f"{word} holds no {', '.join(f'{k}s' for k in lacks)}: not compared")
    return notes


def _from(names: list[str], first: str) -> str:
    at = names.index(first)
    return ", ".join(names[at : at + 5]) + (", ..." if len(names) > at + 5 else "")
