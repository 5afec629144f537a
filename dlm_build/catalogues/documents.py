"""What kind of document a text is, and the items that lie inside it, each as the very text it was published as.

A number keeps its spelling only in the text (`1.10` is a version), so items are cut out of a collection, never
written anew.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal, TypeAlias

from dlm_build.errors import ItemInvalid
from dlm_build.fetching.urls import shown_place
from dlm_build.items.limits import check_json
from dlm_build.records import Record

Kind: TypeAlias = Literal["item", "features", "api", "ogc", "collections", "collection-api", "catalogue", "ckan"]
"""`features`: a FeatureCollection or a list; `api`: the landing page of a STAC API; `ogc`: of another OGC API;
`collection-api`: one collection of either."""

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
_HINT = re.compile(
    r'"(?:FeatureCollection|Collection|Catalog|features|collections|conformsTo|conformance|success|items?|child)"|\A\s*\['
)
_SAYS_NOTHING = re.compile(r'"properties"\s*:\s*\{\s*\}')
_SAYS_LITTLE = 64 << 10
_OF_STAC = re.compile(r"\bstac_(?:version|extensions)\b|\b(?:mlm|ml-model|dlm|dml):[a-z]|\bdl-model\b")
_ITEM_NAME = re.compile(r".+\.(json|geojson|ya?ml)", re.IGNORECASE)
_JSON_TYPE = re.compile(r"(application/(geo\+)?(schema\+)?json|application/vnd\.oai)\b", re.IGNORECASE)


def may_hold_items(text: str) -> bool:
    """Whether a text has a word that STAC, or a dialect that describes models, has in every item."""
    return _OF_STAC.search(text) is not None


class Part(Record, frozen=True, kw_only=True):
    """One item inside a larger document."""

    text: str
    offset: int
    """Where it begins in the document, in characters."""
    id: str | None = None
    collection: str | None = None
    self_href: str | None = None


class Opened(Record, frozen=True, kw_only=True):
    """A JSON document taken apart one level deep."""

    head: dict[str, Any]
    """Everything but the items. Its numbers have lost their spelling."""
    parts: tuple[Part, ...] = ()

    def links(self, *rels: str) -> list[str]:
        """Hrefs of the links so related that may lead to JSON, in order."""
        return [row["href"] for row in _rows(self.head.get("links")) if _is_link(row, rels)]


def opened(text: str, origin: str) -> Opened | None:
    """The document, where it is a JSON object or a list of them; None where it may be one item only.

    Raises ItemInvalid for one that is nested too deep or has too many values.
    """
    if not _HINT.search(text):
        return None
    return dissected(text, origin)


def dissected(text: str, origin: str) -> Opened | None:
    """As `opened`, whatever the text says."""
    at = _after_space(text, 0)
    if text[at : at + 1] not in ("{", "["):
        return None
    check_json(text, origin)
    try:
        if text[at] == "[":
            parts, at = _parts(text, at)
            return Opened(head={}, parts=parts) if at == len(text) else None
        return _object(text, at)
    except (ValueError, IndexError, RecursionError):  # the loader of items says what is wrong, and where
        return None


def kind_of(document: Opened | None) -> Kind:
    """`item` is what is left: whether it is one, its dialect says."""
    if document is None:
        return "item"
    head, kind = document.head, document.head.get("type")
    if kind == "Feature":
        return "item"
    if document.parts or not head or kind == "FeatureCollection":
        return "features"
    if isinstance(head.get("success"), bool) and head.keys() & {"result", "error"}:
        return "ckan"
    if isinstance(head.get("collections"), list):
        return "collections"
    if document.links("search") and (kind == "Catalog" or "conformsTo" in head):
        return "api"
    if document.links("items") and ("extent" in head or kind == "Collection" or "itemType" in head):
        return "collection-api"
    if "extent" not in head and isinstance(head.get("properties"), dict) and "assets" in head:
        return "item"  # of the wrong type: a collection has no properties, and says what it covers
    if kind in ("Catalog", "Collection") or ("stac_version" in head and "links" in head and "assets" not in head):
        return "catalogue"
    return "ogc" if document.links("data") and document.links("conformance", "service-desc") else "item"


def features(document: Opened, origin: str) -> tuple[Part, ...]:
    """Its items. Raises ItemInvalid where `features` holds something else."""
    for number, part in enumerate(document.parts):
        if not part.text.startswith("{"):
            what = f"{shown_place(origin)}: /features/{number}: is not an object"
            raise ItemInvalid(what, "keep STAC items there, and nothing else")
    return document.parts


def file_behind(text: str) -> str | None:
    """Where the item is, when this one says nothing but that there is a file of JSON or YAML.

    Servers that describe folders make such a page for every file, with the file's name for an id.
    """
    if len(text) > _SAYS_LITTLE or not _SAYS_NOTHING.search(text):
        return None
    page = dissected(text, "")
    assets = page.head.get("assets") if page else None
    if not isinstance(assets, dict) or len(assets) != 1 or page is None or page.head.get("properties") != {}:
        return None
    (asset,) = assets.values()
    href = asset.get("href") if isinstance(asset, dict) else None
    return href if isinstance(href, str) and _ITEM_NAME.fullmatch(href.partition("?")[0]) else None


def id_of(text: str, origin: str) -> str | None:
    """The id of one item, in JSON or YAML. Raises ItemInvalid for a text that cannot be read."""
    from dlm_build.items.document import Number
    from dlm_build.items.reading import load

    value = load(text, origin).value
    found = value.get("id") if isinstance(value, dict) else None
    return found.raw if isinstance(found, Number) else found if isinstance(found, str) else None


def _object(text: str, at: int) -> Opened | None:
    head: dict[str, Any] = {}
    parts: tuple[Part, ...] = ()
    at = _after_space(text, at + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _expect(text, at, ":")
        if key == "features" and text[at] == "[":
            parts, at = _parts(text, at)
        else:
            head[key], at = _DECODER.raw_decode(text, at)
            at = _after_space(text, at)
        if text[at] != "}":
            at = _expect(text, at, ",")
    return Opened(head=head, parts=parts) if _after_space(text, at + 1) == len(text) else None


def _parts(text: str, at: int) -> tuple[tuple[Part, ...], int]:
    found = []
    at = _after_space(text, at + 1)
    while text[at] != "]":
        value, end = _DECODER.raw_decode(text, at)
        found.append(_part(value, text[at:end], at))
        at = _after_space(text, end)
        if text[at] != "]":
            at = _expect(text, at, ",")
    return tuple(found), _after_space(text, at + 1)


def _part(value: Any, text: str, offset: int) -> Part:
    fields = value if isinstance(value, dict) else {}
    id_, collection = fields.get("id"), fields.get("collection")
    own = [row["href"] for row in _rows(fields.get("links")) if _is_link(row, ("self",))]
    return Part(
        text=text,
        offset=offset,
        id=str(id_) if isinstance(id_, str | int | float) else None,
        collection=collection if isinstance(collection, str) else None,
        self_href=own[0] if own else None,
    )


def _rows(links: Any) -> list[dict[str, Any]]:
    return [row for row in links if isinstance(row, dict)] if isinstance(links, list) else []


def _is_link(row: dict[str, Any], rels: tuple[str, ...]) -> bool:
    """By its relation alone for children and items: real ones are typed `text/html` and answer JSON all the same."""
    if row.get("rel") not in rels or not isinstance(row.get("href"), str) or not row["href"]:
        return False
    kind = row.get("type")
    typed = isinstance(kind, str) and kind and row["rel"] not in ("child", "item")
    return not typed or _JSON_TYPE.match(str(kind)) is not None


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _expect(text: str, at: int, mark: str) -> int:
    at = _after_space(text, at)
    if text[at] != mark:
        raise ValueError(f"no {mark} at {at}")
    return _after_space(text, at + 1)
