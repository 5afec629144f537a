"""The two ways up to the packing: what is asked of engine, registry and installer, and how they fail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from msgspec.structs import replace

from dlm_build.errors import HashMismatch, InfraError, ItemInvalid, SourceGone
from dlm_build.proc import Finished
from dlm_build.progress import Notify, silent
from dlm_build.records import BaseImage, Image, Record
from dlm_build.sif.base import base_layers
from dlm_build.sif.from_image import image_parts
from dlm_build.sif.from_packages import Sources, package_parts
from dlm_build.sif.make import Progress, Request
from dlm_build.store import Store
from tests.unit.building.locks import rendered, tiny_lock

LAYER = b"layer"


def packed(value: object) -> tuple[bytes, str]:
    raw = json.dumps(value).encode()
    return raw, f"sha256:{hashlib.sha256(raw).hexdigest()}"


CONFIG, CONFIG_DIGEST = packed({"config": {"Env": ["PATH=/bin"]}})
LAYER_DIGEST = f"sha256:{hashlib.sha256(LAYER).hexdigest()}"
MANIFEST, MANIFEST_DIGEST = packed({
    "config": {"digest": CONFIG_DIGEST, "size": len(CONFIG)}, "layers": [{"digest": LAYER_DIGEST, "size": 5}] * 2,
})  # fmt: skip
BASE = BaseImage(repository="docker.io/nvidia/cuda", tag="x", platform_digest=MANIFEST_DIGEST)


class Registry:
    """Has these documents and one layer."""

    def __init__(self, **documents: bytes) -> None:
        self._documents = {CONFIG_DIGEST: CONFIG, MANIFEST_DIGEST: MANIFEST, **documents}
        self.asked: list[str] = []

    def document(self, repository: str, kind: Literal["manifests", "blobs"], digest: str) -> bytes:
        self.asked.append(kind)
        if digest not in self._documents:
            raise SourceGone(f"{repository} {digest}")
        return self._documents[digest]

    def blob(self, image: BaseImage, digest: str, size: int, store: Store, notify: Notify) -> Any:
        assert (image, size) == (BASE, len(LAYER))
        self.asked.append("layer")
        return store.add_stream([LAYER], digest.removeprefix("sha256:"))


def test_a_base_is_fetched_once_and_then_needs_no_network(tmp_path: Path) -> None:
    store, registry = Store(tmp_path), Registry()
    first = base_layers(BASE, registry, store)  # type: ignore[arg-type]
    assert (first.size, first.missing(store)) == (10, 10)
    first.fetch(registry, store, silent)  # type: ignore[arg-type]
    assert registry.asked == ["manifests", "blobs", "layer"], "equal layers are fetched once"
    again = base_layers(BASE, Registry(**{MANIFEST_DIGEST: b""}), store)  # type: ignore[arg-type]
    assert again == first
    assert again.missing(store) == 0
    assert again.environment == {"PATH": "/bin"}
    assert again.sha256s == (LAYER_DIGEST.removeprefix("sha256:"),) * 2


@pytest.mark.parametrize("content", [b"{}", b"[]", b"\xff", b'{"config": {"digest": "x", "size": 1}, "layers": []}'])
def test_a_manifest_that_is_none_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    image = replace(BASE, platform_digest=digest)
    with pytest.raises(InfraError, match="cannot be read"):
        base_layers(image, Registry(**{digest: content}), Store(tmp_path))  # type: ignore[arg-type]


class Handed(Record, frozen=True, kw_only=True):
    layers: tuple[str, ...] = ("l",)
    environment: dict[str, str] = {}
    digests: frozenset[str] = frozenset(("sha256:1",))


class Engine:
    def __init__(self, problem: Exception | None = None) -> None:
        self._problem = problem

    def export(self, reference: str, folder: Path, notify: Notify) -> Handed:
        if self._problem:
            raise self._problem
        return Handed()


IMAGE = Image(reference="x:1", digest="sha256:1", size=1, base_digest="", context_digest="")


def test_another_image_under_the_same_tag_is_noticed(tmp_path: Path) -> None:
    with image_parts(IMAGE, tmp_path, Engine(), Progress(silent), silent) as parts:
        assert (parts.way, len(parts.layers)) == ("image", 1)
    other = replace(IMAGE, digest="sha256:2", config_digest="sha256:3")
    with (
        pytest.raises(InfraError, match="another image"),
        image_parts(other, tmp_path, Engine(), Progress(silent), silent),
    ):
        pass


def test_a_full_disk_while_the_image_is_taken_in_is_said(tmp_path: Path) -> None:
    full = OSError(28, "No space left on device", str(tmp_path / "blob"))
    with (
        pytest.raises(InfraError, match="No space left on device"),
        image_parts(IMAGE, tmp_path, Engine(full), Progress(silent), silent),
    ):
        pass


class Installer:
    """Hears how the installer is started, and ends it so."""

    def __init__(self, status: int = 0, said: str = "") -> None:
        self._status, self._said = status, said
        self.words: Sequence[str] = ()
        self.env: Mapping[str, str] = {}
        self.lying: list[str] = []

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None,
        stdin: bytes | Iterable[bytes] | None = None, timeout: float = 3600.0,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:  # fmt: skip
        self.words, self.env = argv, env or {}
        self.lying = sorted(path.name for path in Path(argv[argv.index("--packages") + 1]).iterdir())
        return Finished(argv=tuple(argv), status=self._status, stdout="", stderr=self._said, seconds=0.1)


def prepared(tmp_path: Path, installer: Installer) -> tuple[Request, Sources, Path]:
    store = Store(tmp_path / "store")
    lock = tiny_lock()
    stored = {package.name: store.add_bytes(package.name.encode()).sha256 for package in lock.packages + lock.installer}
    own = {
        field: tuple(replace(p, sha256=stored[p.name]) for p in getattr(lock, field))
        for field in ("packages", "installer")
    }
    lock = replace(lock, **own)
    folder = tmp_path / "work"
    folder.mkdir()
    return (
        Request(lock, rendered(lock), tmp_path / "x.sif"),
        Sources(None, store, installer, silent),  # type: ignore[arg-type]
        folder,
    )


def base(tmp_path: Path) -> Any:
    return base_layers(BASE, Registry(), Store(tmp_path / "base"))  # type: ignore[arg-type]


def test_the_installer_of_the_context_is_told_the_prefix_and_where_to_write(tmp_path: Path) -> None:
    installer = Installer()
    request, sources, folder = prepared(tmp_path, installer)
    with package_parts(request, base(tmp_path), folder, sources, Progress(silent)) as parts:
        kinds = [type(layer).__name__ for layer in parts.layers]
    assert kinds == ["ImageLayer", "ImageLayer", "TreeLayer", "RowsLayer", "RowsLayer", "RowsLayer"]
    assert [layer.tree.partition("-")[0] for layer in parts.layers[3:]] == ["source", "model", "dlm"]  # type: ignore[attr-defined]
    words = list(installer.words)
    assert words[1:4] == ["-I", "-B", str(folder / "install_environment.py")]
    assert words[words.index("--prefix") + 1] == "/opt/dlm/env"
    assert words[words.index("--root") + 1] == str(folder / "root")
    assert Path(installer.env["TMPDIR"]).parent == folder
    assert installer.lying == sorted(package.filename for package in request.lock.packages + request.lock.installer)
    assert "def install(" in (folder / "install_environment.py").read_text()


@pytest.mark.parametrize(("status", "said", "kind"), [
    (10, "a.whl: sha256 is 0, locked is 1", HashMismatch), (6, "a.whl cannot be installed", ItemInvalid),
    (1, "OSError: No space left on device", InfraError), (1, "what?", InfraError),
])  # fmt: skip
def test_its_failures_are_those_of_a_build(status: int, said: str, kind: type[Exception], tmp_path: Path) -> None:
    request, sources, folder = prepared(tmp_path, Installer(status, said))
    with (
        pytest.raises(kind, match="could not be installed") as caught,
        package_parts(request, base(tmp_path), folder, sources, Progress(silent)),
    ):
        pass
    assert said in str(caught.value)


def test_a_store_that_lacks_a_package_is_said(tmp_path: Path) -> None:
    request, sources, folder = prepared(tmp_path, Installer())
    victim = request.lock.packages[0]
    sources.store.path(victim.sha256).unlink()
    with (
        pytest.raises(InfraError, match=f"the store lacks {victim.filename}"),
        package_parts(request, base(tmp_path), folder, sources, Progress(silent)),
    ):
        pass
