"""The registry of schemas that are here, and documents held against them."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NoReturn

from dlm_build.errors import shown, spellable
from dlm_build.records import Record

if TYPE_CHECKING:
    from jsonschema_rs import Registry, Validator

MLM = "https://stac-extensions.github.io/mlm/v1.5.2/schema.json"
"""The newest whose schema is published."""
ITEM = "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/item.json"
DATETIME = "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/datetime.json"
GEOMETRY = "https://geojson.org/schema/Geometry.json"
DLM = "dlm.v1.schema.json"
_MOST = 50


class Problem(Record, frozen=True, kw_only=True):
    """One place where a document breaks a schema."""

    pointer: str
    """JSON pointer into the document."""
    message: str
    """Escaped."""
    schema: str
    """The address of the schema."""


def problems_of_item(document: dict[str, Any]) -> tuple[Problem, ...]:
    """What breaks STAC's schema of items, or that of one of its extensions that is here; no other is looked for."""
    named = [uri for uri in _list(document.get("stac_extensions")) if isinstance(uri, str) and uri in known()]
    return tuple(problem for uri in (ITEM, *named) for problem in problems(document, uri))


def problems(document: object, uri: str) -> tuple[Problem, ...]:
    """At most fifty, in the order found. `uri` is one of `known`, else KeyError."""
    return _told(validator(uri), document, uri)


def dlm_problems(document: object) -> tuple[Problem, ...]:
    """What breaks the schema of the DLM fields."""
    return _told(_dlm_validator(), document, DLM)


def _told(checker: Validator, document: object, uri: str) -> tuple[Problem, ...]:
    told = []
    for error in checker.iter_errors(document):
        pointer = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in error.instance_path)
        told.append(Problem(pointer=pointer, message=shown(error.message, 300), schema=uri))
        if len(told) == _MOST:
            break
    return tuple(told)


def is_reference(text: str) -> bool:
    """Whether it is what STAC calls an href: an address, or one relative to another, in the letters of RFC 3987."""
    return spellable(text) and _reference_validator().is_valid(text)


def dlm_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of an item in the current generation of DLM, as it is read here."""
    schema: dict[str, Any] = json.loads(files(__package__).joinpath(DLM).read_text("utf-8"))
    return schema


@lru_cache(maxsize=1)
def known() -> dict[str, str]:
    """Address → file of every schema that is here."""
    rows = json.loads(files(__package__).joinpath("vendored/SOURCES.json").read_text("utf-8"))
    return {row["uri"]: row["file"] for row in rows}


def schema_of(uri: str) -> dict[str, Any]:
    """One of `known`, without its sentences."""
    schema: dict[str, Any] = json.loads(files(__package__).joinpath("vendored", known()[uri]).read_text("utf-8"))
    return schema


def fits(value: object, place: str) -> bool:
    """Whether MLM allows it there. `place` is below its definitions: `mlm:tasks`, `ModelInput/properties/bands`."""
    return _place_validator(place).is_valid(value)


@lru_cache(maxsize=64)
def _place_validator(place: str) -> Validator:
    from jsonschema_rs import validator_for

    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "$ref": f"{MLM}#/$defs/{place}"}
    return validator_for(schema, registry=_registry(), validate_formats=True, retriever=_refuse)


@lru_cache(maxsize=8)
def members_of(definition: str) -> frozenset[str]:
    """Names of the members that one of MLM's definitions speaks of."""
    return frozenset(schema_of(MLM)["$defs"][definition]["properties"])


@lru_cache(maxsize=1)
def mlm_fields() -> frozenset[str]:
    """Every field that MLM has, anywhere."""
    return frozenset(schema_of(MLM)["$defs"]["fields"]["properties"])


@lru_cache(maxsize=16)
def validator(uri: str) -> Validator:
    """Of one of `known`; formats are held to as well."""
    from jsonschema_rs import validator_for

    return validator_for(schema_of(uri), registry=_registry(), validate_formats=True, retriever=_refuse)


@lru_cache(maxsize=1)
def _dlm_validator() -> Validator:
    from jsonschema_rs import validator_for

    return validator_for(dlm_schema(), validate_formats=True, retriever=_refuse)


@lru_cache(maxsize=1)
def _reference_validator() -> Validator:
    from jsonschema_rs import validator_for

    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "minLength": 1, "format": "iri-reference"}
    return validator_for(schema, validate_formats=True, retriever=_refuse)


@lru_cache(maxsize=1)
def _registry() -> Registry:
    from jsonschema_rs import Registry

    return Registry([(uri, schema_of(uri)) for uri in known()], retriever=_refuse)


def _refuse(uri: str) -> NoReturn:
    """Instead of fetching it, as the library would."""
    raise LookupError(f"{shown(uri)} is not one of the schemas that are here")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
