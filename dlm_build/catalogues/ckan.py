"""Items published as resources of a CKAN dataset: its answers, and the pages that people copy the address of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from dlm_build.catalogues.asked import SourceText
from dlm_build.catalogues.documents import Opened
from dlm_build.catalogues.found import Found
from dlm_build.catalogues.reader import Reader, Text
from dlm_build.errors import SourceGone, shown
from dlm_build.fetching.urls import shown_url, url_parts

_PAGE = re.compile(
    r"(?P<site>.*?)(?:/[a-z]{2}(?:_[A-Z]{2})?)?/dataset/(?P<dataset>[^/]+)(?:/resource/(?P<resource>[^/]+)(?:/view/[^/]+)?)?/?"
)
_ITEM_FORMAT = re.compile(r"(.*[/.+ ])?(geo)?(json|yaml|yml|stac)\b.*", re.IGNORECASE)
_ITEM_NAME = re.compile(r".*\.(json|geojson|ya?ml)", re.IGNORECASE)


def api_address(page: str) -> str | None:
    """What the API is asked for a dataset's or a resource's page; None for other addresses."""
    parts = urlsplit(page)
    found = _PAGE.fullmatch(parts.path)
    if found is None:
        return None
    kind, id_ = ("resource", found["resource"]) if found["resource"] else ("package", found["dataset"])
    path, query = f"{found['site']}/api/3/action/{kind}_show", f"id={quote(unquote(id_), safe='')}"
    return parts._replace(path=path, query=query, fragment="").geturl()


def items(reader: Reader, text: Text, document: Opened, *, wanted: str | None = None) -> Iterator[Found]:
    """The resources that are JSON or YAML by their format or name, or the one called `wanted` whatever it is.

    Raises SourceGone where the answer is a refusal, or names no resource that may be an item.
    """
    resources = _resources(document.head.get("result"))
    if document.head["success"] is not True or not resources:
        raise SourceGone(f"{shown_url(text.place)}: {_why_none(document.head)}", "correct the address")
    chosen = [row for row in resources if wanted in _names(row)] if wanted is not None else []
    chosen = chosen or [row for row in resources if _may_be_item(row)]
    if not chosen:
        labels = ", ".join(shown(_label(row), 80) for row in resources[:10])
        raise SourceGone(
            f"{shown_url(text.place)}: none of its {len(resources)} resources is JSON or YAML: {labels}",
            "name the one that is the item with --id",
        )
    for row in chosen:
        yield _found(reader, text, row)


def _found(reader: Reader, text: Text, row: dict[str, Any]) -> Found:
    def read() -> SourceText:
        place = reader.target(row["url"], text.base)
        reader.refuse_endless()
        return SourceText(text=reader.linked(place).text, origin=place)

    return Found(read, _names(row))


def _resources(result: Any) -> list[dict[str, Any]]:
    """Of a resource, a dataset, or an answer with datasets: all that are there to be had."""
    if not isinstance(result, dict):
        return []
    if isinstance(result.get("results"), list):
        return [row for dataset in result["results"] for row in _resources(dataset)]
    several = result.get("resources")
    rows = several if isinstance(several, list) else [result]
    return [row for row in rows if isinstance(row, dict) and _is_there(row)]


def _is_there(row: dict[str, Any]) -> bool:
    return isinstance(row.get("url"), str) and bool(row["url"]) and row.get("state", "active") == "active"


def _names(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in (row.get("id"), row.get("name")) if isinstance(name, str) and name))


def _label(row: dict[str, Any]) -> str:
    names = _names(row) or (row["url"],)
    return f"{names[0]} ({names[1]})" if len(names) > 1 else str(names[0])


def _may_be_item(row: dict[str, Any]) -> bool:
    told = [row.get("format"), row.get("mimetype")]
    if any(isinstance(word, str) and _ITEM_FORMAT.fullmatch(word.strip()) for word in told):
        return True
    return _ITEM_NAME.fullmatch(url_parts(row["url"]).path) is not None


def _why_none(head: dict[str, Any]) -> str:
    error = head.get("error")
    if head["success"] is not True:
        said = error.get("message") if isinstance(error, dict) else None
        return f"CKAN refuses: {shown(said, 120)}" if isinstance(said, str) else "CKAN refuses"
    return "an answer of CKAN without resources"
