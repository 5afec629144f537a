"""Which image to build on, at which digest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from dlm_build.config import Settings
from dlm_build.errors import InfraError, UsageError, shown
from dlm_build.oci import is_digest, parse_reference, qualified
from dlm_build.planning.decided import Decided, decided
from dlm_build.planning.environment import Libraries
from dlm_build.planning.inferred import LAST_WITHOUT_IMAGE
from dlm_build.planning.tables import BaseRow, Tables
from dlm_build.planning.versions import Numbers, numbers
from dlm_build.records import BaseImage, Record

GLIBC = {
    "ubuntu16.04": "2.23", "ubuntu18.04": "2.27", "ubuntu20.04": "2.31", "ubuntu22.04": "2.35", "ubuntu24.04": "2.39",
}  # fmt: skip
GLIBC_FLOOR = "2.28"
"""Counted on where the system of an image is not known."""
_TRUST = {"confirmed": 0, "single-tool-output": 1, "single-source": 2}
_INDEX = ("index", "index?", "unknown")
_PLATFORM = ("platform-amd64", "platform-amd64?", "platform")
_UBUNTU = ((datetime(2024, 8, 1, tzinfo=UTC), "ubuntu24.04"), (datetime(2022, 8, 1, tzinfo=UTC), "ubuntu22.04"))
"""The Ubuntu a model of that day or later was made for, newest first; before that 20.04."""


class Wanted(Record, frozen=True, kw_only=True):
    """What the base is for."""

    cuda: str | None
    gpu: bool = False
    """With no CUDA: it is wanted all the same, only not known."""
    cudnn: str | None
    libraries: Libraries
    why: str
    as_of: datetime | None


class Candidate(Record, frozen=True, kw_only=True):
    """One tag with all digests it may be used at."""

    rows: tuple[BaseRow, ...]

    @property
    def best(self) -> BaseRow:
        return min(self.rows, key=lambda row: (row.superseded, _TRUST[row.trust], -row.confirmations))

    @property
    def rank(self) -> int:
        """Lower is more to be trusted."""
        return _TRUST[self.best.trust] + (10 if self.best.superseded else 0)

    @property
    def cuda(self) -> Numbers:
        return numbers(self.best.cuda or "")


def decide_base(wanted: Wanted, tables: Tables, override: str | None, settings: Settings) -> Decided[BaseImage]:
    """`override` is --base. Raises UsageError where it, or the settings, name no image by digest."""
    if override is not None:
        return decided("base", parse_base(override, tables, "--base"), shown(override), "asked for with --base")
    if settings.bases.override is not None:
        image = parse_base(settings.bases.override, tables, "settings `[bases] override`")
        return decided("base", image, image.reference, "this site builds every model on it", "[bases] override")
    chosen = _choose(_candidates(tables.bases, "nvidia/cuda"), wanted)
    image = _image(chosen)
    reason = _reason(chosen, wanted)
    pinned = pinned_by_site(image, settings)
    if pinned is not None:
        image, reason = pinned, f"{reason}; this site serves it as {pinned.digest[:19]}…"
    source = f"{chosen.best.trust}, {chosen.best.note or '; '.join(chosen.best.sources)}"
    return decided("base", image, f"{image.repository}:{image.tag}", reason, source)


def decide_installer(tables: Tables, settings: Settings) -> Decided[BaseImage]:
    """The image whose stage installs the environment; nothing of it stays."""
    rows = [one for one in _candidates(tables.bases, "library/python") if one.best.tag.endswith("-slim")]
    if not rows:
        raise InfraError("bases.json has no python-slim image", "reinstall dlm-build")
    chosen = min(rows, key=lambda one: (one.rank, -one.best.confirmations, one.best.tag))
    image = _image(chosen)
    reason = "the best confirmed python-slim; only its stage installs the environment"
    if pinned := pinned_by_site(image, settings):
        image, reason = pinned, f"{reason}; this site serves it as {pinned.digest[:19]}…"
    return decided("installer-base", image, f"{image.repository}:{image.tag}", reason, chosen.best.note)


def parse_base(text: str, tables: Tables, option: str) -> BaseImage:
    """`repository@sha256:…`, known to the tables or not. Raises UsageError."""
    found = parse_reference(text.strip())
    if not found or not found["digest"]:
        hint = "write repository@sha256:<64 hex digits>; `dlm-build bases resolve IMAGE:TAG` prints it"
        raise UsageError(f"{option} {shown(text)} names no image by digest", hint)
    repository, digest = qualified(found["repository"]), found["digest"]
    known = next((row for row in tables.bases if row.digest == digest), None)
    is_platform = known is not None and known.kind.startswith("platform")
    return BaseImage(
        repository=repository, tag=found["tag"] or (known.tag if known else ""),
        index_digest=None if is_platform else digest, platform_digest=digest if is_platform else None,
        cuda=known.cuda if known else None, os=known.os if known else "", trust=known.trust if known else "operator",
    )  # fmt: skip


def pinned_by_site(image: BaseImage, settings: Settings) -> BaseImage | None:
    """The image at the digest this site serves for its tag. Raises UsageError where that is no digest."""
    for name, digest in settings.bases.pins.items():
        repository, _, tag = name.rpartition(":")
        if tag != image.tag or qualified(repository) != image.repository:
            continue
        if not is_digest(digest):
            raise UsageError(f"settings `[bases.pins] {shown(name)}` = {shown(digest)}", "write sha256:<64 hex digits>")
        return replace(image, index_digest=digest, platform_digest=None, trust="site")
    return None


def glibc_of(image: BaseImage) -> str:
    return GLIBC.get(image.os, GLIBC_FLOOR)


def _candidates(rows: Iterable[BaseRow], repository: str) -> list[Candidate]:
    """By tag, from Docker Hub: the rows of other registries carry the same digests."""
    by_tag: dict[str, list[BaseRow]] = {}
    for row in rows:
        if row.usable and row.repository == f"docker.io/{repository}":
            by_tag.setdefault(row.tag, []).append(row)
    return [Candidate(rows=tuple(found)) for found in by_tag.values()]


def _choose(candidates: Sequence[Candidate], wanted: Wanted) -> Candidate:
    """The libraries decide the flavour; then CUDA where they are to come from the image, else trust."""
    if wanted.libraries == "wanted":
        fitting = [one for one in candidates if re.fullmatch(r"cudnn\d*-runtime", one.best.flavour or "")]
        cudnn = [one for one in fitting if cudnn_major(one) == (wanted.cudnn or "")[:1]]
        return min(cudnn or fitting, key=lambda one: (_gap(one, wanted), one.rank, *_taste(one, wanted)))
    fitting = [one for one in candidates if one.best.flavour == "base"]
    if wanted.cuda is None and wanted.gpu:
        return min(fitting, key=lambda one: (one.rank, *_taste(one, wanted)))
    if wanted.cuda is None:
        return min(fitting, key=lambda one: (one.rank, *(-part for part in one.cuda), one.best.os))
    return min(fitting, key=lambda one: (_gap(one, wanted)[:1], one.rank, _gap(one, wanted), *_taste(one, wanted)))


def _gap(candidate: Candidate, wanted: Wanted) -> tuple[int, ...]:
    """How far its CUDA is from the wanted one, by major and minor; of two as near, the older runs on more drivers."""
    asked, has = numbers(wanted.cuda or ""), candidate.cuda
    if len(asked) < 2:
        return (abs(asked[0] - has[0]), 0, 0)
    newer = 1 if has[:2] > asked[:2] else 0
    return (abs(asked[0] - has[0]), abs(asked[1] - has[1]) if asked[0] == has[0] else has[1], newer)


def _taste(candidate: Candidate, wanted: Wanted) -> tuple[object, ...]:
    """Between equals: the Ubuntu of the model's time, or the newest, then the newest patch.

    Where any minor version will do: the newest libraries, since older ones may lack symbols; but the oldest base for
    an environment with its own, since it starts on more drivers.
    """
    preferred = next((name for day, name in _UBUNTU if wanted.as_of is None or wanted.as_of >= day), "ubuntu20.04")
    os = (candidate.best.os != preferred, -float(candidate.best.os.removeprefix("ubuntu") or 0))
    newest = tuple(-part for part in candidate.cuda)
    if len(numbers(wanted.cuda or "")) >= 2:
        return (*os, newest, candidate.best.tag)
    return (newest if wanted.libraries == "wanted" else candidate.cuda, *os, candidate.best.tag)


def cudnn_major(candidate: Candidate) -> str:
    """From the flavour; tags without a number, from CUDA 12.4 on, have cuDNN 9."""
    found = re.match(r"cudnn(\d*)", candidate.best.flavour or "")
    return (found[1] or "9") if found else ""


def _image(candidate: Candidate) -> BaseImage:
    """The best digest of the tag; index and platform digest both only where both are confirmed as this tag's."""
    best = candidate.best
    index, platform = _best_of(candidate.rows, _INDEX), _best_of(candidate.rows, _PLATFORM)
    paired = index and platform and index.trust == platform.trust == "confirmed" and not index.superseded
    return BaseImage(
        repository=best.repository, tag=best.tag, cuda=best.cuda, os=best.os, trust=best.trust,
        index_digest=index.digest if index and (paired or index is best) else None,
        platform_digest=platform.digest if platform and (paired or platform is best) else None,
    )  # fmt: skip


def _best_of(rows: Sequence[BaseRow], kinds: Sequence[str]) -> BaseRow | None:
    found = [row for row in rows if row.kind in kinds]
    return Candidate(rows=tuple(found)).best if found else None


def _reason(chosen: Candidate, wanted: Wanted) -> str:
    best = chosen.best
    flavour = f"`{best.flavour}`, because {wanted.why}"
    if wanted.cuda is None and wanted.gpu:
        return f"{flavour}; the oldest confirmed one starts on most drivers"
    if wanted.cuda is None:
        return f"{flavour}; the newest confirmed one"
    asked = numbers(wanted.cuda)
    if chosen.cuda[: len(asked)] == asked[:2]:
        return f"{flavour}; CUDA {best.cuda} is CUDA {wanted.cuda}"
    gone = (
        "images were deleted from the registry in 2023"
        if asked[:2] <= LAST_WITHOUT_IMAGE
        else "has no image known as surely"
    )
    return f"{flavour}; CUDA {wanted.cuda} {gone}; {best.cuda} is the nearest living one"
