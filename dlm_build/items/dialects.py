"""The table of dialects, and the right word for what is not a model item.

To add a dialect: a module with `normalise(root) -> Item`, and its row here gets it as `read`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dlm_build.errors import ItemInvalid, shown
from dlm_build.findings.dialects import OtherDialectToo, ReadAsAnItem
from dlm_build.findings.documents import NotAModelItem, NotAnItem
from dlm_build.items.display import display_text
from dlm_build.items.dlm import item as dlm
from dlm_build.items.dlm.generation import Generation
from dlm_build.items.dlm.parts import GENERATIONS
from dlm_build.items.document import Document, Number, Value, described
from dlm_build.items.marks import Marks, marks
from dlm_build.items.mlm import item as mlm
from dlm_build.items.mlm import ml_model
from dlm_build.items.node import Node
from dlm_build.items.overlay import as_object
from dlm_build.records import Item, Record

_FIELDS_EXAMPLE = '"mlm:framework": "PyTorch", "mlm:framework_version": "2.1.2"'
_PROPERTIES_EXAMPLE = f'"properties": {{{_FIELDS_EXAMPLE}}}'


class Dialect(Record, frozen=True, kw_only=True):
    """One way to say it."""

    name: str
    title: str
    marks: Marks
    whole: Marks
    """Marks of a whole description, not of what a conversion left behind: they win over any row without them."""
    read: Callable[[Node], Item]
    also: frozenset[str] = frozenset()
    """Fields of other dialects that it reads."""
    beside: str = ""
    """Another, whose fields may stay where an item names this one's schema alone: it was migrated."""
    role: str = ""
    """How roles of its own begin; they tell it, as its schema does, where no field does."""
    schema: re.Pattern[str] | None = None
    """In the address of its schema."""


def _generation(one: Generation) -> Dialect:
    whole = marks(*(name for name in one.names.runtime if ":" in name))
    return Dialect(name=one.name, title=one.title, marks=one.marks, whole=whole, read=dlm.normalise)


_MLM_SPELLINGS = ("mlm_input", "mlm_output", "mlm_architecture", "mlm/input", "mlm/output", "mlm/architecture")
DIALECTS = (
    Dialect(
        name=mlm.NAME,
        title="MLM (Machine Learning Model)",
        marks=marks(mlm.PREFIX, *_MLM_SPELLINGS),
        whole=marks("mlm:input", "mlm:output", "mlm:architecture", *_MLM_SPELLINGS),
        read=mlm.normalise,
        beside=ml_model.NAME,
        role=mlm.PREFIX,
        schema=mlm.SCHEMA,
    ),
    *(_generation(one) for one in GENERATIONS),
    Dialect(
        name=ml_model.NAME,
        title="ML-Model",
        marks=marks(ml_model.PREFIX),
        whole=marks("ml-model:type", "ml-model:prediction_type", "ml-model:learning_approach", "ml-model:architecture"),
        read=ml_model.normalise,
        also=ml_model.MLM_FIELDS,
        role=ml_model.PREFIX,
        schema=ml_model.SCHEMA,
    ),
)
"""The first row that has marks of a whole description wins, else the first that has marks."""


_KEYS = frozenset((
    "type", "id", "stac_version", "stac_extensions", "geometry", "bbox", "properties", "assets", "links", "collection",
))  # fmt: skip
"""Of an item; a document with none of them is something else."""


def read_dialect(root: Node) -> Item:
    """Raises ItemInvalid: not an item, or not a model item."""
    root = with_properties(root)
    places = _places(root)
    spoken = _spoken(places)
    if word := not_an_item(root.value):
        if not (spoken and isinstance(root.at("properties").value, dict)):
            raise root.invalid(f"this is {word}, not a model item", _fix_for(root.value), NotAnItem)
        root.at("type").find(ReadAsAnItem, found=word)
    spoken = spoken or _without_fields(root)
    if not spoken:
        raise _no_dialect(root)
    for other in spoken[1:]:
        if other.read != spoken[0].read and other.read != dlm.normalise and not _is_beside(root, other, spoken[0]):
            unread = [name for name in _found(places, other.marks) if name not in spoken[0].also]
            if unread:
                root.find(OtherDialectToo, title=other.title, found=_listed(unread))
    return spoken[0].read(root)


def _spoken(places: list[dict[str, Value]]) -> list[Dialect]:
    """All of which there are marks, the one that is read first."""
    names = frozenset[str]().union(*places)
    together = " ".join(names)
    candidates = [dialect for dialect in DIALECTS if dialect.marks.may_be_in(names, together)]
    spoken = [dialect for dialect in candidates if _is_in(places, dialect.marks)]
    if len(spoken) > 1:
        spoken.sort(key=lambda dialect: not _is_in(places, dialect.whole))
    return spoken


def recognised(document: Document) -> tuple[str | None, str | None]:
    """Id and dialect of an item that cannot be read to its end, as far as they can be told. Raises nothing."""
    root = Node.root(document)
    spoken = _spoken(_places(root)) if isinstance(root.value, dict) else []
    if not spoken and root.at("type").value != "Feature":
        return None, None
    return display_text(root.at("id")), spoken[0].name if spoken else None


def with_properties(root: Node) -> Node:
    """Properties written as a list of objects are one object. Raises ItemInvalid where they are no object at all."""
    properties = root.at("properties")
    if properties.absent or isinstance(properties.value, dict):
        return root
    as_one = as_object(properties)
    if isinstance(as_one.value, dict):
        return root.made_of({**dict(root.members()), "properties": as_one})
    if word := not_an_item(root.value):
        raise root.invalid(f"this is {word}, not a model item", _fix_for(root.value), NotAnItem)
    what = f"must be an object, but is {described(properties.value)}"
    raise properties.invalid(what, f"write {_PROPERTIES_EXAMPLE}")


def _places(root: Node) -> list[dict[str, Value]]:
    """The properties, the document and its assets."""
    assets = root.at("assets").value
    inner = assets.values() if isinstance(assets, dict) else assets if isinstance(assets, list) else ()
    return [place for place in (root.at("properties").value, root.value, *inner) if isinstance(place, dict)]


def _without_fields(root: Node) -> list[Dialect]:
    """The dialect that an item without any fields of one speaks by the roles of its assets, else by its schemas."""
    schemas = _schemas(root)
    roles = [role for place in _places(root) for name in ("roles", "role") for role in _texts(place.get(name))]
    by_role = [one for one in DIALECTS if one.role and any(role.startswith(one.role) for role in roles)]
    return by_role[:1] or [one for one in DIALECTS if one.schema and any(map(one.schema.search, schemas))][:1]


def _is_beside(root: Node, other: Dialect, read: Dialect) -> bool:
    if read.beside != other.name or read.schema is None or other.schema is None:
        return False
    schemas = _schemas(root)
    return any(map(read.schema.search, schemas)) and not any(map(other.schema.search, schemas))


def _schemas(root: Node) -> list[str]:
    return [row for row in root.at("stac_extensions").values() if isinstance(row, str)]


def _texts(value: Value) -> list[str]:
    rows = value if isinstance(value, list) else [value]
    return [row.strip().lower() for row in rows if isinstance(row, str)]


def _is_in(places: list[dict[str, Value]], those: Marks) -> bool:
    return any(map(those.are_in, places))


def _found(places: list[dict[str, Value]], those: Marks) -> list[str]:
    return [name for place in places for name in those.found(place)]


def _no_dialect(root: Node) -> ItemInvalid:
    if isinstance(root.value, dict) and root.value and root.value.keys().isdisjoint(_KEYS):
        word = described(root.value)
        return root.invalid(f"this is {word}, not a model item", _fix_for(root.value), NotAnItem)
    what = "this is not a model item: neither its properties nor its assets have a field of MLM, DLM or ML-Model"
    fix = f'add to /properties: {_FIELDS_EXAMPLE}, and to the asset of the weights: "roles": ["mlm:model"]'
    return root.invalid(what, fix, NotAModelItem)


def _listed(names: list[str]) -> str:
    return ", ".join(shown(name, 60) for name in names[:4]) + (", …" if len(names) > 4 else "")


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
    if kind == "Collection" or (kind != "Feature" and "extent" in value and "links" in value):
        return f"a STAC Collection{_ids([value])}"
    if kind == "Catalog" or ("stac_version" in value and "links" in value and "assets" not in value and not kind):
        return f"a STAC Catalog{_ids([value])}"
    return _other_document(value)


_PACKED = frozenset(("name", "architecture", "framework", "input", "output"))
"""Fields of MLM without their prefix, in a file that is no item."""


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
    if "flavors" in keys and "properties" not in keys:
        return "an MLflow MLmodel file"
    if "format_version" in keys and keys & {"weights", "documentation", "cite"} and "properties" not in keys:
        return "a bioimage.io description"
    packed = value.get("properties") if keys <= {"$schema", "properties"} else value
    if isinstance(packed, dict) and packed.keys() >= _PACKED:
        return "a model's metadata as stac-model packs it beside the weights"
    if "services" in keys and "assets" not in keys:
        return "a Compose file"
    if "dependencies" in keys and keys <= {"name", "channels", "dependencies", "prefix", "variables", "platforms"}:
        return "a conda environment file"
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
        return "give one STAC item, a Feature with the fields of a model in its properties, such as `mlm:framework`"
    return "give the path or URL of a STAC item in JSON or YAML"
