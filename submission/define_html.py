"""A page to read a define.xml: the published stylesheet applied to it, since browsers no longer do so themselves.

The page stands beside define.xml under define.html and its links are relative, so that datasets and CRF pages open from
the folder of the package. The stylesheet, which the first line of define.xml names, is shipped with it.

Sources: define2-1.xsl by Lex Jansen (MIT), as the package defineutils ships it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from lxml import etree

from submission.define_write import STYLESHEET

PAGE = "define.html"


@cache
def stylesheet() -> bytes:
    """The stylesheet as it is shipped beside define.xml; its licence stands at its top."""
    return files("defineutils").joinpath(f"definehtml/{STYLESHEET}").read_bytes()


def define_html(xml: bytes) -> bytes:
    """The page of a define.xml; the same file gives the same page.

    Raises:
        lxml.etree.XMLSyntaxError: the file is not well-formed.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    # neither files nor the network are within reach of the stylesheet
    transform = etree.XSLT(etree.fromstring(stylesheet(), parser), access_control=etree.XSLTAccessControl.DENY_ALL)
    page = transform(
        etree.fromstring(xml, parser),
        nCodeListItemDisplay="10",
        displayCommentsTable="1",
        displayLengthDFormatSD="1",
        displayPrefix="1",
    )
    return bytes(page)
