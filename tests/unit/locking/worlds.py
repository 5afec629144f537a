"""Small channels on disk and doors that refuse what they were not told."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock as Mutex
from typing import Any

from msgspec.structs import replace

from dlm_build.config import Channels, Settings
from dlm_build.proc import Finished
from dlm_build.progress import Event, Notify
from dlm_build.records import BaseImage, EnvironmentSpec, Package, Plan
from dlm_build.store import Store, Stored
from tests.unit.plans import tiny_plan

Y2020, Y2024 = 1577836800000, 1704067200000
"""Build times in milliseconds."""


def conda_package(folder: Path, name: str, version: str, *depends: str, **index: Any) -> bytes:
    """Write a real, empty conda package into the channel `folder`; its bytes."""
    record: dict[str, Any] = {
        "name": name, "version": version, "build": "0", "build_number": 0, "depends": list(depends),
        "subdir": "noarch", "noarch": "generic", "timestamp": Y2020, **index,
    }  # fmt: skip
    files = {"info/index.json": json.dumps(record), "info/paths.json": '{"paths": [], "paths_version": 1}'}
    target: Path = folder / record["subdir"] / f"{name}-{version}-{record['build']}.tar.bz2"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w:bz2") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return target.read_bytes()


def index(folder: Path) -> None:
    """Index the channel as rattler does it: everything counts as shown for the first time now."""
    from rattler.index import index_fs

    async def work() -> None:
        await index_fs(folder, write_shards=False)
        await asyncio.sleep(0.05)

    (folder / "noarch").mkdir(parents=True, exist_ok=True)
    asyncio.run(work())


def by_hand(folder: Path, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """A channel whose index says whatever the test likes."""
    for subdir, packages in (("noarch", rows), ("linux-64", {})):
        (folder / subdir).mkdir(parents=True)
        text = json.dumps({"info": {"subdir": subdir}, "packages": {}, "packages.conda": packages})
        (folder / subdir / "repodata.json").write_text(text)


def site(*channel: Path, **channels: tuple[str, ...]) -> Settings:
    """Settings with mirrors of conda-forge, the first to be asked first."""
    mirrors = {"conda-forge": tuple(f"file://{path}" for path in channel), **channels}
    return Settings(channels=Channels(mirrors=mirrors))


def asking(*conda: str, as_of: str | None = None, **spec: Any) -> Plan:
    """A plan for this environment."""
    return tiny_plan(as_of=as_of, environment=EnvironmentSpec(origin="inferred", conda=conda, **spec))


def a_package(**changes: Any) -> Package:
    """A whole conda package record; keyword arguments replace its fields."""
    package = Package(
        manager="conda", name="numpy", version="2.1.3", build="py311h0_0", subdir="linux-64", channel="conda-forge",
        filename="numpy-2.1.3-py311h0_0.conda", url="https://channel.example/x/linux-64/numpy-2.1.3-py311h0_0.conda",
        sha256="a" * 64, md5="b" * 32, size=3, depends=("python >=3.11,<3.12.0a0", "__glibc >=2.17"),
    )  # fmt: skip
    return replace(package, **changes)


def a_wheel(**changes: Any) -> Package:
    """A whole wheel record; keyword arguments replace its fields."""
    wheel = Package(
        manager="pip", name="affine", version="2.4.0", filename="affine-2.4.0-py3-none-any.whl", channel="index",
        url="https://index.example/affine-2.4.0-py3-none-any.whl", sha256="c" * 64, size=3,
    )  # fmt: skip
    return replace(wheel, **changes)


def pylock(*wheels: Package) -> str:
    """What uv prints for them."""
    names = dict.fromkeys(wheel.name for wheel in wheels)
    return "lock-version = '1.0'\n" + "".join(_entry([w for w in wheels if w.name == name]) for name in names)


def _entry(wheels: Sequence[Package]) -> str:
    rows = ", ".join(f"{{ url = '{w.url}', hashes = {{ sha256 = '{w.sha256}' }} }}" for w in wheels)
    return f"[[packages]]\nname = '{wheels[0].name}'\nversion = '{wheels[0].version}'\nwheels = [{rows}]\n"


class FakeUv:
    """Programs that know one program, and answer its calls one after the other."""

    def __init__(self, *answers: str | Finished) -> None:
        self.answers = list(answers)
        self.argvs: list[tuple[str, ...]] = []
        self.asked: list[str] = []
        self.constraints: list[str] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: bytes | Iterable[bytes] | None = None,
        timeout: float = 3600.0,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        assert Path(argv[0]).name == "uv" and tuple(argv[1:3]) == ("pip", "compile"), argv
        assert self.answers, f"asked once too often: {argv}"
        self.argvs.append(tuple(argv))
        assert stdin is None or isinstance(stdin, bytes)
        self.asked.append((stdin or b"").decode())
        if "--constraints" in argv:
            self.constraints.append(Path(argv[argv.index("--constraints") + 1]).read_text())
        answer = self.answers.pop(0)
        return answer if isinstance(answer, Finished) else ended(0, stdout=answer)


def ended(status: int, stdout: str = "", stderr: str = "", *, timed_out: bool = False) -> Finished:
    return Finished(argv=("uv",), status=status, stdout=stdout, stderr=stderr, seconds=0.1, timed_out=timed_out)


class FakeFetch:
    """Serves the bytes it was given by URL and refuses every other; counts how many run at once."""

    def __init__(self, served: Mapping[str, bytes]) -> None:
        self.served = served
        self.asked: list[tuple[str, bool]] = []
        self.most = 0
        self._now = 0
        self._mutex = Mutex()

    def download(
        self, url: str, store: Store, *, expect: str | None, size: int | None, notify: Notify, trusted: bool = False
    ) -> Stored:
        with self._mutex:
            self.asked.append((url, trusted))
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            assert url in self.served, f"not told of {url}"
            stored = store.add_bytes(self.served[url])
            assert expect == stored.sha256
            notify(Event(step="gather", text=url, done=stored.size, total=stored.size))
            return stored
        finally:
            with self._mutex:
                self._now -= 1


class FileFetch(FakeFetch):
    """Serves files of the test's own channel."""

    def __init__(self, root: Path) -> None:
        super().__init__({f"file://{path}": path.read_bytes() for path in root.rglob("*") if path.is_file()})


class FakeRegistry:
    """Knows the digests it was told."""

    def resolve(self, image: BaseImage) -> BaseImage:
        return replace(image, index_digest="sha256:" + "e" * 64)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
