"""Debian packages: installing the programs of the stack, and downloading archives without installing them.

No mirror is named here: addresses come from the machine's own apt sources. The one change to the system's apt
settings is a pair of files called ``dlm-build-stack``, on machines whose own release has no recent Docker.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.stack.layout import State, write_text
from tests.stack.shell import StackError, run, say, step, succeeds

BASE_SUITE = "bookworm"  # the stand-in images and the channel's python, whatever the machine itself runs
DOCKER_SUITE = "forky"  # where Docker comes from when the machine's own release has no buildx
CUDA_SUITE = "trixie"  # has libcudart12 in non-free
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR_VARIABLE = "DLM_STACK_DEBIAN_MIRROR"
OLDEST_DOCKER = 25  # the first with CDI devices
BUILDX = tuple(Path(f"/usr/{place}/docker/cli-plugins/docker-buildx") for place in ("libexec", "lib"))
PROGRAMS = {  # program: package
    "docker-registry": "docker-registry",
    "mmdebstrap": "mmdebstrap",
    "patchelf": "patchelf",
    "iptables": "iptables",
    "ip": "iproute2",
    "zstd": "zstd",
    "umount": "mount",
    "mksquashfs": "squashfs-tools",
    "squashfuse": "squashfuse",
    "newuidmap": "uidmap",
}


@dataclass(frozen=True)
class Archive:
    """One entry of the machine's apt sources."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""


def find_program(name: str) -> str:
    """Absolute path of a program, Debian's own before any other copy on PATH."""
    found = _found(name)
    if not found:
        raise StackError(f"program not found: {name}", "run `python -m tests.stack up`, which installs it")
    return found


def has_program(name: str) -> bool:
    """True when it is installed."""
    return _found(name) is not None


def _found(name: str) -> str | None:
    return shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin") or shutil.which(name)


def ensure_programs() -> None:
    """Install what is missing; say nothing and call no apt when all is there."""
    wanted = [package for program, package in PROGRAMS.items() if not _found(program)]
    if not KEYRING.exists():
        wanted.append("debian-archive-keyring")
    if not _docker_is_recent():
        wanted += _docker_packages()
    if not wanted:
        return
    with step(f"installing {' '.join(wanted)}"):
        install(wanted)


def _docker_is_recent() -> bool:
    if not any(plugin.exists() for plugin in BUILDX) or not _found("dockerd"):
        return False
    version = re.search(r"version (\d+)\.", run([find_program("dockerd"), "--version"]))
    return version is not None and int(version[1]) >= OLDEST_DOCKER


def _docker_packages() -> list[str]:
    if succeeds(["docker", "--host", "unix:///var/run/docker.sock", "version"]):
        raise StackError(
            f"this machine's Docker is in use, and has no buildx or is older than {OLDEST_DOCKER}",
            "upgrade it and add buildx, or stop it",
        )
    _update()
    names = ["docker.io", "docker-buildx"]
    if _offered("docker-buildx") is not None and (_offered("docker.io") or 0) >= OLDEST_DOCKER:
        return names + (["docker-cli"] if _offered("docker-cli") is not None else [])
    _add_docker_suite()
    return [f"{name}/{DOCKER_SUITE}" for name in (*names, "docker-cli")]


def _offered(package: str) -> int | None:
    """The major version apt would install; None when it knows no such package."""
    candidate = re.search(r"Candidate: (?:\d+:)?(\d+)", run(["apt-cache", "policy", package]))
    return int(candidate[1]) if candidate else None


def _add_docker_suite() -> None:
    """Add the suite's packages, none of them preferred; take them away again when they cannot be listed."""
    say(f"  this release has no docker-buildx: adding {DOCKER_SUITE} at priority 100")
    added = {
        Path("/etc/apt/sources.list.d/dlm-build-stack.sources"): _stanza(DOCKER_SUITE, "main"),
        Path("/etc/apt/preferences.d/dlm-build-stack"): (
            f"Package: *\nPin: release n={DOCKER_SUITE}\nPin-Priority: 100\n"
        ),
    }
    for path, text in added.items():
        write_text(path, text)
    try:
        _update()
    except StackError:
        for path in added:
            path.unlink()
        raise


def _stanza(suite: str, components: str) -> str:
    mirror = debian_mirror()
    return f"Types: deb\nURIs: {mirror}\nSuites: {suite}\nComponents: {components}\nSigned-By: {KEYRING}\n"


def _update() -> None:
    with step("apt-get update"):
        run(["apt-get", "update", "-q"], hint="check the network and the machine's apt sources")


def install(packages: Sequence[str]) -> None:
    """Install packages without starting the services they bring."""
    if not os.access("/var/lib/dpkg", os.W_OK):
        raise StackError("cannot install packages", "run as root, or install them yourself: " + " ".join(packages))
    with _services_kept_from_starting():
        argv = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
        if not succeeds(["apt-get", "install", "-s", *packages]):
            _update()
        run(argv, env={"DEBIAN_FRONTEND": "noninteractive"}, hint=f"try it by hand: {' '.join(argv)}")


@contextmanager
def _services_kept_from_starting() -> Iterator[None]:
    """Debian starts a service when its package is installed; the stack starts its own copies instead."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)


def debian_mirror() -> str:
    """Address of the Debian mirror this machine uses. Raises StackError when it uses none."""
    named = os.environ.get(MIRROR_VARIABLE)
    if named:
        return named
    for archive in machine_archives():
        if "main" in archive.components and "security" not in archive.uri and _is_debian(archive):
            return _resolved(archive.uri)
    raise StackError("this machine's apt sources name no Debian mirror", f"set {MIRROR_VARIABLE} to one")


def _is_debian(archive: Archive) -> bool:
    signed = "debian-archive" in archive.signed_by
    return signed or archive.uri.rstrip("/").endswith("debian") or archive.uri.startswith("mirror+file:")


def _resolved(uri: str) -> str:
    if not uri.startswith("mirror+file:"):
        return uri.rstrip("/")
    listed = Path(uri.removeprefix("mirror+file:")).read_text().split()
    return next(word for word in listed if "://" in word).rstrip("/")


def machine_archives() -> list[Archive]:
    """Every entry of the machine's apt sources, in both of apt's notations."""
    folder = Path("/etc/apt/sources.list.d")
    found: list[Archive] = []
    for path in sorted(folder.glob("*.sources")):
        found += parse_deb822(path.read_text())
    for path in [Path("/etc/apt/sources.list"), *sorted(folder.glob("*.list"))]:
        found += parse_one_line(path.read_text() if path.exists() else "")
    return found


def parse_deb822(text: str) -> list[Archive]:
    """Entries of a ``.sources`` file."""
    found = []
    uncommented = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", uncommented):
        fields = {key.lower(): value for key, value in re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", stanza, re.M)}
        if fields.get("enabled", "yes").strip() == "no" or "deb" not in fields.get("types", "").split():
            continue
        components = tuple(fields.get("components", "").split())
        signed_by = fields.get("signed-by", "").strip()
        found += [
            Archive(uri, suite, components, signed_by)
            for uri in fields.get("uris", "").split()
            for suite in fields.get("suites", "").split()
        ]
    return found


def parse_one_line(text: str) -> list[Archive]:
    """Entries of a ``sources.list`` file."""
    lines = re.findall(r"^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)[ \t]*(.*)$", text, re.M)
    return [Archive(uri, suite, tuple(rest.split()), options) for options, uri, suite, rest in lines]


def download(state: State, suite: str, component: str, packages: Sequence[str]) -> list[Path]:
    """Fetch packages of a Debian suite, checked by apt against its keyring, into the state folder.

    Uses apt with an apt folder of its own, so that the machine's sources and lists stay as they are.
    """
    folder = state.path("apt", suite)
    debs = folder / "debs"
    found = [_deb(debs, package) for package in packages]
    if not all(found):
        with step(f"downloading {len(packages)} packages of {suite}"):
            options = _private_apt(folder, suite, component)
            run(["apt-get", *options, "update", "-q"], hint="check the network and the Debian mirror")
            fresh = folder / "fresh"
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            run(["sh", "-c", 'cd "$0" && exec "$@"', fresh, "apt-get", *options, "download", "-q", *packages])
            for path in fresh.iterdir():
                path.replace(debs / path.name)
        found = [_deb(debs, package) for package in packages]
    return [path for path in found if path]


def _deb(folder: Path, package: str) -> Path | None:
    return next(iter(sorted(folder.glob(f"{package}_*.deb"))), None)


def _private_apt(folder: Path, suite: str, component: str) -> list[str]:
    for name in ("debs", "lists/partial", "cache/archives/partial", "etc"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    write_text(folder / "stack.sources", _stanza(suite, component))
    write_text(folder / "status", "")
    settings = {
        "Dir::Etc::SourceList": folder / "stack.sources",
        "Dir::Etc::SourceParts": folder / "etc",
        "Dir::Etc::PreferencesParts": folder / "etc",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::Status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Architecture": "amd64",
        "APT::Architectures": "amd64",
        "APT::Sandbox::User": "root",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
