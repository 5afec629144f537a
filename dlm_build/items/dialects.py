"""The table of dialects, and the right word for what is not a model item.

To add a dialect: a module with `normalise(root) -> Item`, and its row here gets it as `read`.
"""

from __future__ import annotations

from collections.abc import Callable

from dlm_build.errors import ItemInvalid, shown
from dlm_build.items import dlm_runtime
from dlm_build.items.document import Number, Value, described
from dlm_build.items.node import Node
from dlm_build.items.runtimes import RUNTIME_EXAMPLE
from dlm_build.records import Item, Record

_PROPERTIES_EXAMPLE = f'"properties": {{{RUNTIME_EXAMPLE}}}'


class Dialect(Record, frozen=True, kw_only=True):
    """One way to say it. The first row whose marks are found wins."""

    name: str
    title: str
    marks: tuple[str, ...]
    """Field names; one that ends with `:` stands for every field that begins so."""
    read: Callable[[Node], Item] | None = None
    """None: known by name only."""


DIALECTS = (
    Dialect(name=dlm_runtime.NAME, title="DLM of 2021 on", marks=(dlm_runtime.FIELD,), read=dlm_runtime.normalise),
    Dialect(name="dlm/engine", title="DLM of December 2020", marks=("dlm:engine", "dlm:publisher", "dlm:version")),
    Dialect(name="dlm", title="DLM without a runtime", marks=("dlm:",)),
    Dialect(name="dml", title="DLM as its report spells it", marks=("dml:",)),
    Dialect(name="mlm", title="MLM (Machine Learning Model)", marks=("mlm:",)),
    Dialect(name="ml-model", title="ML-Model", marks=("ml-model:",)),
    Dialect(name="model", title="DLM's first draft", marks=("model:",)),
    Dialect(name="engine", title="DLM's draft of November 2020", marks=("engine",)),
)


def read_dialect(root: Node) -> Item:
    """Raises ItemInvalid: not an item, not a model item, or a dialect that is not read."""
    properties = root.value.get("properties") if isinstance(root.value, dict) else None
    if isinstance(properties, dict) and dlm_runtime.FIELD in properties:
        return dlm_runtime.normalise(root)
    if word := not_an_item(root.value):
        raise root.invalid(f"this is {word}, not a model item", _fix_for(root.value))
    if isinstance(root.value, dict) and "properties" in root.value and not isinstance(properties, dict):
        place = root.get("properties")
        raise place.invalid(f"must be an object, but is {described(properties)}", f"write {_PROPERTIES_EXAMPLE}")
    names = _names(root.value)
    for dialect in DIALECTS:
        if found := [name for name in names if _marked(name, dialect.marks)]:
            raise _not_read(root, dialect, found)
    raise root.invalid(
        "this is not a model item: it has no `dlm:runtime` in its properties, nor the fields of any dialect known",
        f"add to /properties: {RUNTIME_EXAMPLE}",
    )


def _not_read(root: Node, dialect: Dialect, found: list[str]) -> ItemInvalid:
    listed = ", ".join(shown(name, 60) for name in found[:4]) + (", …" if len(found) > 4 else "")
    if dlm_runtime.FIELD in found:
        what = "`dlm:runtime` stands outside /properties"
        return root.log.document.invalid("/dlm:runtime", what, "move every dlm: field into /properties")
    what = f"is missing; the item speaks the dialect {dialect.name} ({dialect.title}: {listed}), which is not read yet"
    if dialect.name == "dlm":
        what = f"is missing; there are other DLM fields ({listed}), but what runs the model is not said"
    return root.log.document.invalid("/properties/dlm:runtime", what, f"add to /properties: {RUNTIME_EXAMPLE}")


def _names(value: Value) -> list[str]:
    """Field names of the document, its properties and its assets, in this order."""
    fields = value if isinstance(value, dict) else {}
    places: list[Value] = [fields, fields.get("properties")]
    assets = fields.get("assets")
    if isinstance(assets, dict):
        places.extend(assets.values())
    return [name for place in places if isinstance(place, dict) for name in place]


def _marked(name: str, marks: tuple[str, ...]) -> bool:
    return any(name.startswith(mark) if mark.endswith(":") else name == mark for mark in marks)


def not_an_item(value: Value) -> str:
    """The right word for a document that is no item at all, with the ids inside; empty for what may be one."""
    if isinstance(value, list):
        return f"a list of {len(value)} entries{_ids(value)}"
    if not isinstance(value, dict):
        return described(value)
    kind = value.get("type")
    if kind == "FeatureCollection" or isinstance(value.get("features"), list):
        features = value.get("features")
        return f"a FeatureCollection, such as a search answers{_ids(features)}"
    if isinstance(value.get("collections"), list):
        return f"a list of collections, as an API gives it{_ids(value['collections'])}"
    if kind == "Collection" or ("extent" in value and "links" in value):
        return f"a STAC Collection{_ids([value])}"
    if kind == "Catalog" or ("stac_version" in value and "links" in value and "assets" not in value and not kind):
        return f"a STAC Catalog{_ids([value])}"
    return _other_document(value)


def _other_document(value: dict[str, Value]) -> str:
    keys = set(value)
    if "$schema" in keys and keys & {"$id", "$defs", "definitions", "allOf"}:
        return "a JSON Schema"
    if "conformsTo" in keys:
        return "the landing page of an API"
    if "success" in keys and keys & {"result", "error"}:
        return "a CKAN answer"
    if "modelServerVersion" in keys or ({"model", "runtime"} <= keys and "properties" not in keys):
        return "a TorchServe manifest"
    if "properties" not in keys and keys & {"code", "status"} and keys & {"description", "detail"}:
        return "an API's error message"
    return ""


def _ids(rows: Value) -> str:
    """` with the ids a, b, c`, at most ten."""
    entries = rows if isinstance(rows, list) else []
    ids = [row.get("id") for row in entries if isinstance(row, dict)]
    texts = [shown(i.raw if isinstance(i, Number) else i, 60) for i in ids if isinstance(i, str | Number)]
    if not texts:
        return ""
    more = f" and {len(texts) - 10} more" if len(texts) > 10 else ""
    return f" with the id{'s' if len(texts) > 1 else ''} {', '.join(texts[:10])}{more}"


def _fix_for(value: Value) -> str:
    if isinstance(value, dict | list):
        return "give one STAC item, a Feature with `dlm:runtime` in its properties"
    return "give the path or URL of a STAC item in JSON or YAML"
