"""The head of an ODM-XML snapshot: the study's metadata from its form catalogue.

Sources: CDISC ODM 1.3.2, sections 3.1.1 (Study) to 3.1.4 (ClinicalData).
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from engine.spec.forms import FormsSpec, Item
from engine.spec.sources import CarrierSpec, RawSpec

NAMESPACE = "http://www.cdisc.org/ns/odm/v1.3"
VERSION = "MD.1"
TYPES = {"number": "float", "date": "partialDate", "time": "partialTime"}


def odm_head(raw: RawSpec, forms: FormsSpec, spec: CarrierSpec, study: str, title: str) -> str:
    """Everything up to the first SubjectData: metadata, then the opened ClinicalData."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<ODM xmlns="{NAMESPACE}" ODMVersion="1.3.2" FileType="Snapshot" FileOID={quoteattr(study + ".RAW")} '
        f"CreationDateTime={quoteattr(spec.created)}>",
        f"<Study OID={quoteattr(study)}>",
        f"<GlobalVariables><StudyName>{escape(study)}</StudyName>"
        f"<StudyDescription>{escape(title)}</StudyDescription><ProtocolName>{escape(study)}</ProtocolName>"
        "</GlobalVariables>",
        f'<MetaDataVersion OID="{VERSION}" Name="Case report form">',
        "<Protocol>",
        *(f'<StudyEventRef StudyEventOID="{v}" OrderNumber="{i}" Mandatory="No"/>' for i, v in _numbered(forms.visits)),
        "</Protocol>",
    ]
    for visit, name in forms.visits.items():
        kind = "Common" if visit == "LOG" else "Unscheduled" if visit == "UNS" else "Scheduled"
        repeats = _yes(kind != "Scheduled")
        lines.append(f'<StudyEventDef OID="{visit}" Name={quoteattr(name)} Repeating="{repeats}" Type="{kind}">')
        inside = [f for f in forms.forms if visit in forms.visits_of(f)]
        lines += [f'<FormRef FormOID="{forms.oid(f)}" OrderNumber="{i}" Mandatory="No"/>' for i, f in _numbered(inside)]
        lines.append("</StudyEventDef>")
    for key, form in forms.forms.items():
        repeats = _yes(form.repeating)
        lines.append(
            f'<FormDef OID="{forms.oid(key)}" Name={quoteattr(form.name)} Repeating="{repeats}">'
            f'<ItemGroupRef ItemGroupOID="IG.{forms.oid(key)}" OrderNumber="1" Mandatory="Yes"/></FormDef>'
        )
    kept = [c for c in raw.common if c not in spec.attributes]
    for key, form in forms.forms.items():
        group = f"IG.{forms.oid(key)}"
        lines.append(f'<ItemGroupDef OID="{group}" Name={quoteattr(form.name)} Repeating="Yes">')
        lines += [
            f'<ItemRef ItemOID="{group}.{c}" OrderNumber="{i}" Mandatory="No"/>'
            for i, c in _numbered([*kept, *forms.columns(key)])
        ]
        lines.append("</ItemGroupDef>")
    for key in forms.forms:
        group = f"IG.{forms.oid(key)}"
        for column in [*kept, *forms.columns(key)]:
            lines.append(_item(group, column, forms.forms[key].items.get(column), forms, key))
    for name, codes in _lists(forms).items():
        lines.append(f'<CodeList OID="CL.{name}" Name="{name}" DataType="text">')
        lines += [
            f"<CodeListItem CodedValue={quoteattr(code)}><Decode><TranslatedText>{escape(text)}</TranslatedText>"
            "</Decode></CodeListItem>"
            for code, text in codes.items()
        ]
        lines.append("</CodeList>")
    lines += [
        "</MetaDataVersion>",
        "</Study>",
        f'<ClinicalData StudyOID={quoteattr(study)} MetaDataVersionOID="{VERSION}">',
        "",
    ]
    return "\n".join(lines)


def _item(group: str, column: str, item: Item | None, forms: FormsSpec, form: str) -> str:
    kind = TYPES.get(item.type, "text") if item is not None else "text"
    length = f' Length="{item.length or 200}"' if kind == "text" and item is not None else ""
    head = f'<ItemDef OID="{group}.{column}" Name="{column}" DataType="{kind}"{length or _width(kind)}>'
    prompt = item.prompt if item is not None and item.prompt else column
    body = f"<Question><TranslatedText>{escape(prompt)}</TranslatedText></Question>"
    name = _list_name(item, form, column) if item is not None and item.type == "code" else ""
    if not name and item is None and forms.decodes(form, column):
        name = f"{form.upper()}.{column}"
    return head + body + (f'<CodeListRef CodeListOID="CL.{name}"/>' if name else "") + "</ItemDef>"


def _width(kind: str) -> str:
    return ' Length="12" SignificantDigits="6"' if kind == "float" else ' Length="40"' if kind == "text" else ""


def _list_name(item: Item, form: str, column: str) -> str:
    return item.codes if isinstance(item.codes, str) else f"{form.upper()}.{column}"


def _lists(forms: FormsSpec) -> dict[str, dict[str, str]]:
    """Every code list that an item names, units included."""
    lists: dict[str, dict[str, str]] = {}
    for form, spec in forms.forms.items():
        for column in forms.columns(form):
            item = spec.items.get(column)
            if item is not None and item.type != "code":
                continue
            decodes = forms.decodes(form, column)
            if decodes:
                lists[_list_name(item, form, column) if item else f"{form.upper()}.{column}"] = decodes
    return lists


def _numbered(names: object) -> enumerate[str]:
    return enumerate(list(names), 1)  # type: ignore[call-overload]


def _yes(value: bool) -> str:
    return "Yes" if value else "No"
