"""An image at a registry: the very one that was judged, or an error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dlm_build.building.pushing import EnginePush
from dlm_build.config import Settings
from dlm_build.errors import HashMismatch
from dlm_build.fetch import HttpFetcher
from dlm_build.oci import content_digest
from dlm_build.progress import silent
from dlm_build.publishing.access import Access
from dlm_build.publishing.artefact import MANIFEST_TYPE
from dlm_build.publishing.remote import Remote
from dlm_build.publishing.sending import push_image
from dlm_build.publishing.tags import Place
from dlm_build.publishing.target import parse_target
from dlm_build.records import Image
from tests.unit.publishing.registry import NAME, Registry, registry

pytestmark = pytest.mark.loopback
CONFIG = "sha256:" + "c" * 64
OTHER = "sha256:" + "d" * 64


class Sending:
    """An engine that pushes a manifest with this configuration, whatever it is asked for."""

    def __init__(self, told: Registry, config: str) -> None:
        self.told = told
        self.manifest = json.dumps({"config": {"digest": config}, "layers": [{"size": 7}]}).encode()

    def push(self, _image: Image, _repository: str, tag: str, *_: Any) -> EnginePush:
        digest = content_digest(self.manifest)
        self.told.manifests[digest] = (MANIFEST_TYPE, self.manifest)
        self.told.tags[tag] = digest
        return EnginePush(digest=digest, sent=1, present=0)


class Doors:
    def __init__(self, engine: Sending) -> None:
        self.engine = engine


def pushed(told: Registry, engine: Sending, digest: str, config: str) -> Any:
    settings = Settings()
    web = HttpFetcher(settings)
    target = parse_target(f"{told.host}/{NAME}:1", "0", settings)
    access = Access(web, target, lambda: None)
    place = Place(target, access, Remote(web, target, access), silent, False)
    image = Image(
        reference="dlm/x:1", digest=digest, config_digest=config, size=7, base_digest="", context_digest="", layers=()
    )
    doors: Any = Doors(engine)
    return push_image(image, "matches on cpu", None, place, doors)


@pytest.mark.parametrize("manifests", [True, False], ids=["containerd store", "classic store"])
def test_the_image_that_was_judged_is_told(manifests: bool) -> None:
    with registry() as told:
        engine = Sending(told, CONFIG)
        digest = content_digest(engine.manifest)
        part = pushed(told, engine, digest if manifests else CONFIG, CONFIG)
    assert (part.digest, part.size, part.verdict) == (digest, 7, "matches on cpu")


@pytest.mark.parametrize("known", ["sha256:" + "a" * 64, CONFIG], ids=["containerd store", "classic store"])
def test_another_image_never_goes_under_its_verdict(known: str) -> None:
    with registry() as told, pytest.raises(HashMismatch, match=f"not the image {known} that was built"):
        pushed(told, Sending(told, OTHER), known, CONFIG)
