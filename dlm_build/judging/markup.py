"""XML as objects (Pascal VOC, KML, GML), so that its numbers are near and its layout means nothing.

Imported by the decoder's child only; what it reads is a stranger's.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from dlm_build.judging.tables import cell_value


class _DoctypeError(Exception):
    pass


class _Builder(ElementTree.TreeBuilder):
    def doctype(self, *_declared: Any) -> None:
        raise _DoctypeError


def read_markup(raw: bytes) -> dict[str, Any] | None:
    """An element's attributes and children by their names, without namespaces, a list where there are several; None
    for other text, and for XML that declares a document type.
    """
    # Without a document type no entity is ever declared, so nothing is expanded or fetched.
    parser = ElementTree.XMLParser(target=_Builder())  # noqa: S314
    try:
        parser.feed(raw)
        root = parser.close()
        return {_name(root.tag): _element(root)}
    except (ElementTree.ParseError, _DoctypeError, RecursionError):
        return None


def _element(element: ElementTree.Element) -> Any:
    children: dict[str, list[Any]] = {}
    for child in element:
        children.setdefault(_name(child.tag), []).append(_element(child))
    pieces = (element.text, *(child.tail for child in element))
    text = " ".join(piece.strip() for piece in pieces if piece and piece.strip())
    inner = {f"@{_name(name)}": cell_value(value) for name, value in element.items()}
    inner |= {name: values[0] if len(values) == 1 else values for name, values in children.items()}
    if not inner:
        return _text_value(text)
    return {**inner, "text": _text_value(text)} if text else inner


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _text_value(text: str) -> Any:
    """Numbers between spaces are a list, and so are those between commas in it: `11.5,48.1 11.6,48.2`."""
    rows = [[cell_value(number) for number in part.split(",")] for part in text.split()]
    numbers = [number for row in rows for number in row]
    if len(numbers) < 2 or not all(isinstance(number, int | float) for number in numbers):
        return cell_value(text)
    return numbers if len(numbers) == len(rows) else rows
