"""Writes a define.xml: the same content gives the same bytes.

Elements stand in the order of the schema, attributes in that of the specification. Text is written as it is; the XML
library escapes it. The instruction at the top names the stylesheet that lies beside the file.

Sources: Define-XML 2.1; Analysis Results Metadata 1.0 for Define-XML 2; XML 1.0.
"""

from __future__ import annotations

from lxml import etree

from submission.define_model import (
    CodeListDef,
    Define,
    Display,
    ItemDef,
    ItemGroup,
    ItemRef,
    Leaf,
    OriginDef,
    Result,
    Text,
    ValueList,
    WhereClause,
)

ODM, DEF, XLINK = "http://www.cdisc.org/ns/odm/v1.3", "http://www.cdisc.org/ns/def/v2.1", "http://www.w3.org/1999/xlink"
ARM = "http://www.cdisc.org/ns/arm/v1.0"
XML = "http://www.w3.org/XML/1998/namespace"
NSMAP = {None: ODM, "xlink": XLINK, "def": DEF, "arm": ARM}
STYLESHEET = "define2-1.xsl"
_HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<?xml-stylesheet type="text/xsl" href="{STYLESHEET}"?>\n'.encode()
DEFINE_VERSION, ODM_VERSION = "2.1.0", "1.3.2"
ALIAS, DOMAIN_ALIAS = "nci:ExtCodeID", "DomainDescription"
NOTATION = (
    "Methods and comments name submitted variables in capitals (AE.AESTDTC), fields of CRF forms and columns of "
    "vendor files in lower case with the form or file first (ae.AESTDAT), and settings of the study as study.NAME. "
    "Names that begin with _ and datasets that are not listed here are intermediate values, which a method explains "
    "after it uses them; in such an explanation a name without a dataset is one of the dataset explained. In "
    "conditions a missing value satisfies no comparison, and <> is not equal."
)


def written(define: Define) -> bytes:
    """The file."""
    root = etree.Element(_odm("ODM"), nsmap=NSMAP)  # type: ignore[arg-type]
    _set(root, ODMVersion=ODM_VERSION, FileType="Snapshot", FileOID=f"{define.study}.{define.package}")
    _set(root, CreationDateTime=define.created, SourceSystem="Trialmill", SourceSystemVersion=define.version)
    root.set(_def("Context"), "Submission")
    study = _add(root, "Study", OID=f"STDY.{define.study}")
    variables = _add(study, "GlobalVariables")
    _add(variables, "StudyName").text = define.study
    _add(variables, "StudyDescription").text = define.title or define.study
    _add(variables, "ProtocolName").text = define.study
    version = _add(study, "MetaDataVersion", OID=f"MDV.{define.study}.{define.package}")
    _set(version, Name=f"Study {define.study}, Data Definitions", Description=f"{NOTATION} {define.note}".strip())
    version.set(_def("DefineVersion"), DEFINE_VERSION)
    _head(version, define)
    for values in define.value_lists:
        _value_list(version, values)
    for where in define.wheres.values():
        _where(version, where)
    for group in define.groups:
        _group(version, group)
    for item in define.items:
        _item(version, item)
    for codelist in define.codelists:
        _codelist(version, codelist)
    for method in define.methods:
        made = _add(version, "MethodDef", OID=method.oid, Name=method.name, Type=method.type)
        _described(made, method.text)
        _documents(made, method)
    for comment in define.comments:
        made = _add(version, "CommentDef", DEF, OID=comment.oid)
        _described(made, comment.text)
        _documents(made, comment)
    for leaf in define.leaves:
        _leaf(version, leaf)
    if define.displays:
        displays = _add(version, "AnalysisResultDisplays", ARM)
        for display in define.displays:
            _display(displays, display)
    etree.indent(root)
    return _HEAD + etree.tostring(root, encoding="UTF-8", xml_declaration=False) + b"\n"


def _head(version: etree._Element, define: Define) -> None:
    standards = _add(version, "Standards", DEF)
    for each in define.standards:
        made = _add(standards, "Standard", DEF, OID=each.oid, Name=each.name, Type=each.type)
        _set(made, PublishingSet=each.publishing_set, Version=each.version, Status=each.status)
    if define.crf:
        _add(_add(version, "AnnotatedCRF", DEF), "DocumentRef", DEF, leafID=define.crf)
    if define.documents:
        supplemental = _add(version, "SupplementalDoc", DEF)
        for leaf in define.documents:
            _add(supplemental, "DocumentRef", DEF, leafID=leaf)


def _value_list(parent: etree._Element, values: ValueList) -> None:
    made = _add(parent, "ValueListDef", DEF, OID=values.oid)
    for ref in values.refs:
        _ref(made, ref)


def _where(parent: etree._Element, where: WhereClause) -> None:
    made = _add(parent, "WhereClauseDef", DEF, OID=where.oid)
    if where.comment is not None:
        made.set(_def("CommentOID"), where.comment.oid)
    for check in where.checks:
        each = _add(made, "RangeCheck", Comparator=check.comparator, SoftHard="Soft")
        each.set(_def("ItemOID"), check.item)
        for value in check.values:
            _add(each, "CheckValue").text = value


def _group(parent: etree._Element, group: ItemGroup) -> None:
    made = _add(parent, "ItemGroupDef", OID=group.oid, Domain=group.domain, Name=group.name)
    _set(made, Repeating=_yes(group.repeating), IsReferenceData=_yes(group.reference), SASDatasetName=group.name)
    _set(made, Purpose=group.purpose)
    made.set(_def("Structure"), group.structure)
    made.set(_def("ArchiveLocationID"), group.leaf.id)
    if group.standard:
        made.set(_def("StandardOID"), group.standard)
    else:
        made.set(_def("IsNonStandard"), "Yes")
    if group.comment is not None:
        made.set(_def("CommentOID"), group.comment.oid)
    _described(made, group.label)
    for ref in group.refs:
        _ref(made, ref)
    if group.parent_label:
        _add(made, "Alias", Context=DOMAIN_ALIAS, Name=group.parent_label)
    klass = _add(made, "Class", DEF, Name=group.klass)
    if group.subclass:
        _add(klass, "SubClass", DEF, Name=group.subclass)
    _leaf(made, group.leaf)


def _ref(parent: etree._Element, ref: ItemRef) -> None:
    made = _add(parent, "ItemRef", ItemOID=ref.item, OrderNumber=str(ref.order), Mandatory=_yes(ref.mandatory))
    _set(made, KeySequence=str(ref.key) if ref.key else "", MethodOID=ref.method.oid if ref.method else "")
    _set(made, Role=ref.role)
    if ref.nonstandard:
        made.set(_def("IsNonStandard"), "Yes")
    if ref.no_data:
        made.set(_def("HasNoData"), "Yes")
    if ref.where:
        _add(made, "WhereClauseRef", DEF, WhereClauseOID=ref.where)


def _item(parent: etree._Element, item: ItemDef) -> None:
    made = _add(parent, "ItemDef", OID=item.oid, Name=item.name, DataType=item.data_type)
    if item.data_type in ("text", "integer", "float"):
        _set(made, Length=str(item.length))
    if item.data_type == "float":
        _set(made, SignificantDigits=str(item.digits))
    _set(made, SASFieldName=item.sas_name)
    if item.format:
        made.set(_def("DisplayFormat"), item.format)
    if item.comment is not None:
        made.set(_def("CommentOID"), item.comment.oid)
    _described(made, item.label)
    if item.codelist is not None:
        _add(made, "CodeListRef", CodeListOID=item.codelist.oid)
    for origin in item.origins:
        _origin(made, origin)
    if item.values:
        _add(made, "ValueListRef", DEF, ValueListOID=item.values)


def _origin(parent: etree._Element, origin: OriginDef) -> None:
    made = _add(parent, "Origin", DEF, Type=origin.type, Source=origin.source)
    if origin.says:
        _described(made, origin.says)
    if origin.pages:
        document = _add(made, "DocumentRef", DEF, leafID="LF.acrf")
        _add(document, "PDFPageRef", DEF, PageRefs=" ".join(map(str, origin.pages)), Type="PhysicalRef")


def _codelist(parent: etree._Element, codelist: CodeListDef) -> None:
    made = _add(parent, "CodeList", OID=codelist.oid, Name=codelist.name, DataType=codelist.data_type)
    if codelist.standard:
        made.set(_def("StandardOID"), codelist.standard)
    elif not codelist.dictionary:
        made.set(_def("IsNonStandard"), "Yes")
    if codelist.comment is not None:
        made.set(_def("CommentOID"), codelist.comment.oid)
    if codelist.dictionary:
        _add(made, "ExternalCodeList", Dictionary=codelist.dictionary, Version=codelist.version)
    decoded = any(each.decode for each in codelist.items)
    for order, each in enumerate(codelist.items, 1):
        term = _add(made, "CodeListItem" if decoded else "EnumeratedItem", CodedValue=each.value)
        _set(term, OrderNumber=str(order))
        if each.extended:
            term.set(_def("ExtendedValue"), "Yes")
        if decoded:
            _translated(_add(term, "Decode"), each.decode)
        if each.code:
            _add(term, "Alias", Context=ALIAS, Name=each.code)
    if codelist.code:
        _add(made, "Alias", Context=ALIAS, Name=codelist.code)


def _display(parent: etree._Element, display: Display) -> None:
    made = _add(parent, "ResultDisplay", ARM, OID=display.oid, Name=display.name)
    _described(made, display.title)
    if display.document:
        _add(made, "DocumentRef", DEF, leafID=display.document)
    for result in display.results:
        _result(made, result)


def _result(parent: etree._Element, result: Result) -> None:
    made = _add(parent, "AnalysisResult", ARM, OID=result.oid, ParameterOID=result.parameter)
    _set(made, AnalysisReason=result.reason, AnalysisPurpose=result.purpose)
    _described(made, result.says)
    datasets = _add(made, "AnalysisDatasets", ARM)
    if result.comment is not None:
        datasets.set(_def("CommentOID"), result.comment.oid)
    for each in result.datasets:
        dataset = _add(datasets, "AnalysisDataset", ARM, ItemGroupOID=each.group)
        if each.where:
            _add(dataset, "WhereClauseRef", DEF, WhereClauseOID=each.where)
        for variable in each.variables:
            _add(dataset, "AnalysisVariable", ARM, ItemOID=variable)
    if result.documentation:
        said = _add(made, "Documentation", ARM)
        _described(said, result.documentation)
        for leaf in result.documents:
            _add(said, "DocumentRef", DEF, leafID=leaf)
    if result.program:
        code = _add(made, "ProgrammingCode", ARM, Context=result.context)
        _add(code, "DocumentRef", DEF, leafID=result.program)


def _documents(parent: etree._Element, text: Text) -> None:
    for leaf in text.documents:
        _add(parent, "DocumentRef", DEF, leafID=leaf)


def _leaf(parent: etree._Element, leaf: Leaf) -> None:
    made = _add(parent, "leaf", DEF, ID=leaf.id)
    made.set(f"{{{XLINK}}}href", leaf.href)
    _add(made, "title", DEF).text = leaf.title


def _described(parent: etree._Element, text: str) -> None:
    _translated(_add(parent, "Description"), text)


def _translated(parent: etree._Element, text: str) -> None:
    made = _add(parent, "TranslatedText")
    made.set(f"{{{XML}}}lang", "en")
    made.text = text


def _add(parent: etree._Element, name: str, space: str = ODM, **attributes: str) -> etree._Element:
    """A new last element; empty attributes are left out."""
    made = etree.SubElement(parent, f"{{{space}}}{name}")
    _set(made, **attributes)
    return made


def _set(element: etree._Element, **attributes: str) -> None:
    for name, value in attributes.items():
        if value:
            element.set(name, value)


def _yes(value: bool) -> str:
    return "Yes" if value else "No"


def _odm(name: str) -> str:
    return f"{{{ODM}}}{name}"


def _def(name: str) -> str:
    return f"{{{DEF}}}{name}"
