"""Reading the standards' data files: tab-separated, UTF-8, one header line, no quoting, maybe gzipped."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

from engine.errors import Problem, SpecError

DATA = Path(__file__).parent / "data"


def read_rows(path: Path) -> list[dict[str, str]]:
    """All rows of a data file by column name; `path` ends in .tsv or .tsv.gz."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    lines = text.split("\n")
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines[1:] if line]


def table_text(names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """The text of a data file."""
    return "".join("\t".join(row) + "\n" for row in [list(names), *rows])


def versions(prefix: str, folder: Path = DATA) -> list[str]:
    """Versions of a standard that are there, e.g. of `sdtmig-`."""
    found = (
        p.name.removesuffix(".gz").removesuffix(".tsv").removeprefix(prefix) for p in folder.glob(f"{prefix}*.tsv*")
    )
    return sorted(found)


def data_file(prefix: str, version: str, what: str, do: str, folder: Path = DATA) -> Path:
    """The data file of a version; SpecError naming the versions that are there."""
    known = versions(prefix, folder)
    if version not in known:
        raise SpecError(Problem(f"no {what} {version}", found=version, expected=", ".join(known), do=do))
    zipped = folder / f"{prefix}{version}.tsv.gz"
    return zipped if zipped.is_file() else folder / f"{prefix}{version}.tsv"


def codes(text: str) -> tuple[str, ...]:
    """C-codes of a cell."""
    return tuple(c.strip() for c in text.split(";") if c.strip())
