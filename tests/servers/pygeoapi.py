"""pygeoapi: STAC pages from files, and models as OGC API Features and Records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.environments import ensure_environment
from tests.servers.models import BOX, COLLECTION, NAMES, as_record, collection, model, models
from tests.servers.running import free_port, running
from tests.stack.shell import run

REQUIREMENTS = ("pygeoapi==0.21.0", "tinydb")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a pygeoapi that serves `models.models()`: STAC pages at /stac, collections at /collections."""
    programs = ensure_environment("pygeoapi", REQUIREMENTS)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    write_files(folder)
    config, openapi = folder / "pygeoapi.json", folder / "openapi.json"
    config.write_text(json.dumps(_config(folder, port, url)))  # YAML has JSON inside
    run([programs / "pygeoapi", "openapi", "generate", config, "--format", "json", "--output-file", openapi])
    env = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(openapi)}
    with running([programs / "pygeoapi", "serve", "--flask"], port, folder / "pygeoapi.log", env):
        yield url


def write_files(folder: Path) -> None:
    """A static catalogue in the layout that the server's provider reads, and files of features and records."""
    stac = folder / "stac"
    inner = stac / COLLECTION
    inner.mkdir(parents=True)
    root = {"type": "Catalog", "stac_version": "1.0.0", "id": "root", "description": "Models"}
    children = [{"rel": "child", "href": f"./{COLLECTION}/collection.json"}]
    (stac / "catalog.json").write_text(json.dumps({**root, "links": children}))
    links = [{"rel": "item", "href": f"./{name}/{name}.json"} for name in NAMES]
    (inner / "collection.json").write_text(json.dumps({**collection(), "links": links}))
    for name in NAMES:
        (inner / name).mkdir()
        (inner / name / f"{name}.json").write_text(json.dumps(model(name)))
    features = {"type": "FeatureCollection", "features": models()}
    (folder / "features.geojson").write_text(json.dumps(features))
    records = {"_default": {str(n): as_record(item) for n, item in enumerate(models(), 1)}}
    (folder / "records.tinydb").write_text(json.dumps(records))


def _config(folder: Path, port: int, url: str) -> dict[str, Any]:
    features = {"type": "feature", "name": "GeoJSON", "data": str(folder / "features.geojson"), "id_field": "id"}
    records = {
        "type": "record", "name": "TinyDBCatalogue", "data": str(folder / "records.tinydb"),
        "id_field": "externalid", "time_field": "recordUpdated", "title_field": "title",
    }  # fmt: skip
    described = {"type": "stac", "name": "FileSystem", "data": str(folder / "stac"), "file_types": [".json"]}
    pages = {"type": "stac", "name": "Hateoas", "data": str(folder / "stac"), "file_types": [".json"]}
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port}, "url": url, "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8", "gzip": False, "languages": ["en-US"], "pretty_print": True, "limit": 10,
            "map": {"url": "https://tile.example.org/{z}/{x}/{y}.png", "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": "Models", "description": "Models of coasts", "keywords": ["models"], "keywords_type": "theme",
                "terms_of_service": "none", "url": "https://example.org",
            },
            "license": {"name": "MIT", "url": "https://example.org/mit"},
            "provider": {"name": "Tests", "url": "https://example.org"},
            "contact": {"name": "Tests", "position": "none", "address": "none", "city": "none",
                        "stateorprovince": "none", "postalcode": "0", "country": "none", "phone": "0", "fax": "0",
                        "email": "a@example.org", "url": "https://example.org", "hours": "0", "instructions": "none",
                        "role": "none"},
        },
        "resources": {
            "stac-models": _resource("stac-collection", pages),
            "stac-files": _resource("stac-collection", described),
            "model-features": _resource("collection", features),
            "model-records": _resource("collection", records),
        },
    }  # fmt: skip


def _resource(kind: str, provider: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": kind, "title": "Models", "description": "Models of coasts", "keywords": ["models"], "links": [],
        "extents": {
            "spatial": {"bbox": BOX, "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"},
            "temporal": {"begin": "2021-01-01T00:00:00Z", "end": None},
        },
        "providers": [provider],
    }  # fmt: skip
