"""An output folder is read only when it is what its journal says: no cut, altered, foreign or mixed datasets."""

import hashlib

import orjson
import pytest

from engine.errors import CommandError, FileError
from trialmill.outputs import verify_outputs


def entry(out, packages, specs="s1", raw="r1"):
    outputs = []
    for package in packages:
        (out / package).mkdir(exist_ok=True)
        for name in ("a", "b"):
            content = f"{package} {name} {specs} {raw}".encode()
            (out / package / f"{name}.xpt").write_bytes(content)
            outputs.append({"file": f"{package}/{name}.xpt", "sha256": hashlib.sha256(content).hexdigest()})
    (out / "issues.json").write_bytes(f"[] {specs} {raw}".encode())
    said = {
        "packages": packages,
        "specs": specs,
        "inputs": [{"file": "x.csv", "sha256": raw}],
        "outputs": outputs,
        "issues": hashlib.sha256((out / "issues.json").read_bytes()).hexdigest(),
    }
    with (out / "journal.jsonl").open("ab") as file:
        file.write(orjson.dumps(said) + b"\n")


@pytest.fixture
def out(tmp_path):
    entry(tmp_path, ["sdtm", "adam"])
    return tmp_path


def test_a_published_build_gives_the_files_of_each_package(out):
    entry(out, ["sdtm"])
    found = verify_outputs(out)
    assert {p: [f.name for f in files] for p, files in found.items()} == {
        "adam": ["a.xpt", "b.xpt"],
        "sdtm": ["a.xpt", "b.xpt"],
    }


def test_every_difference_is_listed_at_once(out):
    (out / "sdtm" / "a.xpt").write_bytes(b"altered")
    (out / "sdtm" / "b.xpt").unlink()
    (out / "adam" / "c.xpt").write_bytes(b"foreign")
    (out / "issues.json").write_bytes(b"[]")
    with pytest.raises(FileError) as error:
        verify_outputs(out)
    said = [str(p).split("\n")[0] for p in error.value.problems]
    assert [s.split("/")[-1] for s in said] == [
        "c.xpt  a file that the build did not make",
        "a.xpt  the file is not the one that the build wrote",
        "b.xpt  a dataset of the build is missing",
        "issues.json  the list of issues is not the one that the build wrote",
    ]


@pytest.mark.parametrize(("changed", "said"), [({"specs": "s2"}, "other specs"), ({"raw": "r2"}, "other raw data")])
def test_packages_of_different_specs_or_exports_are_a_mixture(out, changed, said):
    entry(out, ["sdtm"], **changed)
    with pytest.raises(FileError, match=f"adam was built from {said} than sdtm"):
        verify_outputs(out)
    entry(out, ["adam"], **changed)
    assert list(verify_outputs(out)) == ["adam", "sdtm"]


def test_a_folder_without_a_build_or_with_a_cut_journal_is_refused(out, tmp_path):
    with pytest.raises(CommandError, match="no build was published"):
        verify_outputs(tmp_path / "elsewhere")
    journal = out / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    with pytest.raises(FileError, match="journal is damaged"):
        verify_outputs(out)
