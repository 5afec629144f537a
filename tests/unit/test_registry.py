"""The registry client, against a stand-in door to HTTP that answers what it was told and refuses the rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dlm_build.config import Registry as RegistrySettings
from dlm_build.config import Settings
from dlm_build.errors import AccessRefused, HashMismatch, InfraError, ResourceExceeded, SourceGone
from dlm_build.fetch import Response
from dlm_build.progress import Notify, silent
from dlm_build.records import BaseImage
from dlm_build.registry import ACCEPT, GIVE_UP_AFTER, INDEX_TYPES, MANIFEST_TYPES, Registry
from dlm_build.store import Store, Stored

HUB = "https://registry-1.docker.io"
MIRROR = "http://127.0.0.1:5000"
CUDA = "docker.io/nvidia/cuda"
MANIFESTS = "/v2/nvidia/cuda/manifests/"
BLOBS = "/v2/nvidia/cuda/blobs/"


def reply(status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Response:
    return Response(status=status, body=body, headers=dict(headers or {}), url="")


class Web:
    """URL → answers, the last one for ever; an exception among them is raised. Anything else is a failed test."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = {url: list(said) if isinstance(said, list) else [said] for url, said in answers.items()}
        self.asked: list[tuple[str, str]] = []
        self.headers: list[Mapping[str, str]] = []

    def get(self, url: str, *, limit: int, headers: Mapping[str, str] | None = None, trusted: bool = False) -> Response:
        assert limit <= 4 << 20
        return self._answer("GET", url, headers, trusted)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None, trusted: bool = False) -> Response:
        return self._answer("HEAD", url, headers, trusted)

    def download(
        self, url: str, store: Store, *, expect: str | None, size: int | None, notify: Notify, trusted: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Stored:  # fmt: skip
        body = self._answer("GET", url, headers, trusted).body
        assert size == len(body)
        return store.add_stream([body], expect)

    def _answer(self, method: str, url: str, headers: Mapping[str, str] | None, trusted: bool) -> Response:
        assert trusted
        self.asked.append((method, url))
        self.headers.append(headers or {})
        assert url in self.answers, f"nobody said what {url} answers"
        said = self.answers[url]
        answer = said.pop(0) if len(said) > 1 else said[0]
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Response)
        return answer


def packed(content: object) -> tuple[bytes, str]:
    body = json.dumps(content).encode()
    return body, f"sha256:{hashlib.sha256(body).hexdigest()}"


CONFIG, CONFIG_DIGEST = packed({"os": "linux", "architecture": "amd64"})
CHILD, CHILD_DIGEST = packed({"mediaType": MANIFEST_TYPES[0], "config": {"digest": CONFIG_DIGEST}, "layers": []})
AMD64 = {"os": "linux", "architecture": "amd64"}
ARM_DIGEST = "sha256:" + "a" * 64
INDEX, INDEX_DIGEST = packed({
    "mediaType": INDEX_TYPES[0],
    "manifests": [
        {"digest": ARM_DIGEST, "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": CHILD_DIGEST, "platform": {"os": "linux", "architecture": "amd64"}},
    ],
})  # fmt: skip


def image(**digests: Any) -> BaseImage:
    return BaseImage(repository=CUDA, tag="12.4.1-base-ubuntu22.04", **digests)


def hub(at: str = HUB) -> dict[str, Any]:
    return {
        f"{at}{MANIFESTS}{INDEX_DIGEST}": reply(body=INDEX),
        f"{at}{MANIFESTS}{CHILD_DIGEST}": reply(body=CHILD),
        f"{at}{BLOBS}{CONFIG_DIGEST}": reply(body=CONFIG),
    }


def mirrored(*mirrors: str) -> Settings:
    return Settings(registries={"docker.io": RegistrySettings(mirrors=mirrors)})


def test_an_index_gives_both_digests_and_its_child_must_be_there() -> None:
    web = Web(hub())
    found = Registry(web, Settings()).resolve(image(index_digest=INDEX_DIGEST))
    assert (found.index_digest, found.platform_digest) == (INDEX_DIGEST, CHILD_DIGEST)
    assert web.asked == [("GET", f"{HUB}{MANIFESTS}{INDEX_DIGEST}"), ("GET", f"{HUB}{MANIFESTS}{CHILD_DIGEST}")]
    assert all(headers["Accept"] == ACCEPT for headers in web.headers)


def test_a_platform_digest_alone_is_checked_for_what_it_is_made_for() -> None:
    found = Registry(Web(hub()), Settings()).resolve(image(platform_digest=CHILD_DIGEST))
    assert (found.index_digest, found.platform_digest) == (None, CHILD_DIGEST)


def test_a_platform_digest_named_as_an_index_is_put_right() -> None:
    found = Registry(Web(hub()), Settings()).resolve(image(index_digest=CHILD_DIGEST))
    assert (found.index_digest, found.platform_digest) == (None, CHILD_DIGEST)


def test_the_index_decides_between_two_digests() -> None:
    found = Registry(Web(hub()), Settings()).resolve(image(index_digest=INDEX_DIGEST, platform_digest=ARM_DIGEST))
    assert found.platform_digest == CHILD_DIGEST


def test_a_tag_gives_its_digests() -> None:
    web = Web(hub() | {f"{HUB}{MANIFESTS}12.4.1-base-ubuntu22.04": reply(body=INDEX)})
    assert Registry(web, Settings()).resolve(image()).index_digest == INDEX_DIGEST


def test_other_bytes_than_the_digest_are_refused() -> None:
    web = Web(hub() | {f"{HUB}{MANIFESTS}{INDEX_DIGEST}": reply(body=INDEX + b" ")})
    with pytest.raises(HashMismatch, match=INDEX_DIGEST):
        Registry(web, Settings()).resolve(image(index_digest=INDEX_DIGEST))


def test_a_mirror_with_other_bytes_is_passed_over() -> None:
    """As a page that asks to sign in is, which a closed network shows in place of everything."""
    page = reply(body=b"<html>Sign in to the guest network</html>")
    web = Web(hub() | dict.fromkeys(hub("https://mirror.example"), page))
    found = Registry(web, mirrored("https://mirror.example")).resolve(image(index_digest=INDEX_DIGEST))
    assert (found.index_digest, found.platform_digest) == (INDEX_DIGEST, CHILD_DIGEST)


def test_a_forged_child_is_refused_too() -> None:
    web = Web(hub() | {f"{HUB}{MANIFESTS}{CHILD_DIGEST}": reply(body=b"{}")})
    with pytest.raises(HashMismatch, match=CHILD_DIGEST):
        Registry(web, Settings()).resolve(image(index_digest=INDEX_DIGEST))


def test_an_image_for_another_system_is_refused() -> None:
    config, config_digest = packed({"os": "linux", "architecture": "arm64"})
    child, child_digest = packed({"config": {"digest": config_digest}})
    web = Web(
        {f"{HUB}{MANIFESTS}{child_digest}": reply(body=child), f"{HUB}{BLOBS}{config_digest}": reply(body=config)}
    )
    with pytest.raises(SourceGone, match="is for linux/arm64"):
        Registry(web, Settings()).resolve(image(platform_digest=child_digest))


def test_an_index_without_our_system_is_refused() -> None:
    body, digest = packed({"manifests": [{"digest": ARM_DIGEST, "platform": {"os": "linux", "architecture": "arm64"}}]})
    with pytest.raises(SourceGone, match="no linux/amd64 image"):
        Registry(Web({f"{HUB}{MANIFESTS}{digest}": reply(body=body)}), Settings()).resolve(image(index_digest=digest))


@pytest.mark.parametrize(
    "content",
    [
        [], "x", 3, {}, {"manifests": 3}, {"config": []}, {"config": {"digest": "../../x"}},
        {"manifests": [3, {"digest": 3, "platform": AMD64}]},
        {"manifests": [{"digest": "sha256:../../x", "platform": AMD64}]},
    ],
)  # fmt: skip
def test_answers_of_nonsense_are_our_errors(content: object) -> None:
    body, digest = packed(content)
    with pytest.raises((InfraError, SourceGone)):
        Registry(Web({f"{HUB}{MANIFESTS}{digest}": reply(body=body)}), Settings()).resolve(image(index_digest=digest))


def test_html_is_not_a_manifest() -> None:
    web = Web({f"{HUB}{MANIFESTS}latest": reply(body=b"<html>sign in</html>")})
    with pytest.raises(InfraError, match="not a JSON object"):
        Registry(web, Settings()).manifest(CUDA, "latest")


# --- mirrors, death and silence -----------------------------------------------------------------------------------


def test_a_mirror_is_asked_first_and_is_enough() -> None:
    web = Web(hub(MIRROR))
    Registry(web, mirrored(f"{MIRROR}/")).resolve(image(index_digest=INDEX_DIGEST))
    assert {url.partition("/v2/")[0] for _, url in web.asked} == {MIRROR}


def test_what_the_mirror_lacks_the_registry_has() -> None:
    web = Web({url: reply(404) for url in hub(MIRROR)} | hub())
    assert Registry(web, mirrored(MIRROR)).resolve(image(index_digest=INDEX_DIGEST)).platform_digest == CHILD_DIGEST


def test_a_pin_that_died_is_gone() -> None:
    web = Web({f"{HUB}{MANIFESTS}{INDEX_DIGEST}": reply(404)})
    with pytest.raises(SourceGone) as caught:
        Registry(web, Settings()).resolve(image(index_digest=INDEX_DIGEST))
    assert INDEX_DIGEST in caught.value.message
    assert "--base" in caught.value.hint


@pytest.mark.parametrize(
    "trouble", [InfraError("connection refused"), ResourceExceeded("too large"), reply(503), reply(429)]
)
def test_no_answer_names_the_setting(trouble: object) -> None:
    web = Web({f"{MIRROR}{MANIFESTS}{INDEX_DIGEST}": reply(404), f"{HUB}{MANIFESTS}{INDEX_DIGEST}": trouble})
    with pytest.raises(InfraError) as caught:
        Registry(web, mirrored(MIRROR)).resolve(image(index_digest=INDEX_DIGEST))
    assert 'registries."docker.io"' in caught.value.hint
    assert "mirrors" in caught.value.hint
    assert f"{MIRROR}: status 404" in caught.value.message


def test_an_address_that_never_answers_is_left_alone() -> None:
    web = Web({f"{HUB}{MANIFESTS}{ARM_DIGEST}": InfraError("no route")})
    registry = Registry(web, Settings())
    for _ in range(GIVE_UP_AFTER + 5):
        with pytest.raises(InfraError):
            registry.state(CUDA, ARM_DIGEST)
    assert len(web.asked) == GIVE_UP_AFTER


def test_state_asks_for_the_head_only() -> None:
    web = Web({f"{HUB}{MANIFESTS}{INDEX_DIGEST}": reply(200), f"{HUB}{MANIFESTS}{ARM_DIGEST}": reply(404)})
    registry = Registry(web, Settings())
    assert (registry.state(CUDA, INDEX_DIGEST), registry.state(CUDA, ARM_DIGEST)) == ("alive", "dead")
    assert {method for method, _ in web.asked} == {"HEAD"}


def test_a_registry_of_this_machine_is_asked_in_plain_http() -> None:
    web = Web({f"http://localhost:5000/v2/x/manifests/{INDEX_DIGEST}": reply(200)})
    assert Registry(web, Settings()).state("localhost:5000/x", INDEX_DIGEST) == "alive"


# --- tokens -------------------------------------------------------------------------------------------------------

REALM = "https://auth.example.org/token"
CHALLENGE = f'Bearer realm="{REALM}",service="registry.example.org",scope="repository:nvidia/cuda:pull"'
TOKEN_URL = f"{REALM}?service=registry.example.org&scope=repository%3Anvidia%2Fcuda%3Apull"


def challenged(header: str = CHALLENGE, token: object = None) -> Web:
    url = f"{HUB}{MANIFESTS}{INDEX_DIGEST}"
    body = json.dumps({"token": "abc"} if token is None else token).encode()
    return Web(
        {url: [reply(401, headers={"Www-Authenticate": header}), reply(body=INDEX)], TOKEN_URL: reply(body=body)}
    )


def test_an_anonymous_token_is_fetched_once_and_sent() -> None:
    web = challenged()
    registry = Registry(web, Settings())
    registry.manifest(CUDA, INDEX_DIGEST)
    registry.manifest(CUDA, INDEX_DIGEST)
    assert [url for _, url in web.asked].count(TOKEN_URL) == 1
    assert [headers.get("Authorization") for headers in web.headers] == [None, None, "Bearer abc", "Bearer abc"]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic realm=x",
        'Bearer realm="http://auth.example.org"',
        'Bearer realm="file:///etc/passwd"',
        "Bearer",
        'Bearer realm=""',
        'Bearer realm="https://["',
    ],
)
def test_a_challenge_we_cannot_meet_ends_there(header: str) -> None:
    web = challenged(header)
    with pytest.raises(SourceGone, match="status 401"):
        Registry(web, Settings()).manifest(CUDA, INDEX_DIGEST)
    assert len(web.asked) == 1


@pytest.mark.parametrize("token", [{"token": "a\r\nX-Evil: 1"}, {"token": 3}, {}])
def test_a_token_that_is_none_is_not_sent(token: object) -> None:
    with pytest.raises(SourceGone):
        Registry(challenged(token=token), Settings()).manifest(CUDA, INDEX_DIGEST)


LAYER = b"a layer"
LAYER_DIGEST = "sha256:" + hashlib.sha256(LAYER).hexdigest()
PINNED = BaseImage(repository=CUDA, tag="x", platform_digest=CHILD_DIGEST)


def with_mirror(answers: Mapping[str, Any]) -> tuple[Registry, Web]:
    web = Web(answers)
    return Registry(web, Settings(registries={"docker.io": RegistrySettings(mirrors=(MIRROR,))})), web


def test_a_layer_comes_from_the_mirror_and_is_not_asked_for_again(tmp_path: Path) -> None:
    registry, web = with_mirror({
        f"{MIRROR}{MANIFESTS}{CHILD_DIGEST}": reply(), f"{MIRROR}{BLOBS}{LAYER_DIGEST}": reply(body=LAYER),
    })  # fmt: skip
    store = Store(tmp_path)
    for _ in range(2):
        stored = registry.blob(PINNED, LAYER_DIGEST, len(LAYER), store, silent)
        assert store.path(stored.sha256).read_bytes() == LAYER
    assert [method for method, _ in web.asked] == ["HEAD", "GET"]


def test_a_layer_that_the_mirror_lacks_comes_from_the_registry_with_its_token(tmp_path: Path) -> None:
    own = "https://registry-1.docker.io"
    challenge = {"www-authenticate": 'Bearer realm="https://auth.example/token",service="s",scope="pull"'}
    registry, web = with_mirror({
        f"{MIRROR}{MANIFESTS}{CHILD_DIGEST}": reply(),
        f"{MIRROR}{BLOBS}{LAYER_DIGEST}": SourceGone("not here"),
        f"{own}{MANIFESTS}{CHILD_DIGEST}": [reply(status=401, headers=challenge), reply()],
        "https://auth.example/token?service=s&scope=pull": reply(body=b'{"token": "t"}'),
        f"{own}{BLOBS}{LAYER_DIGEST}": reply(body=LAYER),
    })  # fmt: skip
    registry.blob(PINNED, LAYER_DIGEST, len(LAYER), Store(tmp_path), silent)
    assert web.headers[-1] == {"authorization": "Bearer t"}


@pytest.mark.parametrize("refusals", [1, 2])
def test_a_token_that_expired_under_way_is_renewed_once(tmp_path: Path, refusals: int) -> None:
    challenge = {"www-authenticate": 'Bearer realm="https://auth.example/token",service="s",scope="pull"'}
    refused, expired = reply(401, headers=challenge), AccessRefused("access is refused (401)")
    web = Web({
        f"{HUB}{MANIFESTS}{CHILD_DIGEST}": [refused, reply(), refused, reply()],
        "https://auth.example/token?service=s&scope=pull": [
            reply(body=b'{"token": "t"}'), reply(body=b'{"token": "u"}'),
        ],
        f"{HUB}{BLOBS}{LAYER_DIGEST}": [expired] * refusals + [reply(body=LAYER)],
    })  # fmt: skip
    registry = Registry(web, Settings())
    if refusals == 1:
        assert registry.blob(PINNED, LAYER_DIGEST, len(LAYER), Store(tmp_path), silent).size == len(LAYER)
    else:
        with pytest.raises(AccessRefused):
            registry.blob(PINNED, LAYER_DIGEST, len(LAYER), Store(tmp_path), silent)
    shown = [headers["authorization"] for headers in web.headers if "authorization" in headers]
    assert shown == ["Bearer t", "Bearer u"]


def test_a_layer_refused_to_one_without_a_token_is_not_asked_for_again(tmp_path: Path) -> None:
    web = Web({
        f"{HUB}{MANIFESTS}{CHILD_DIGEST}": reply(), f"{HUB}{BLOBS}{LAYER_DIGEST}": AccessRefused("refused (401)"),
    })  # fmt: skip
    with pytest.raises(AccessRefused):
        Registry(web, Settings()).blob(PINNED, LAYER_DIGEST, len(LAYER), Store(tmp_path), silent)
    assert [method for method, _ in web.asked] == ["HEAD", "GET"]


def test_a_layer_with_other_bytes_is_no_layer(tmp_path: Path) -> None:
    registry, _ = with_mirror({
        f"{MIRROR}{MANIFESTS}{CHILD_DIGEST}": reply(),
        f"{MIRROR}{BLOBS}{LAYER_DIGEST}": reply(body=b"A LAYER"),
        f"https://registry-1.docker.io{MANIFESTS}{CHILD_DIGEST}": InfraError("out of reach"),
    })  # fmt: skip
    with pytest.raises(HashMismatch):
        registry.blob(PINNED, LAYER_DIGEST, len(LAYER), Store(tmp_path), silent)
