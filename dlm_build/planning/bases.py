"""The table of base images as people ask about it: list it, check it against the registry, resolve a tag."""

from __future__ import annotations

from typing import Literal, Protocol

from dlm_build.config import Settings
from dlm_build.errors import InfraError, UsageError, shown
from dlm_build.oci import parse_reference, qualified
from dlm_build.planning.base_image import pinned_by_site
from dlm_build.planning.tables import BaseRow, Tables
from dlm_build.progress import Event, Notify
from dlm_build.records import BaseImage, Record


class BaseRows(Record, frozen=True, kw_only=True):
    rows: tuple[BaseRow, ...]


class BaseCheck(Record, frozen=True, kw_only=True):
    """What a registry said of one pin."""

    repository: str
    tag: str
    digest: str
    trust: str
    state: Literal["alive", "dead", "unreachable"]
    detail: str = ""


class BaseChecks(Record, frozen=True, kw_only=True):
    rows: tuple[BaseCheck, ...]


class Registries(Protocol):
    """What `registry.Registry` offers to these commands."""

    @property
    def settings(self) -> Settings: ...
    def state(self, repository: str, digest: str) -> Literal["alive", "dead"]: ...
    def resolve(self, image: BaseImage) -> BaseImage: ...


def list_bases(tables: Tables) -> BaseRows:
    return BaseRows(rows=tables.bases)


def check_bases(tables: Tables, registry: Registries, notify: Notify, *, everything: bool = False) -> BaseChecks:
    """Ask for every pin that may be chosen, or for all of them, at the digest this site serves where it says one.

    Never raises for a registry: that it cannot be reached is a state.
    """
    rows = [row for row in tables.bases if everything or (row.usable and not row.superseded)]
    checks: list[BaseCheck] = []
    for number, row in enumerate(rows, 1):
        checks.append(_asked(row, registry))
        notify(Event(step="bases", text=f"{row.repository}:{row.tag}", done=number, total=len(rows), unit="pins"))
    return BaseChecks(rows=tuple(dict.fromkeys(checks)))


def _asked(row: BaseRow, registry: Registries) -> BaseCheck:
    image = BaseImage(repository=row.repository, tag=row.tag, index_digest=row.digest, trust=row.trust)
    served = pinned_by_site(image, registry.settings) or image
    try:
        state = registry.state(served.repository, served.digest)
    except InfraError as problem:
        return _check(served, "unreachable", str(problem))
    if state == "alive":
        return _check(served, state, row.note if served is image else "as pinned by this site")
    return _check(served, state, f"{row.note or 'no note'}; tag {row.state}")


def _check(image: BaseImage, state: Literal["alive", "dead", "unreachable"], detail: str) -> BaseCheck:
    return BaseCheck(
        repository=image.repository, tag=image.tag, digest=image.digest, trust=image.trust, state=state, detail=detail
    )


def resolve_base(reference: str, registry: Registries) -> BaseImage:
    """`nvidia/cuda:12.4.1-base-ubuntu22.04`, or by digest, with the digests it has today.

    Raises UsageError for what is no reference, else as `registry.Registry.resolve`.
    """
    found = parse_reference(reference.strip())
    if not found:
        raise UsageError(f"{shown(reference)} is not an image", "write repository:tag or repository@sha256:…")
    tag = found["tag"] or ("" if found["digest"] else "latest")
    repository = qualified(found["repository"])
    return registry.resolve(BaseImage(repository=repository, tag=tag, index_digest=found["digest"]))
