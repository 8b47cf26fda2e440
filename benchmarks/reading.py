"""Raw exports in: seconds and peak memory of reading a large form from each carrier.

Run: python -m benchmarks.reading [RECORDS]. Each carrier is read in a process of its own; memory is that process's
peak above what it held before reading, which includes the frame that is made.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.xpt import extra_memory
from edc.export import RawExport, read_export
from engine.spec.sources import load_raw

COMMON = ("STUDY", "SITE", "SUBJECT", "VISITOID", "VISITREP", "FORMOID", "FORMREP", "RECNO", "RECSTAT", "ENTRYDTM")
ITEMS = ("VSDAT", "VSTIM", "VSTPT", "HEIGHT", "WEIGHT", "TEMP", "SYSBP", "DIABP", "PULSE", "NOTE")
ATTRIBUTES = {"STUDY": "StudyOID", "SITE": "LocationOID", "SUBJECT": "SubjectKey", "VISITOID": "StudyEventOID",
              "VISITREP": "StudyEventRepeatKey", "FORMOID": "FormOID", "FORMREP": "FormRepeatKey",
              "RECNO": "ItemGroupRepeatKey"}
RAW = f"""
carriers:
  csv: {{folder: edc, pattern: "{{FORM}}.csv"}}
  odm: {{file: edc/toy.xml, attributes: {{{", ".join(f"{k}: {v}" for k, v in ATTRIBUTES.items())}}}}}
  xlsx: {{file: edc/toy.xlsx}}
common: {{{", ".join(f"{c}: text" for c in COMMON)}}}
roles: {{subject: SUBJECT, record: RECNO, status: RECSTAT}}
max_megabytes: 20000
vendors:
  lis: {{files: lis/*.csv, encoding: gb18030, subject: SUBJECT}}
"""


def rows(records: int) -> list[tuple[str, ...]]:
    """The form's records; the same number gives the same values."""
    rng = np.random.default_rng(20250328)
    day = np.datetime_as_string(np.datetime64("2025-03-01") + rng.integers(0, 400, records))
    subject = np.sort(rng.integers(0, 400, records))
    numbers = [rng.integers(low, high, records).astype(str) for low, high in
               ((140, 200), (40, 120), (350, 400), (90, 180), (50, 110), (40, 140))]
    notes = np.array(["", "", "", "repeated, see note", 'said "fine"', "\u4e0d\u9002"], dtype=object)[
        rng.integers(0, 6, records)]
    return list(zip(
        ["TOY"] * records, ["01"] * records, [f"01-{s:03d}" for s in subject], ["V1"] * records, ["1"] * records,
        ["VS"] * records, ["1"] * records, [str(i) for i in range(1, records + 1)], ["ACTIVE"] * records,
        [f"{d}T08:30:00Z" for d in day], day, [f"{i % 24:02d}:15" for i in range(records)], ["PREDOSE"] * records,
        *numbers, notes, strict=True))


def make(folder: Path, records: int) -> None:
    """Write the export's carriers and a vendor file."""
    (folder / "edc").mkdir()
    (folder / "lis").mkdir()
    (folder / "raw.yaml").write_text(RAW, encoding="utf-8")
    data = rows(records)
    quoted = ((*r[:-1], '"' + r[-1].replace('"', '""') + '"' if r[-1] else "") for r in data)
    with (folder / "edc" / "VS.csv").open("w", encoding="utf-8-sig", newline="") as file:
        file.write(",".join(COMMON + ITEMS) + "\r\n")
        file.writelines(",".join(r) + "\r\n" for r in quoted)
    with (folder / "lis" / "lab.csv").open("w", encoding="gb18030", newline="") as file:
        file.write("SUBJECT,ACCNO,CODE,RESULT,NOTE\r\n")
        file.writelines(f"{r[2]},A{r[7]},ALT,{r[14]},\u767d\u7ec6\u80de\r\n" for r in data)
    _odm(folder / "edc" / "toy.xml", data)
    _workbook(folder / "edc" / "toy.xlsx", data)


def _odm(path: Path, data: list[tuple[str, ...]]) -> None:
    names = COMMON + ITEMS
    own = [i for i, n in enumerate(names) if n not in ATTRIBUTES]
    with path.open("w", encoding="utf-8") as file:
        file.write('<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3"><ClinicalData StudyOID="TOY">\n')
        subject = ""
        for r in data:
            if r[2] != subject:
                file.write("</FormData></StudyEventData></SubjectData>\n" if subject else "")
                subject = r[2]
                file.write(f'<SubjectData SubjectKey="{subject}"><SiteRef LocationOID="01"/><StudyEventData '
                           'StudyEventOID="V1" StudyEventRepeatKey="1"><FormData FormOID="VS" FormRepeatKey="1">\n')
            items = "".join(f'<ItemData ItemOID="VS.{names[i]}" Value="{r[i].replace(chr(34), "&quot;")}"/>'
                            for i in own if r[i])
            file.write(f'<ItemGroupData ItemGroupOID="VS" ItemGroupRepeatKey="{r[7]}">{items}</ItemGroupData>\n')
        file.write("</FormData></StudyEventData></SubjectData></ClinicalData></ODM>\n")


def _workbook(path: Path, data: list[tuple[str, ...]]) -> None:
    """A workbook as Excel lays it out: shared strings, numbers as numbers."""
    texts: dict[str, int] = {}
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    letters = [chr(65 + i) for i in range(len(COMMON + ITEMS))]

    def cell(letter: str, row: int, value: str) -> str:
        if value.isdigit() and not value.startswith("0"):
            return f'<c r="{letter}{row}"><v>{value}</v></c>'
        return f'<c r="{letter}{row}" t="s"><v>{texts.setdefault(value, len(texts))}</v></c>' if value else ""

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f"<worksheet {main}><sheetData>".encode())
            for number, r in enumerate([COMMON + ITEMS, *data], 1):
                cells = "".join(cell(c, number, v) for c, v in zip(letters, r, strict=True))
                sheet.write(f'<row r="{number}">{cells}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
        shared = "".join("<si><t>" + t.replace("&", "&amp;").replace("<", "&lt;") + "</t></si>" for t in texts)
        book.writestr("xl/sharedStrings.xml", f"<sst {main}>{shared}</sst>")
        relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        book.writestr("xl/workbook.xml", f'<workbook {main} xmlns:r="{relations}"><sheets><sheet name="VS" sheetId="1" '
                      'r:id="rId1"/></sheets></workbook>')
        package = "http://schemas.openxmlformats.org/package/2006"
        book.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}/relationships">'
                      f'<Relationship Id="rId1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/>'
                      f'<Relationship Id="rId2" Type="{relations}/sharedStrings" Target="sharedStrings.xml"/>'
                      "</Relationships>")
        book.writestr("_rels/.rels", f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
                      f'Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>')
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
        book.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
                      'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default '
                      f'Extension="xml" ContentType="{kind}.sheet.main+xml"/><Override PartName='
                      f'"/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/><Override PartName='
                      f'"/xl/sharedStrings.xml" ContentType="{kind}.sharedStrings+xml"/></Types>')


def read(folder: Path, carrier: str) -> str:
    """Read one carrier (or the vendor file) and say what it took; for a process of its own."""
    raw = load_raw(folder / "raw.yaml")
    if carrier == "vendor":
        small = raw.carriers["csv"].model_copy(update={"pattern": "{FORM}.x"})
        raw = raw.model_copy(update={"carriers": {"csv": small}})
        (folder / "edc" / "Z.x").write_text("SUBJECT,RECNO,RECSTAT\n1,1,ACTIVE\n", encoding="utf-8")
    else:
        raw = raw.model_copy(update={"vendors": {}})
    made: list[RawExport] = []
    start = time.perf_counter()
    grown = extra_memory(lambda: made.append(read_export(raw, None, folder, None if carrier == "vendor" else carrier)))
    took = time.perf_counter() - start
    export = made[0]
    name = "lis" if carrier == "vendor" else "vs"
    frame = export.tables[name].frame
    held = frame.memory_usage(deep=True).sum() / 1e6
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.name == {
        "csv": "VS.csv", "odm": "toy.xml", "xlsx": "toy.xlsx", "vendor": "lab.csv"}[carrier]) / 1e6
    return (f"  {carrier:<7}{len(frame):>9,} records x {frame.shape[1]:<3}{size:6.0f} MB  {took:6.1f} s  "
            f"{grown:6.0f} MB more memory, {held:.0f} of them the records")


def main(records: int = 1_000_000) -> None:
    """Make the export, read each carrier in its own process, print a line for each."""
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), records)
        print("raw exports")
        for carrier in ("csv", "odm", "xlsx", "vendor"):
            done = subprocess.run([sys.executable, "-m", "benchmarks.reading", "--read", name, carrier],
                                  capture_output=True, text=True, check=False)
            print(done.stdout.rstrip() or done.stderr[-400:], flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        print(read(Path(sys.argv[2]), sys.argv[3]))
    else:
        main(*(int(a) for a in sys.argv[1:2]))
