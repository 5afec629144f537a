"""The stand-in base images: Debian underneath, with a real CUDA runtime library or a python on top."""

from __future__ import annotations

import json
import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.stack import apt, debs, registry
from tests.stack.layers import EPOCH, Layer, Member, file_member, link_member, tree_members, write_layer
from tests.stack.layout import Choices, State, read_json, write_json
from tests.stack.registry import Blob, Repository
from tests.stack.shell import run, step

DATA = Path(__file__).parent / "data"
CREATED = "2024-01-01T00:00:00Z"
RECIPE = 2  # raise it when a change below alters the images, so that cached ones are made again


@dataclass(frozen=True)
class Base:
    """A stand-in as the registry serves it."""

    repository: str
    index: str
    platform: str
    tags: tuple[str, ...]


def tags_of(repository: str) -> list[str]:
    """The tags a stand-in is served under."""
    listed: list[str] = json.loads((DATA / "tags.json").read_text())[repository]
    return listed


def ensure_bases(state: State, choices: Choices, pip_wheel: Path) -> list[Base]:
    """Make the base images unless they are in the state folder, and see that the registry serves them."""
    layers = _ensure_layers(state, pip_wheel)
    return [
        _serve(state, choices, "nvidia/cuda", [layers["debian"], layers["cuda"]]),
        _serve(state, choices, "library/python", [layers["debian"], layers["python"]]),
    ]


def _ensure_layers(state: State, pip_wheel: Path) -> dict[str, Layer]:
    note = state.path("images", "layers.json")
    known = read_json(note)
    if known.get("recipe") != RECIPE:
        made = _make_layers(state, pip_wheel)
        known = {"recipe": RECIPE, "layers": {key: asdict(layer) for key, layer in made.items()}}
        write_json(note, json.loads(json.dumps(known, default=str)))
        known = read_json(note)
    rows = known["layers"]
    assert isinstance(rows, dict)
    return {key: Layer(Path(row["path"]), row["digest"], row["diff_id"]) for key, row in rows.items()}


def _make_layers(state: State, pip_wheel: Path) -> dict[str, Layer]:
    folder = state.path("images")
    root = folder / "rootfs"
    with step(f"bootstrapping {apt.BASE_SUITE} for the base images"):
        _bootstrap(root)
    with step("packing the layers of the base images"):
        made = {
            "debian": write_layer(folder / "debian.tar.gz", tree_members(root)),
            "python": write_layer(folder / "python.tar.gz", _with_folders(_python_files(state, pip_wheel))),
            "cuda": write_layer(folder / "cuda.tar.gz", _with_folders(_cuda_files(state, root))),
        }
    shutil.rmtree(root)
    return made


def _bootstrap(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    left_out = ("man", "info", "locale", "doc")
    run(
        [
            apt.find_program("mmdebstrap"),
            "--quiet",
            "--mode=root",
            "--variant=minbase",
            "--architectures=amd64",
            f"--keyring={apt.KEYRING}",
            *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in left_out),
            apt.BASE_SUITE,
            root,
            apt.debian_mirror(),
        ],
        env={"SOURCE_DATE_EPOCH": str(EPOCH)},
        hint="check the Debian mirror; as root on a plain file system",
    )
    for name in ("hostname", "resolv.conf"):  # copied from this machine: not for an image, and unlike elsewhere
        (root / "etc" / name).write_bytes(b"")
        (root / "etc" / name).chmod(0o644)


def _with_folders(members: Iterator[Member]) -> Iterator[Member]:
    """Members sorted by name, each after the folders it lies in, owned by root, with the fixed time."""
    seen: set[str] = set()
    for info, content in sorted(members, key=lambda member: member[0].name):
        for parent in reversed(Path(info.name).parents[:-1]):
            if parent.as_posix() not in seen:
                seen.add(parent.as_posix())
                folder = tarfile.TarInfo(parent.as_posix())
                folder.type, folder.mode, folder.mtime = tarfile.DIRTYPE, 0o755, EPOCH
                yield folder, b""
        info.mtime, info.uid, info.gid, info.uname, info.gname = EPOCH, 0, 0, "", ""
        yield info, content


def _python_files(state: State, pip_wheel: Path) -> Iterator[Member]:
    """Debian's python3.11 as ``python`` on PATH, with pip, and free to install packages as the real image is."""
    for deb in apt.download(state, apt.BASE_SUITE, "main", debs.PYTHON + debs.PYTHON_LIBRARIES):
        for info, content in debs.members(deb):
            if not info.name.startswith(("usr/share/", "etc/")) and not info.name.endswith("/EXTERNALLY-MANAGED"):
                info.linkname = info.linkname.removeprefix("./")
                yield info, content
    yield file_member("etc/ssl/certs/ca-certificates.crt", _authorities(state))
    for name in ("python", "python3", "python3.11"):
        yield link_member(f"usr/local/bin/{name}", "/usr/bin/python3.11")
    yield file_member("usr/local/bin/pip", b'#!/bin/sh\nexec /usr/local/bin/python3.11 -m pip "$@"\n', 0o755)
    with zipfile.ZipFile(pip_wheel) as wheel:
        for name in wheel.namelist():
            yield file_member(f"usr/local/lib/python3.11/dist-packages/{name}", wheel.read(name))


def _authorities(state: State) -> bytes:
    """The bundle of certificate authorities, which the real image has too and TLS libraries want at their start."""
    (deb,) = apt.download(state, apt.BASE_SUITE, "main", ("ca-certificates",))
    found = {info.name: content for info, content in debs.members(deb) if info.name.endswith(".crt")}
    return b"".join(found[name].rstrip() + b"\n" for name in sorted(found))


def _cuda_files(state: State, root: Path) -> Iterator[Member]:
    """The CUDA runtime library where NVIDIA's own images have it, known to the loader."""
    library = "usr/local/cuda-12.4/targets/x86_64-linux/lib"
    members = [
        link_member("usr/local/cuda", "cuda-12.4"),
        link_member("usr/local/cuda-12.4/lib64", "targets/x86_64-linux/lib"),
    ]
    for deb in apt.download(state, apt.CUDA_SUITE, "non-free", ["libcudart12"]):
        for info, content in debs.members(deb):
            if "/libcudart.so" in info.name:
                info.name = f"{library}/{Path(info.name).name}"
                members.append((info, content))
    members.append(file_member("etc/ld.so.conf.d/000_cuda.conf", b"/usr/local/cuda/targets/x86_64-linux/lib\n"))
    _unpack(root, members)
    run(["ldconfig", "-X", "-r", root])
    members.append(file_member("etc/ld.so.cache", (root / "etc/ld.so.cache").read_bytes()))
    yield from members


def _unpack(root: Path, members: Sequence[Member]) -> None:
    for info, content in members:
        path = root / info.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if info.issym():
            path.symlink_to(info.linkname)
        elif isinstance(content, bytes):
            path.write_bytes(content)


def _serve(state: State, choices: Choices, name: str, layers: Sequence[Layer]) -> Base:
    """Push a multi-architecture index, of which only amd64 can run, and tag it."""
    remote = Repository(choices.registry_port, name)
    note = state.path("images", name.replace("/", "-") + ".json")
    tags = tags_of(name)
    known = read_json(note)
    recipe = [layer.digest for layer in layers]
    if known.get("recipe") == recipe and known.get("tags") == tags and remote.has_manifest(str(known["index"])):
        return Base(name, str(known["index"]), str(known["platform"]), tuple(tags))
    with step(f"pushing {name}"):
        platform = _push_platform(remote, name, "amd64", layers)
        other = _push_platform(remote, name, "arm64", [_empty_layer(state)])
        index = _push_index(remote, {"amd64": platform, "arm64": other}, tags)
    base = Base(name, index.digest, platform.digest, tuple(tags))
    write_json(note, {**asdict(base), "recipe": recipe})
    return base


def _empty_layer(state: State) -> Layer:
    text = b"This architecture is here to be chosen from; it cannot run.\n"
    return write_layer(state.path("images", "empty.tar.gz"), [file_member("README", text)])


def _push_platform(remote: Repository, name: str, architecture: str, layers: Sequence[Layer]) -> Blob:
    config = registry.canonical(
        {
            "architecture": architecture,
            "os": "linux",
            "created": CREATED,
            "config": _config(name),
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
            "history": [{"created": CREATED, "created_by": layer.path.name} for layer in layers],
        }
    )
    manifest = registry.canonical(
        {
            "schemaVersion": 2,
            "mediaType": registry.MANIFEST,
            "config": remote.push_bytes(config, registry.CONFIG).descriptor(),
            "layers": [remote.push_file(layer.path, layer.digest).descriptor() for layer in layers],
        }
    )
    return remote.put_manifest(manifest, registry.MANIFEST)


def _config(name: str) -> dict[str, object]:
    config: dict[str, object] = json.loads((DATA / "image_configs.json").read_text())[name]
    return config


def _push_index(remote: Repository, platforms: dict[str, Blob], tags: Sequence[str]) -> Blob:
    rows = [
        blob.descriptor(platform={"architecture": architecture, "os": "linux"})
        for architecture, blob in platforms.items()
    ]
    data = registry.canonical({"schemaVersion": 2, "mediaType": registry.INDEX, "manifests": rows})
    for tag in tags:
        remote.put_manifest(data, registry.INDEX, tag)
    return remote.put_manifest(data, registry.INDEX)
