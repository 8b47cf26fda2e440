"""BY002 simulated and built once a session, and what independent answers are made of: datasets, raw forms, truth."""

import json
import os
import shutil
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pyreadstat
import pytest

import trialmill.verbs  # noqa: F401  registers the verbs of all rooms

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "specs" / "by002"


@pytest.fixture(scope="session")
def export(tmp_path_factory):
    """The folder of the simulated raw export."""
    from trialmill.simulate import simulate_study  # noqa: PLC0415  only a session that needs it pays for it

    out = tmp_path_factory.mktemp("by002") / "raw"
    simulate_study(STUDY, out)
    return out


@pytest.fixture(scope="session")
def built(export, tmp_path_factory):
    """The output folder of a build of all packages."""
    from trialmill.build import build_study  # noqa: PLC0415

    out = tmp_path_factory.mktemp("by002") / "build"
    build_study(STUDY, export, out, [])
    return out


@pytest.fixture(scope="session")
def packaged(built, tmp_path_factory):
    """An output folder that also holds the submission folder m5; its datasets are those of `built`."""
    from trialmill.package import package_study  # noqa: PLC0415

    out = shutil.copytree(built, tmp_path_factory.mktemp("by002") / "packaged", copy_function=os.link)
    package_study(STUDY, out)
    return out


@pytest.fixture(scope="session")
def dataset(built):
    """A function: name of a dataset to its records as pyreadstat reads them; missing text is '', dates are numbers."""

    @cache
    def read(name):
        (path,) = built.rglob(f"{name.lower()}.xpt")
        frame, _ = pyreadstat.read_xport(path, disable_datetime_conversion=True)
        return frame

    return lambda name: read(name).copy()


@pytest.fixture(scope="session")
def metadata(built):
    """A function: name of a dataset to pyreadstat's description of its file."""

    def read(name):
        (path,) = built.rglob(f"{name.lower()}.xpt")
        return pyreadstat.read_xport(path, metadataonly=True)[1]

    return read


@pytest.fixture(scope="session")
def truth(export):
    """What is true of the simulated study, as truth.json says."""
    return json.loads((export / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def people(truth):
    """What is true of each person, by USUBJID; of a person screened twice, the last participation."""
    return {each["USUBJID"]: SimpleNamespace(**each) for each in truth["people"]}


@pytest.fixture(scope="session")
def usubjid(export):
    """USUBJID of each screening number: the study and the person's first number."""
    subj = pd.read_csv(export / "edc" / "SUBJ.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    subj = subj[subj["RECSTAT"] == "ACTIVE"]
    first = subj.sort_values("SUBJECT").groupby("PERSONID")["SUBJECT"].first()
    return dict(zip(subj["SUBJECT"], "BY002-" + subj["PERSONID"].map(first), strict=True))


@pytest.fixture(scope="session")
def form(export, usubjid):
    """A function: name of a form to its active records, all text, with USUBJID; exact repeats are still there."""

    @cache
    def read(name):
        frame = pd.read_csv(export / "edc" / f"{name}.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")
        frame = frame[frame["RECSTAT"] == "ACTIVE"].reset_index(drop=True)
        return frame.assign(USUBJID=frame["SUBJECT"].map(usubjid))

    return lambda name: read(name.upper()).copy()
