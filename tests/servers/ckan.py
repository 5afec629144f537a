"""Answers in CKAN's documented shapes.

CKAN itself wants Solr, Redis and its own PostgreSQL and is not on the Python package index, so this server is ours: it
answers `package_show` and `resource_show` as the action API's reference describes them, pages as HTML, and files.
What it cannot prove is that a real CKAN says nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers import quiet
from tests.servers.models import model

DATASETS = {"coast": ("coast-01",), "coasts": ("coast-01", "coast-02")}


@contextmanager
def serving() -> Iterator[str]:
    """The address of a site with the datasets `coast` (one item and its weights) and `coasts` (two items)."""
    with quiet.serving(_Site) as address:
        yield address


class _Site(quiet.Quiet):
    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        id_ = parse_qs(parts.query).get("id", [""])[0]
        if parts.path == "/api/3/action/package_show":
            self._say(self._dataset(id_) if id_ in DATASETS else None)
        elif parts.path == "/api/3/action/resource_show":
            rows = [row for name in DATASETS for row in self._dataset(name)["resources"]]
            self._say(next((row for row in rows if row["id"] == id_), None))
        elif "/download/" in parts.path:
            name = parts.path.rpartition("/")[2].removesuffix(".json")
            self._answer(200, json.dumps(model(name)).encode(), "application/json")
        else:
            self._answer(200, b"<!DOCTYPE html>\n<html><title>A dataset</title></html>", "text/html; charset=utf-8")

    def _dataset(self, name: str) -> dict[str, Any]:
        weights = self._resource(name, f"{name}-weights", "ZIP", "net.zip")
        items = [self._resource(name, f"{name}-{item}", "JSON", f"{item}.json") for item in DATASETS[name]]
        return {"id": f"{name}-id", "name": name, "title": name, "num_resources": 1 + len(items),
                "private": False, "state": "active", "type": "dataset", "resources": [weights, *items]}  # fmt: skip

    def _resource(self, dataset: str, id_: str, kind: str, name: str) -> dict[str, Any]:
        url = f"http://{self.headers['host']}/dataset/{dataset}/resource/{id_}/download/{name}"
        return {"id": id_, "package_id": f"{dataset}-id", "name": name, "format": kind, "mimetype": None,
                "url": url, "url_type": "upload", "state": "active", "position": 0}  # fmt: skip

    def _say(self, result: dict[str, Any] | None) -> None:
        error = {"message": "Not found", "__type": "Not Found Error"}
        body = {"help": "…", "success": False, "error": error} if result is None else {"help": "…", "success": True}
        self._answer(
            404 if result is None else 200,
            json.dumps(body if result is None else {**body, "result": result}).encode(),
            "application/json;charset=utf-8",
        )

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
