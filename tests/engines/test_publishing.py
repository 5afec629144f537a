"""Pushed to a real registry, pulled by the real Apptainer and Docker; signed, changed, interrupted, pushed again."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from dlm_build.publishing.artefact import CONFIG_TYPE, LAYER_TYPE
from dlm_build.publishing.records import CheckedSif, Pushed, PushedPart
from dlm_build.records import from_json
from dlm_build.registry import ACCEPT
from dlm_build.store import sha256_of
from tests.engines.conftest import Cli, Ended
from tests.engines.test_examples import EXAMPLES

ONNX = str(EXAMPLES / "segmentation-onnx" / "item.json")
pytestmark = pytest.mark.engine


class Hpc(NamedTuple):
    """An ordinary user with Apptainer, as on a cluster."""

    program: str
    user: str
    folder: Path

    def __call__(self, *words: str | Path, keys: Path | None = None) -> subprocess.CompletedProcess[str]:
        home = self.folder / "home"
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home),
            "APPTAINER_CACHEDIR": str(home / "cache"), "APPTAINER_KEYSDIR": str(keys or self.folder / "keys"),
        }  # fmt: skip
        owner = pwd.getpwnam(self.user)
        become = ("setpriv", "--reuid", str(owner.pw_uid), "--regid", str(owner.pw_gid), "--clear-groups", "--")
        return subprocess.run(
            [*become, self.program, *map(str, words)], env=environment, cwd=home, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip

    def key(self, name: str, passphrase: str = "") -> Path:
        """A keyring of its own with one new key."""
        keys = self.folder / name
        keys.mkdir(mode=0o700)
        shutil.chown(keys, self.user)
        made = self("key", "newpair", "--bit-length", "2048", "--name", name, "--email", f"{name}@example.org",
                    "--comment", "test", f"--password={passphrase}", "--push=false", keys=keys)  # fmt: skip
        assert made.returncode == 0, made.stderr
        return keys

    def pull(self, part: PushedPart, *, by: str = "tag") -> Path:
        """The file that `apptainer pull oras://` leaves, no cache helping."""
        target = self.folder / "home" / f"pulled-{len(list((self.folder / 'home').iterdir()))}.sif"
        reference = part.reference if by == "tag" else part.pinned
        pulled = self("pull", "--disable-cache", "--no-https", target, f"oras://{reference}")
        assert pulled.returncode == 0, pulled.stderr
        return target


@pytest.fixture(scope="module")
def hpc(stack: dict[str, Any], ground: Path) -> Iterator[Hpc]:
    folder = ground / "hpc"
    folder.mkdir(mode=0o755)
    told = stack["apptainer"]
    for name in ("home", "keys"):
        (folder / name).mkdir(mode=0o755)
        shutil.chown(folder / name, told["user"])
    yield Hpc(told["program"], told["user"], folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def registry(stack: dict[str, Any]) -> str:
    return str(urlsplit(stack["registry"]).netloc)


@pytest.fixture(scope="module")
def built(hpc: Hpc, config: Path, docker: Any) -> Path:
    """A work folder with an image and a SIF, both verified."""
    ended = Cli(hpc.folder, config)("build", ONNX, "--to", "docker,sif", "--output", "built", "--quiet")
    assert ended.status == 0, ended.stdout + ended.stderr
    return hpc.folder / "built"


@pytest.fixture
def work(hpc: Hpc, built: Path, config: Path, tmp_path: Path) -> Iterator[Cli]:
    """A copy of that folder as `out`, for one test."""
    folder = Path(tempfile.mkdtemp(dir=hpc.folder))
    folder.chmod(0o755)
    shutil.copytree(built, folder / "out")
    for name in ("sif.json", "verified.json", "verified-sif.json"):
        path = folder / "out" / name
        path.write_text(path.read_text().replace('"built/', '"out/').replace(str(built), str(folder / "out")))
    yield Cli(folder, config)
    shutil.rmtree(folder)


@pytest.fixture
def place(registry: str, tmp_path: Path) -> str:
    """A repository nobody has used."""
    return f"{registry}/dlm-push/{os.urandom(6).hex()}"


def push(cli: Cli, place: str, *more: str, keys: Path | None = None) -> Ended:
    env = {"APPTAINER_KEYSDIR": str(keys)} if keys else None
    return cli("push", ONNX, place, "--output", "out", "--json", *more, env=env)


def pushed(ended: Ended) -> Pushed:
    assert ended.status == 0, ended.stdout + ended.stderr
    return from_json(Pushed, ended.stdout.encode())


def sif_of(made: Pushed) -> PushedPart:
    return next(part for part in made.parts if part.kind == "sif")


def tags(place: str) -> list[str]:
    host, _, name = place.partition("/")
    answer = httpx.get(f"http://{host}/v2/{name}/tags/list", trust_env=False)
    return sorted(answer.json().get("tags") or []) if answer.status_code == 200 else []


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as stream:
        stream.seek(at)
        (byte,) = stream.read(1)
        stream.seek(at)
        stream.write(bytes([byte ^ 1]))


# --- pushed and pulled -------------------------------------------------------------------------------------------


def test_the_sif_is_pulled_as_it_was_and_its_sample_runs(work: Cli, place: str, hpc: Hpc) -> None:
    part = sif_of(pushed(push(work, f"{place}:1.0", "--to", "sif")))
    (original,) = (work.folder / "out").glob("*.sif")
    assert part.verdict == "matches on cpu" and part.reference == f"{place}:1.0-sif"
    assert part.sha256 == sha256_of(original) and (part.sent, part.present) == (2, 0)
    for by in ("tag", "digest"):
        pulled = hpc.pull(part, by=by)
        assert sha256_of(pulled) == part.sha256
    tested = hpc("test", pulled)
    assert tested.returncode == 0 and "uint8" in tested.stdout, tested.stderr
    assert hpc("inspect", pulled).stdout.count("matches on cpu") == 1
    checked = work("verify-sif", str(pulled), "--sha256", str(part.sha256), "--json")
    assert from_json(CheckedSif, checked.stdout.encode()).by == ("sha256",)


def test_one_flipped_byte_is_refused_wherever_it_is(work: Cli, place: str, hpc: Hpc) -> None:
    part = sif_of(pushed(push(work, f"{place}:1", "--to", "sif")))
    pulled = hpc.pull(part)
    for at in (0, 75, 4096 + 10, 40_000, part.size // 2, part.size - 1):
        flip(pulled, at)
        refused = work("verify-sif", str(pulled), "--sha256", str(part.sha256))
        assert refused.status in (10, 14), (at, refused)
        flip(pulled, at)
    assert work("verify-sif", str(pulled), "--sha256", str(part.sha256)).status == 0
    (own,) = (work.folder / "out").glob("*.sif")
    flip(own, 40_000)
    refused = work("verify", ONNX, "--to", "sif", "--output", "out")
    assert refused.status == 10 and own.name in refused.stdout + refused.stderr
    assert push(work, f"{place}:2", "--to", "sif").status == 10 and tags(place) == ["1-sif"]


def test_manifest_as_apptainer_writes_it(work: Cli, place: str) -> None:
    part = sif_of(pushed(push(work, f"{place}:1", "--to", "sif")))
    host, _, name = place.partition("/")
    told = httpx.get(
        f"http://{host}/v2/{name}/manifests/{part.digest}", headers={"accept": ACCEPT}, trust_env=False
    ).json()
    assert told["config"]["mediaType"] == CONFIG_TYPE
    assert [(row["mediaType"], row["digest"]) for row in told["layers"]] == [(LAYER_TYPE, f"sha256:{part.sha256}")]


def test_image_and_sif_share_a_repository_and_a_second_push_sends_nothing(work: Cli, place: str, docker: Any) -> None:
    first = pushed(push(work, f"{place}:1.0"))
    image = next(part for part in first.parts if part.kind == "image")
    assert tags(place) == ["1.0", "1.0-sif"] and all(part.tagged for part in first.parts)
    assert json.loads((work.folder / "out" / "image.json").read_text())["digest"] == image.digest
    assert not [tag for row in docker.api.images() for tag in row["RepoTags"] or () if tag.startswith(place)]
    pulled = docker.images.pull(f"{place}@{image.digest}")
    assert pulled.attrs["Descriptor"]["digest"] == image.digest
    again = pushed(push(work, f"{place}:1.0"))
    assert [(part.sent, part.tagged) for part in again.parts] == [(0, False), (0, False)]
    assert [part.digest for part in again.parts] == [part.digest for part in first.parts]
    assert from_json(Pushed, (work.folder / "out" / "pushed.json").read_bytes()) == again


def test_a_tag_in_use_is_moved_only_when_asked(work: Cli, place: str) -> None:
    first = sif_of(pushed(push(work, f"{place}:1", "--to", "sif")))
    refused = push(work, f"{place}:1-sif", "--to", "docker")
    assert refused.status == 2 and first.digest in refused.stderr and "--replace" in refused.stderr
    moved = pushed(push(work, f"{place}:1-sif", "--to", "docker", "--replace"))
    assert moved.parts[0].replaced == first.digest


# --- what may not be pushed --------------------------------------------------------------------------------------


def test_what_was_not_verified_or_does_not_match_stays_here(work: Cli, place: str) -> None:
    record = work.folder / "out" / "verified-sif.json"
    told = json.loads(record.read_text())
    told["verdict"]["outcome"] = "mismatch"
    record.write_text(json.dumps(told))
    for more in ((), ("--unverified",)):
        refused = push(work, f"{place}:1", *more)
        assert refused.status == 2 and "never pushed" in refused.stderr
    record.unlink()
    refused = push(work, f"{place}:1", "--to", "sif")
    assert refused.status == 2 and "--unverified" in refused.stderr
    assert tags(place) == []
    assert sif_of(pushed(push(work, f"{place}:1", "--to", "sif", "--unverified"))).verdict == "not verified"


@pytest.mark.parametrize(
    ("place", "status", "told"),
    [("127.0.0.1:9/a/b:1", 14, "cannot be reached"), ("you/coast:1", 2, "names no registry")],
)
def test_where_nothing_can_be_pushed(work: Cli, place: str, status: int, told: str) -> None:
    ended = work("push", ONNX, place, "--output", "out")
    assert ended.status == status and told in ended.stderr


# --- signed ------------------------------------------------------------------------------------------------------


def test_signed_pulled_verified_and_refused_where_it_was_changed(work: Cli, place: str, hpc: Hpc) -> None:
    keys = hpc.key("ada")
    part = sif_of(pushed(push(work, f"{place}:1", "--sign", keys=keys)))
    assert part.signed_by and len(part.signed_by) == 40
    again = sif_of(pushed(push(work, f"{place}:1", "--sign", "--key", part.signed_by[-16:], keys=keys)))
    assert (again.digest, again.sent, again.tagged) == (part.digest, 0, False)
    own = work("verify", ONNX, "--to", "sif", "--output", "out", env={"APPTAINER_KEYSDIR": str(keys)})
    assert own.status == 0, own.stderr
    pulled = hpc.pull(part)
    assert hpc("verify", "--local", "--all", pulled, keys=keys).returncode == 0
    assert hpc("test", pulled, keys=keys).returncode == 0
    known = {"APPTAINER_KEYSDIR": str(keys)}
    told = work("verify-sif", str(pulled), "--json", env=known)
    assert from_json(CheckedSif, told.stdout.encode()).signed_by == (part.signed_by,)
    for at in (8, 75, 85, 4096 + 3, 4096 + 3 * 585 + 50, 35_500, part.size // 3, part.size - 200):
        flip(pulled, at)
        refused = work("verify-sif", str(pulled), env=known)
        assert refused.status in (10, 14), (at, refused)
        flip(pulled, at)
    with pulled.open("ab") as stream:
        stream.write(b"\0")
    assert work("verify-sif", str(pulled), env=known).status == 10


def test_other_keys_and_parts_are_refused(work: Cli, place: str, hpc: Hpc) -> None:
    keys, others = hpc.key("bob"), hpc.key("mallory")
    part = sif_of(pushed(push(work, f"{place}:1", "--to", "sif", "--sign", keys=keys)))
    pulled = hpc.pull(part)
    unknown = work("verify-sif", str(pulled), env={"APPTAINER_KEYSDIR": str(others)})
    assert unknown.status == 10 and "does not know" in unknown.stderr and str(part.signed_by) in unknown.stderr
    wrong = work("verify-sif", str(pulled), "--key", "AB" * 20, env={"APPTAINER_KEYSDIR": str(keys)})
    assert wrong.status == 10 and "not by" in wrong.stderr
    (plain,) = (work.folder / "out").glob("*.sif")
    partly = hpc.folder / "home" / "partly.sif"
    shutil.copy(hpc.folder / "built" / plain.name, partly)
    shutil.chown(partly, hpc.user)
    assert hpc("sign", "--keyidx", "0", "--sif-id", "2", partly, keys=keys).returncode == 0
    refused = work("verify-sif", str(partly), env={"APPTAINER_KEYSDIR": str(keys)})
    assert refused.status == 10


def test_a_key_with_a_passphrase(work: Cli, place: str, hpc: Hpc, tmp_path: Path) -> None:
    keys = hpc.key("carol", "open sesame")
    before = (work.folder / "out" / "sif.json").read_bytes()
    without = push(work, f"{place}:1", "--to", "sif", "--sign", keys=keys)
    assert without.status == 2 and "--passphrase-file" in without.stderr
    for text, status in (("wrong", 2), ("open sesame", 0)):
        assert (work.folder / "out" / "sif.json").read_bytes() == before
        (tmp_path / "phrase").write_text(f"{text}\n")
        ended = push(work, f"{place}:1", "--sign", "--passphrase-file", str(tmp_path / "phrase"), keys=keys)
        assert ended.status == status and text not in ended.stderr + ended.stdout, ended.stderr
    assert sorted(path.suffix for path in (work.folder / "out").glob("*.sif*")) == [".sif"]


# --- broken off --------------------------------------------------------------------------------------------------


class Proxy:
    """Stands before the registry; hangs up once a connection has sent it so many bytes, or answers in its place."""

    def __init__(self, port: int, upstream: tuple[str, int]) -> None:
        self.port, self._upstream = port, upstream
        self.hang_up: list[int] = []
        """For one connection each, from the next on that sends more."""
        self.answer: Callable[[bytes], bytes | None] = lambda head: None

    def serve(self, client: socket.socket) -> None:
        limit = self.hang_up[0] if self.hang_up else None
        with closing(client), closing(socket.create_connection(self._upstream)) as server:
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            sent = 0
            with suppress(OSError):
                while data := client.recv(65536):
                    if (said := self.answer(data)) is not None:
                        client.sendall(said)
                        return
                    sent += len(data)
                    if limit is not None and sent > limit:
                        self.hang_up.pop(0)
                        return
                    server.sendall(data)
            with suppress(OSError):
                server.shutdown(socket.SHUT_WR)
            back.join(10)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


@contextmanager
def before(registry: str) -> Iterator[Proxy]:
    host, _, port = registry.partition(":")
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(listener.getsockname()[1], (host, int(port)))

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=proxy.serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield proxy
    listener.close()


def unavailable(method: bytes, part: bytes) -> Callable[[bytes], bytes | None]:
    text = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    return lambda head: text if head.startswith(method) and part in head.split(b"\r\n", 1)[0] else None


@pytest.mark.parametrize("share", [0.001, 0.2, 0.995])
def test_a_connection_that_breaks_is_made_up_for(work: Cli, place: str, registry: str, share: float, hpc: Hpc) -> None:
    (sif,) = (work.folder / "out").glob("*.sif")
    with before(registry) as proxy:
        proxy.hang_up = [int(share * sif.stat().st_size)]
        there = place.replace(registry, f"127.0.0.1:{proxy.port}")
        part = sif_of(pushed(push(work, f"{there}:1", "--to", "sif")))
        assert proxy.hang_up == []
    assert tags(place) == ["1-sif"] and part.sent == 2


@pytest.mark.parametrize(
    ("method", "part"), [(b"PUT", b"/manifests/"), (b"PUT", b"/manifests/1-sif"), (b"POST", b"/blobs/")]
)
def test_a_push_that_fails_midway_leaves_no_tag_and_the_next_one_completes(
    work: Cli, place: str, registry: str, method: bytes, part: bytes
) -> None:
    with before(registry) as proxy:
        there = place.replace(registry, f"127.0.0.1:{proxy.port}")
        proxy.answer = unavailable(method, part)
        failed = push(work, f"{there}:1", "--to", "sif")
        assert failed.status == 14 and failed.report.verdict.hint, failed
        assert tags(place) == []
        proxy.answer = lambda head: None
        made = sif_of(pushed(push(work, f"{there}:1", "--to", "sif")))
    assert tags(place) == ["1-sif"]
    assert made.sent == (0 if method == b"PUT" else 2)


def test_an_image_push_that_fails_leaves_no_tag(work: Cli, place: str, registry: str) -> None:
    with before(registry) as proxy:
        there = place.replace(registry, f"127.0.0.1:{proxy.port}")
        proxy.answer = unavailable(b"PUT", b"/manifests/")
        failed = push(work, f"{there}:1", "--to", "docker")
        assert failed.status == 14 and "push again" in failed.report.verdict.hint, failed
        assert tags(place) == []
        proxy.answer = lambda head: None
        assert pushed(push(work, f"{there}:1", "--to", "docker")).parts[0].tagged
    assert tags(place) == ["1"]
