"""The story of a push, against a registry on loopback and an engine that only notes what it was given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from dlm_build.building.pushing import EnginePush
from dlm_build.doors import Doors
from dlm_build.errors import Outcome, UsageError
from dlm_build.fetch import HttpFetcher
from dlm_build.kept import load_sif
from dlm_build.oci import content_digest
from dlm_build.publishing.admitting import Wanted
from dlm_build.publishing.artefact import MANIFEST_TYPE
from dlm_build.publishing.push import push_item
from dlm_build.publishing.records import Pushed
from dlm_build.publishing.signing import Key
from dlm_build.records import Image, Sif, Verdict
from dlm_build.verifying import Verified
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
        digest = content_digest(MANIFEST)
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


# --- what may go out -----------------------------------------------------------------------------------------------


def test_what_was_never_run_is_told_apart_from_what_could_not_be_judged(pusher: Pusher, world: World) -> None:
    world.run(verify=False)
    with pytest.raises(UsageError, match="was not verified"):
        pusher()
    world.verdict = Verdict(outcome=Outcome.MODEL_ERROR, summary="the handler raised KeyError")
    world.run()
    with pytest.raises(UsageError, match="its run ended in model-error: the handler raised KeyError") as refused:
        pusher()
    assert refused.value.hint == "mend the model; or push it as it is with --unverified"
    assert [part.verdict for part in pusher(unverified=True).parts] == ["not verified"]


@pytest.mark.parametrize(
    ("outcome", "refusal"), [(Outcome.MATCHES, "was not verified, or otherwise"), (Outcome.MISMATCH, "does not give")]
)
def test_what_was_judged_by_another_comparison_is_judged_again_first(
    pusher: Pusher, world: World, outcome: Outcome, refusal: str
) -> None:
    """A release that finds more must not publish what an older one let through; what that refused stays refused."""
    world.verdict = Verdict(outcome=outcome, summary="of an older release")
    world.run()
    kept = world.work.load("verified.json", Verified)
    assert kept
    world.work.save("verified.json", replace(kept, rules="older"))
    with pytest.raises(UsageError, match=refusal):
        pusher()
    world.verdict = Verdict(outcome=Outcome.MATCHES, summary="")
    world.run()
    assert pusher().parts[0].verdict.startswith("matches")


# --- what is refused changes nothing here --------------------------------------------------------------------------


KEY = Key(number=0, fingerprint="AD" * 20, name="Ada")


class Signs:
    """A keyring with one key, which notes that it was used."""

    signed: ClassVar[list[str]] = []

    def __init__(self, *_doors: object) -> None: ...

    def key(self, _wanted: str | None) -> Key:
        return KEY

    def sign(self, sif: Sif, key: Key, _ask: object) -> Sif:
        self.signed.append(key.fingerprint)
        return replace(sif, signed_by=key.fingerprint)


@pytest.fixture
def unlabelled(world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A SIF without the label of its verdict; it must be the same afterwards, and its record too."""
    monkeypatch.setattr("dlm_build.publishing.push.Signer", Signs)
    monkeypatch.setattr("dlm_build.publishing.tags.signers", lambda _path: tuple(Signs.signed))
    Signs.signed.clear()
    made = world.run(to=("sif",)).sif
    kept = load_sif(world.work)
    assert made and kept
    world.work.save("sif.json", replace(kept, verdict=""))
    world.done.clear()
    return Path(made.path)


def leads_elsewhere(told: Registry, tag: str) -> None:
    digest = content_digest(MANIFEST)
    told.manifests[digest], told.tags[tag] = (MANIFEST_TYPE, MANIFEST), digest


@pytest.mark.parametrize("wanted", [{}, {"sign": True}])
@pytest.mark.parametrize("why", ["tag in use", "no registry"])
def test_a_refused_push_leaves_the_sif_as_it_was(
    pusher: Pusher, world: World, told: Registry, unlabelled: Path, why: str, wanted: dict[str, Any]
) -> None:
    before = [path.read_bytes() for path in (unlabelled, world.work.root / "sif.json")]
    if why == "tag in use":
        leads_elsewhere(told, "1-sif")
    else:
        told.faults = [lambda request: request.refuse(404) or True]  # type: ignore[func-returns-value]
    with pytest.raises(UsageError, match="is sha256:.* already" if why == "tag in use" else "no container registry"):
        pusher(**wanted)
    assert [path.read_bytes() for path in (unlabelled, world.work.root / "sif.json")] == before
    assert world.done == [] and Signs.signed == [] and told.count("POST") == 0
    if why == "tag in use":
        (part,) = pusher(**wanted, replace=True).parts
        assert (
            part.replaced == content_digest(MANIFEST)
            and world.done == ["label"]
            and Signs.signed == ([KEY.fingerprint] if wanted else [])
        )


def test_a_tag_that_may_lead_to_the_same_is_asked_again_once_the_bytes_are_known(
    pusher: Pusher, world: World, told: Registry, unlabelled: Path
) -> None:
    first = pusher().parts[0]
    unlabelled.write_bytes(b"a SIF")
    kept = load_sif(world.work)
    assert kept
    plain = replace(kept.sif, sha256=sha256(b"a SIF").hexdigest(), size=5)
    world.work.save("sif.json", replace(kept, sif=plain, verdict=""))
    again = pusher().parts[0]
    assert (again.digest, again.tagged, again.sent) == (first.digest, False, 0)
    assert world.done == ["label", "label"]


def test_what_is_signed_already_is_pushed_again_and_what_is_signed_anew_is_another(
    pusher: Pusher, told: Registry, unlabelled: Path
) -> None:
    first = pusher(sign=True).parts[0]
    assert pusher(sign=True).parts[0].digest == first.digest
    Signs.signed.clear()
    with pytest.raises(UsageError, match="not what would be pushed"):
        pusher(sign=True)
    assert Signs.signed == []
