"""A dataset's metadata as JSON, for files that hold none of it themselves: beside a CSV file, inside a Parquet file.

    {"dataset": "LB", "label": "Laboratory Test Results", "created": "2031-01-01T00:00:00",
     "variables": [{"name": "LBSEQ", "label": "Sequence Number", "type": "Num", "length": 8, "format": "", ...}]}
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import FileError, Place, Problem
from formats.metadata import DatasetMeta, VariableMeta


class Variable(BaseModel):
    """One variable as JSON."""

    model_config = ConfigDict(extra="forbid")
    name: str
    label: str = ""
    type: Literal["Char", "Num"]
    length: int = 0
    format: str = ""
    informat: str = ""


class Described(BaseModel):
    """A dataset as JSON; `special` holds special missing values by variable and record, where the file cannot."""

    model_config = ConfigDict(extra="forbid")
    dataset: str
    label: str = ""
    created: datetime | None = None
    variables: list[Variable]
    special: dict[str, dict[int, str]] = {}

    def meta(self) -> DatasetMeta:
        """The same as the room's own metadata."""
        variables = tuple(VariableMeta(**v.model_dump()) for v in self.variables)
        return DatasetMeta(self.dataset, self.label, variables, self.created)


def described_json(meta: DatasetMeta, special: dict[str, dict[int, str]] | None = None) -> bytes:
    """Metadata as JSON; the same metadata gives the same bytes."""
    names = ("name", "label", "type", "length", "format", "informat")
    said: dict[str, Any] = {
        "dataset": meta.name,
        "label": meta.label,
        "created": meta.created.isoformat() if meta.created else None,
        "variables": [{n: getattr(v, n) for n in names} for v in meta.variables],
    }
    if special:
        said["special"] = {n: {str(row): letter for row, letter in cells.items()} for n, cells in special.items()}
    return orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n"


def read_described(raw: bytes, shown: str) -> Described:
    """Read such JSON.

    Raises:
        FileError: not JSON, or not of this form; every fault is listed.
    """
    try:
        said = orjson.loads(raw)
        if isinstance(said, dict) and "datasetJSONVersion" in said:
            raise FileError(Problem(
                "this is a dataset in Dataset-JSON, and stands where the metadata of a CSV file would", Place(shown),
                do="move it to a folder of its own, or read it instead of the CSV file"))
        return Described.model_validate(said)
    except orjson.JSONDecodeError as error:
        raise FileError(Problem("the metadata are not JSON", Place(shown, error.lineno), found=error.msg)) from None
    except ValidationError as error:
        raise FileError([
            Problem(f"the metadata: {'.'.join(map(str, e['loc'])) or 'as a whole'}: {e['msg']}", Place(shown),
                    do="let  trialmill convert A.xpt B.csv  show the form") for e in error.errors()[:20]
        ]) from None
