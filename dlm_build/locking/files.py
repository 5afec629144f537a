"""The lock in the formats other tools read: `conda-lock.yml` by conda-lock's own models, and the explicit list.

Equal locks give equal bytes; nothing here knows the time or the place. A conda package is named at the home of its
channel, whichever mirror it came from: these files are published, and another site has other mirrors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from dlm_build.locking.channels import home_url
from dlm_build.records import Lock, Package, digest_of

if TYPE_CHECKING:
    from dlm_build.locking.condalock import LockedDependency, LockMeta

PLATFORM = "linux-64"
_HEADER = """\
# conda-lock's format, version 1, written by dlm-build. Render or install it with conda-lock:
#   conda-lock render --kind explicit --platform linux-64 conda-lock.yml
#   conda-lock install --name NAME conda-lock.yml
"""


def conda_lock_yaml(lock: Lock) -> str:
    """`conda-lock.yml`. Only locks made by `make_lock` will do: the format asks for md5 sums, which it fills in."""
    import yaml  # type: ignore[import-untyped]

    from dlm_build.locking.condalock import LockfileV1

    rows = sorted((_row(package) for package in lock.packages), key=lambda row: row.key())
    content = LockfileV1(package=rows, metadata=_metadata(lock)).dict_for_output()
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return _HEADER + str(yaml.dump(content, Dumper=dumper, sort_keys=False, width=120))


def explicit_text(lock: Lock) -> str:
    """`@EXPLICIT` with sha256 behind each URL, in install order; wheels as the comments conda-lock puts there."""
    conda = [f"{_published_url(p)}#sha256:{p.sha256}" for p in lock.packages if p.manager == "conda"]
    wheels = [f"# pip {p.name} @ {p.url}#sha256={p.sha256}" for p in lock.packages if p.manager == "pip"]
    return "\n".join((f"# platform: {PLATFORM}", "@EXPLICIT", *conda, *wheels)) + "\n"


def _metadata(lock: Lock) -> LockMeta:
    from dlm_build.locking.condalock import Channel, LockMeta

    names = dict.fromkeys(package.channel for package in lock.packages if package.manager == "conda")
    channels = [name for name in lock.plan.environment.channels if name in names]
    channels += [name for name in names if name not in channels]
    return LockMeta(
        content_hash={PLATFORM: digest_of(lock.plan.environment)},
        channels=[Channel(url=name, used_env_vars=()) for name in channels],
        platforms=[PLATFORM],
        sources=[],
    )


def _row(package: Package) -> LockedDependency:
    from dlm_build.locking.condalock import HashModel, LockedDependency

    digests = HashModel(md5=package.md5, sha256=package.sha256) if package.md5 else HashModel(sha256=package.sha256)
    return LockedDependency(
        name=package.name,
        version=package.version,
        manager=package.manager,
        platform=PLATFORM,
        dependencies=dict(sorted(_split(depends) for depends in package.depends)),
        url=_published_url(package),
        hash=digests,
        category="main",
        optional=False,
    )


def _published_url(package: Package) -> str:
    """A wheel's own: which of its names an index has elsewhere is not known here."""
    if package.manager != "conda" or not package.channel:
        return package.url
    return f"{home_url(package.channel)}{package.subdir}/{quote(package.filename, safe='!+')}"


def _split(depends: str) -> tuple[str, str]:
    name, _, spec = depends.partition(" ")
    return name, spec.strip()
