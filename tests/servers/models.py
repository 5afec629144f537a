"""The items that every server serves: twelve models, one of them complete, and one that is no model."""

from __future__ import annotations

import copy
from typing import Any

COLLECTION = "models"
OTHER_COLLECTION = "drafts"
NAMES = tuple(f"coast-{number:02}" for number in range(1, 13))
BOX = [-72.0, 46.0, -71.0, 47.0]


def model(name: str, collection: str = COLLECTION, archive: str = "https://example.org/coast.mar") -> dict[str, Any]:
    """A DLM item as STAC servers accept it: with a geometry, a date and a collection."""
    west, south, east, north = BOX
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": name,
        "collection": collection,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": BOX,
        "links": [],
        "assets": {"model": {"href": archive, "type": "application/zip", "roles": ["model artefact"]}},
        "properties": {
            "datetime": "2021-01-31T00:00:00Z",
            "title": f"Model {name}",
            "dlm:runtime": {"framework": "ONNX Runtime", "version": "1.20.1", "docker": {"gpu": False}},
            "dlm:archive": [{"name": "net.onnx", "roles": ["model weight"]}],
            "dlm:data": {"dtype": "uint16", "number_of_bands": 2},
        },
    }


def models() -> list[dict[str, Any]]:
    return [model(name) for name in NAMES]


def collection(name: str = COLLECTION) -> dict[str, Any]:
    """A STAC Collection for them."""
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": name,
        "description": "Models of coasts",
        "license": "MIT",
        "extent": {"spatial": {"bbox": [BOX]}, "temporal": {"interval": [["2021-01-01T00:00:00Z", None]]}},
        "links": [],
    }


def as_record(item: dict[str, Any]) -> dict[str, Any]:
    """The same as an OGC API Records entry."""
    record = copy.deepcopy(item)
    record["conformsTo"] = ["http://www.opengis.net/spec/ogcapi-records-1/1.0/conf/record-core"]
    record["time"] = {"date": "2021-01-31"}
    record["properties"] |= {"type": "model", "externalid": item["id"], "recordUpdated": "2021-01-31T00:00:00Z"}
    return record
