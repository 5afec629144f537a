"""Uploads and manifests against a registry on loopback that breaks off, refuses, ages, and wants to know who asks."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlm_build.config import Settings
from dlm_build.errors import DlmBuildError, HashMismatch, InfraError, UsageError
from dlm_build.fetch import HttpFetcher
from dlm_build.fetching.patience import Patience
from dlm_build.fetching.sending import Part
from dlm_build.oci import content_digest
from dlm_build.progress import Event, silent
from dlm_build.publishing.access import Access
from dlm_build.publishing.artefact import CONFIG, MANIFEST_TYPE, artefact_of
from dlm_build.publishing.credentials import Credentials
from dlm_build.publishing.remote import Blob, Remote
from dlm_build.publishing.target import Target, parse_target
from dlm_build.records import Sif
from tests.unit.publishing.registry import NAME, Answering, Fault, Registry, registry

pytestmark = pytest.mark.loopback
ADA = Credentials("ada", "secret")
SIZE = 3_000_000


@pytest.fixture
def told() -> Iterator[Registry]:
    with registry() as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "m.sif"
    path.write_bytes(os.urandom(SIZE))
    return path


class Pusher:
    def __init__(self, told: Registry, credentials: Credentials | None = None) -> None:
        settings = Settings()
        self.pauses: list[float] = []
        self.web = HttpFetcher(settings, patience=Patience(attempts=4, read=5.0), sleep=self.pauses.append)
        self.target = parse_target(f"{told.host}/{NAME}:1", "0", settings)
        self.access = Access(self.web, self.target, lambda: credentials)
        self.remote = Remote(self.web, self.target, self.access)


def blob_of(file: Path) -> Blob:
    return Blob(content_digest(file.read_bytes()), Part(file, 0, file.stat().st_size))


def on(method: str, part: str, then: Fault) -> Fault:
    return lambda request: request.command == method and part in request.path and then(request)


def dropping(count: int) -> Fault:
    def then(request: Answering) -> bool:
        request.take(count)
        return True

    return then


def refusing(status: int, **headers: str) -> Fault:
    def then(request: Answering) -> bool:
        request.refuse(status, **headers)
        return True

    return then


# --- uploads -----------------------------------------------------------------------------------------------------


def test_a_blob_is_sent_once_and_then_known(told: Registry, file: Path) -> None:
    heard: list[Event] = []
    pusher, blob = Pusher(told), blob_of(file)
    assert pusher.remote.put_blob(blob, heard.append) is True
    assert told.blobs[blob.digest] == file.read_bytes()
    assert pusher.remote.put_blob(blob, heard.append) is False
    assert (told.count("POST"), told.count("PUT"), told.count("PATCH")) == (1, 1, 0)


@pytest.mark.parametrize("at", [0, 1, 65_536, 2_000_000, SIZE - 1])
@pytest.mark.parametrize("keeps", [False, True])
def test_a_broken_upload_arrives_whole(told: Registry, file: Path, at: int, keeps: bool) -> None:
    told.keeps_parts = keeps
    told.faults = [on("PUT", "/uploads/", dropping(at))]
    pusher, blob = Pusher(told), blob_of(file)
    assert pusher.remote.put_blob(blob, silent) is True
    assert told.blobs == {blob.digest: file.read_bytes()}
    went_on = keeps and at > 1
    assert told.count("PATCH") == went_on
    assert told.count("POST") == (1 if went_on else 2)
    assert len(pusher.pauses) == (0 if went_on else 1)


def test_an_upload_that_breaks_again_and_again_goes_on_while_it_gets_further(told: Registry, file: Path) -> None:
    told.keeps_parts = True
    told.faults = [on("PUT", "/uploads/", dropping(1000)), *(on("PATCH", "", dropping(1000)) for _ in range(8))]
    pusher, blob = Pusher(told), blob_of(file)
    pusher.remote.put_blob(blob, silent)
    assert told.blobs[blob.digest] == file.read_bytes() and told.count("POST") == 1


def test_one_that_gets_nowhere_ends(told: Registry, file: Path) -> None:
    told.faults = [on("PUT", "/uploads/", dropping(10)) for _ in range(9)]
    pusher = Pusher(told)
    with pytest.raises(InfraError, match=r"\(4 tries\)"):
        pusher.remote.put_blob(blob_of(file), silent)
    assert told.count("PUT") == 4 and not told.blobs


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
def test_a_busy_registry_is_asked_again(told: Registry, file: Path, status: int, method: str) -> None:
    told.faults = [on(method, "/blobs/", refusing(status))]
    pusher, blob = Pusher(told), blob_of(file)
    assert pusher.remote.put_blob(blob, silent) is True
    assert told.blobs[blob.digest] == file.read_bytes() and len(pusher.pauses) == 1


def test_what_arrived_although_the_answer_was_lost_is_not_sent_again(told: Registry, file: Path) -> None:
    def then(request: Answering) -> bool:
        told.blobs[blob.digest] = request.body()
        request.take(0)
        return True

    blob = blob_of(file)
    told.faults = [on("PUT", "/uploads/", then)]
    assert Pusher(told).remote.put_blob(blob, silent) is False
    assert told.count("PUT") == 1


@pytest.mark.parametrize("left", [0, 1, SIZE - 1])
def test_a_blob_that_is_cut_there_is_sent_again(told: Registry, file: Path, left: int) -> None:
    blob = blob_of(file)
    told.blobs[blob.digest] = file.read_bytes()[:left]
    assert Pusher(told).remote.put_blob(blob, silent) is True
    assert told.blobs[blob.digest] == file.read_bytes()


def test_a_registry_that_keeps_the_cut_one_is_found_out(told: Registry, file: Path) -> None:
    def then(request: Answering) -> bool:
        request.body()
        request.say(201)
        return True

    blob = blob_of(file)
    told.blobs[blob.digest] = file.read_bytes()[:-1]
    told.faults = [on("PUT", "/uploads/", then)]
    with pytest.raises(HashMismatch, match=f"has {SIZE - 1} bytes of the blob {blob.digest}, not {SIZE}") as caught:
        Pusher(told).remote.put_blob(blob, silent)
    assert "operator" in caught.value.hint and told.count("PUT") == 1


def test_a_registry_that_tells_no_size_is_believed(told: Registry, file: Path) -> None:
    def then(request: Answering) -> bool:
        request.send_response_only(200)
        request.send_header("transfer-encoding", "chunked")
        request.end_headers()
        return True

    told.faults = [on("HEAD", "/blobs/", then)]
    assert Pusher(told).remote.put_blob(blob_of(file), silent) is False


def test_another_file_than_was_named_is_refused_by_the_registry(told: Registry, file: Path) -> None:
    blob = blob_of(file)
    file.write_bytes(b"x" * SIZE)
    with pytest.raises(InfraError, match="DIGEST_INVALID"):
        Pusher(told).remote.put_blob(blob, silent)
    assert not told.blobs and told.count("PUT") == 1


def test_a_file_that_shrinks_meanwhile_is_said(told: Registry, file: Path) -> None:
    blob = blob_of(file)
    file.write_bytes(b"short")
    with pytest.raises(InfraError, match="became shorter"):
        Pusher(told).remote.put_blob(blob, silent)


def test_memory_does_not_grow_with_the_file(told: Registry, tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as out:
        out.truncate(64 << 20)
    blob = Blob("sha256:" + "0" * 64, Part(path, 0, 64 << 20))

    def then(request: Answering) -> bool:
        for _ in range(64):
            request.rfile.read(1 << 20)
        request.say(201)
        return True

    told.faults = [on("PUT", "/uploads/", then)]
    tracemalloc.start()
    Pusher(told).remote.put_blob(blob, silent)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


# --- manifests ---------------------------------------------------------------------------------------------------


def sif_of(file: Path) -> Sif:
    return Sif(
        path=str(file), sha256=content_digest(file.read_bytes())[7:], size=file.stat().st_size,
        rootfs_digest="sha256:r", context_digest="c", base_digest="sha256:b",
        made_from="packages", compression="zstd:4", packed_by="m",
    )  # fmt: skip


def test_the_artefact_is_what_apptainer_looks_for(file: Path) -> None:
    made = artefact_of(sif_of(file))
    told = json.loads(made.manifest)
    assert told["config"]["mediaType"] == "application/vnd.sylabs.sif.config.v1+json"
    (layer,) = told["layers"]
    assert layer["mediaType"] == "application/vnd.sylabs.sif.layer.v1.sif"
    assert (layer["size"], layer["annotations"]["org.opencontainers.image.title"]) == (SIZE, "m.sif")
    assert made == artefact_of(sif_of(file)) and made.digest == content_digest(made.manifest)


def test_manifest_by_digest_then_by_tag_and_read_back(told: Registry, file: Path) -> None:
    pusher, made = Pusher(told), artefact_of(sif_of(file))
    assert pusher.remote.tagged("1") is None
    for blob in (blob_of(file), Blob(content_digest(CONFIG), CONFIG)):
        pusher.remote.put_blob(blob, silent)
    pusher.remote.put_manifest(made.manifest, MANIFEST_TYPE, made.digest)
    assert told.tags == {} and pusher.remote.tagged(made.digest) == made.digest
    told.faults = [on("PUT", "/manifests/", refusing(500))]
    pusher.remote.put_manifest(made.manifest, MANIFEST_TYPE, "1")
    assert pusher.remote.tagged("1") == made.digest and pusher.remote.manifest("1") == made.manifest


def test_a_registry_that_changes_manifests_is_found_out(told: Registry) -> None:
    def then(request: Answering) -> bool:
        request.body()
        request.say(201, docker_content_digest="sha256:" + "1" * 64)
        return True

    told.faults = [on("PUT", "/manifests/", then)]
    with pytest.raises(HashMismatch, match="another manifest"):
        Pusher(told).remote.put_manifest(b"{}", MANIFEST_TYPE, "1")


# --- who asks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_credentials_are_shown_when_asked_for(told: Registry, file: Path, scheme: str) -> None:
    told.scheme = scheme
    pusher = Pusher(told, ADA)
    pusher.remote.greet()
    assert pusher.remote.put_blob(blob_of(file), silent) is True
    assert told.count("GET", "/token") == (scheme == "bearer")


def test_an_identity_token_is_exchanged(told: Registry, file: Path) -> None:
    told.scheme = "bearer"
    pusher = Pusher(told, Credentials("<token>", "identity", identity=True))
    assert pusher.remote.put_blob(blob_of(file), silent) is True
    assert told.count("POST", "/token") == 1


def test_a_token_that_ages_during_the_upload_is_fetched_again(told: Registry, file: Path) -> None:
    told.scheme = "bearer"
    pusher = Pusher(told, ADA)
    pusher.remote.greet()

    def then(request: Answering) -> bool:
        told.valid_token = "t2"
        return False

    told.faults = [on("PUT", "/uploads/", then)]
    assert pusher.remote.put_blob(blob_of(file), silent) is True
    assert told.count("GET", "/token") == 2


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_nobody_and_the_wrong_one_are_told_to_log_in(told: Registry, file: Path, scheme: str) -> None:
    told.scheme = scheme
    for credentials in (None, Credentials("ada", "wrong")):
        with pytest.raises(UsageError, match=r"401|does not accept") as caught:
            Pusher(told, credentials).remote.put_blob(blob_of(file), silent)
        assert "docker login" in caught.value.hint or "others" in caught.value.hint
        assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("realm", ["http://elsewhere.example/token", "https://["])
def test_a_password_goes_nowhere_unprotected(told: Registry, file: Path, realm: str) -> None:
    challenge = f'Bearer realm="{realm}",service="lab"'
    told.faults = [on("HEAD", "/blobs/", refusing(401, www_authenticate=challenge))]
    with pytest.raises(InfraError, match="not protected"):
        Pusher(told, ADA).remote.put_blob(blob_of(file), silent)


def test_an_upload_elsewhere_gets_no_credentials(told: Registry, file: Path) -> None:
    told.scheme = "basic"
    with registry() as other:
        other.uploads[f"/v2/{NAME}/blobs/uploads/x"] = b""

        def then(request: Answering) -> bool:
            request.say(202, location=f"http://{other.host}/v2/{NAME}/blobs/uploads/x")
            return True

        told.faults = [on("POST", "", then)]
        with pytest.raises(InfraError, match="not protected"):
            Pusher(told, ADA).remote.put_blob(blob_of(file), silent)
        assert other.asked == []


def test_an_upload_nowhere_is_refused(told: Registry, file: Path) -> None:
    def then(request: Answering) -> bool:
        request.say(202, location="https://[")
        return True

    told.faults = [on("POST", "", then)]
    with pytest.raises(InfraError, match="not protected"):
        Pusher(told, ADA).remote.put_blob(blob_of(file), silent)


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "fix"),
    [
        (403, UsageError, "docker login"),
        (404, UsageError, "create the repository"),
        (405, UsageError, "read-only"),
        (413, InfraError, "limits the size"),
        (507, InfraError, "no space"),
        (400, InfraError, "push again"),
    ],
)
def test_a_refusal_says_what_to_do(
    told: Registry, file: Path, status: int, kind: type[DlmBuildError], fix: str
) -> None:
    told.faults = [on("POST", "", refusing(status))]
    with pytest.raises(kind) as caught:
        Pusher(told).remote.put_blob(blob_of(file), silent)
    assert type(caught.value) is kind and fix in caught.value.hint
    assert f"{status} (DENIED no \\x1b[31mway)" in caught.value.message
    assert told.count("POST") == 1


def test_too_large_is_heard_before_all_is_sent(told: Registry, file: Path) -> None:
    def then(request: Answering) -> bool:
        request.say(413, connection="close")
        request.body()
        return True

    told.faults = [on("PUT", "/uploads/", then)]
    with pytest.raises(InfraError, match=r"refuses the blob .*: 413"):
        Pusher(told).remote.put_blob(blob_of(file), silent)


def test_a_host_that_is_no_registry(told: Registry) -> None:
    told.faults = [on("GET", "/v2/", refusing(404))]
    with pytest.raises(UsageError, match="no container registry"):
        Pusher(told).remote.greet()


def test_http_where_https_was_expected_names_the_setting(told: Registry) -> None:
    pusher = Pusher(told)
    target = Target(host=told.host, name=NAME, tag="1", base=f"https://{told.host}")
    with pytest.raises(InfraError, match="speaks http") as caught:
        Remote(pusher.web, target, pusher.access).greet()
    assert "plain_http = true" in caught.value.hint


def test_nobody_there() -> None:
    with registry() as gone:
        pass
    with pytest.raises(InfraError, match="cannot be reached") as caught:
        Pusher(gone).remote.greet()
    assert gone.host in caught.value.hint and "mirror" not in caught.value.hint
