"""The story of a push, against a registry on loopback and an engine that only notes what it was given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from dlm_build.building.pushing import EnginePush
from dlm_build.doors import Doors
from dlm_build.fetch import HttpFetcher
from dlm_build.publishing.artefact import MANIFEST_TYPE, digest_of
from dlm_build.publishing.push import Wanted, push_item
from dlm_build.publishing.records import Pushed
from dlm_build.records import Image
from tests.unit.plans import DIGEST
from tests.unit.publishing.registry import NAME, Registry, registry
from tests.unit.test_pipeline import World, world

__all__ = ["world"]
pytestmark = pytest.mark.loopback
MANIFEST = json.dumps({"config": {"digest": DIGEST}, "layers": []}).encode()


@pytest.fixture
def told() -> Iterator[Registry]:
    with registry() as made:
        yield made


class Pusher:
    """Pushes what `world` built."""

    def __init__(self, world: World, told: Registry) -> None:
        self._world, self._told = world, told
        self.shown: list[dict[str, str]] = []
        """Credentials that the engine was given."""
        world.settings = replace(world.settings, environment={"DOCKER_CONFIG": str(world.folder)})

    def __call__(self, tag: str = "1", **wanted: Any) -> Pushed:
        order = Wanted(target=f"{self._told.host}/{NAME}:{tag}", **wanted)
        doors = self._doors()
        web = HttpFetcher(doors.settings)
        return push_item(str(self._world.item), self._world.options(), order, doors, web, lambda: None)

    def _doors(self) -> Doors:
        self._world.engine.push = self._push  # type: ignore[attr-defined]
        return self._world.doors()

    def _push(self, image: Image, repository: str, tag: str, credentials: dict[str, str], *_more: object) -> EnginePush:
        self.shown.append(credentials)
        digest = digest_of(MANIFEST)
        self._told.manifests[digest], self._told.tags[tag] = (MANIFEST_TYPE, MANIFEST), digest
        return EnginePush(digest=digest, sent=1, present=0)


@pytest.fixture
def pusher(world: World, told: Registry) -> Pusher:
    return Pusher(world, told)


# --- who pushes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("logged_in", [True, False])
def test_the_engine_knows_who_pushes_where_anybody_may_read(
    pusher: Pusher, world: World, told: Registry, logged_in: bool
) -> None:
    world.run()
    known = {told.host: {"username": "ada", "password": "secret"}} if logged_in else {}
    (world.folder / "config.json").write_text(json.dumps({"auths": known}))
    pusher()
    assert pusher.shown == [{"username": "ada", "password": "secret"} if logged_in else {}]
    assert told.authorizations == []
