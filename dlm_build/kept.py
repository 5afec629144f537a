"""What a work folder still holds of earlier builds: the materials, the lock, the image, the SIF.

Whoever builds on it, verifies, labels, signs or pushes it asks here, and hears what to run where it is no more.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from dlm_build.doors import Doors
from dlm_build.errors import HashMismatch, UsageError, shown
from dlm_build.records import Context, Image, Item, Lock, Materials, Record, Sif, Verdict
from dlm_build.workfolder import WorkFolder

if TYPE_CHECKING:
    from dlm_build.store import Store

_OR_ELSEWHERE = ", or name the folder of that build with --output"


class KeptMaterials(Record, frozen=True, kw_only=True):
    """`materials.json`: what was gathered, and for which text of the item."""

    item_sha256: str
    materials: Materials


class KeptContext(Record, frozen=True, kw_only=True):
    """`context.json`: the context, and which harness and templates made it."""

    recipe: str
    context: Context


class KeptSif(Record, frozen=True, kw_only=True):
    """`sif.json`: the SIF, and what it was made for."""

    asked: tuple[str, str]
    """Digest of the context, and the compression as given."""
    sif: Sif
    verdict: str = ""
    """As it is labelled."""


def kept_materials(folder: WorkFolder, item: Item, store: Store) -> Materials | None:
    """What was gathered for this very item from the network, as long as the store has all of it."""
    kept = folder.load("materials.json", KeptMaterials)
    if kept is None or kept.item_sha256 != item.sha256 or not _still_there(kept.materials, store):
        return None
    return kept.materials


def _still_there(materials: Materials, store: Store) -> bool:
    remote = materials.archive.href.startswith(("http://", "https://"))
    members = materials.archive.members + (materials.source.members if materials.source else ())
    return remote and all(store.has(member.sha256) for member in members)


def keep_lock(folder: WorkFolder, item: Item, materials: Materials, lock: Lock) -> None:
    """The lock and all that it was made from, for people and other tools too; the lock itself last."""
    from dlm_build.locking import conda_lock_yaml, explicit_text

    if folder.load("lock.json", Lock) == lock and folder.load("item.json", Item) == item:
        return
    folder.save("item.json", item)
    folder.save("materials.json", KeptMaterials(item_sha256=item.sha256, materials=materials))
    folder.save("plan.json", lock.plan)
    folder.save_bytes("conda-lock.yml", conda_lock_yaml(lock).encode())
    folder.save_bytes("explicit.txt", explicit_text(lock).encode())
    folder.save("lock.json", lock)


def load_sif(folder: WorkFolder) -> KeptSif | None:
    """With its path in the folder as it is called now: that may have been moved, or named from another place."""
    kept = folder.load("sif.json", KeptSif)
    if kept is None:
        return None
    return replace(kept, sif=replace(kept.sif, path=str(folder.root / Path(kept.sif.path).name)))


def built_lock(folder: WorkFolder, item: Item, command: str) -> Lock:
    """Of what was built for `item`. Raises UsageError where nothing was, or something for another item.

    `command` is what builds it.
    """
    lock = folder.load("lock.json", Lock)
    place = shown(str(folder.root), 300)
    if lock is None:
        raise UsageError(f"{place} holds nothing that was built", f"run `{command}` first{_OR_ELSEWHERE}")
    if lock.plan.item_sha256 != item.sha256:
        whose = (
            "an earlier text of this item" if lock.plan.item_id == item.id else f"the item {shown(lock.plan.item_id)}"
        )
        raise UsageError(f"{place} holds what was built for {whose}", f"run `{command}` first")
    return lock


def built_engines(folder: WorkFolder) -> tuple[Literal["docker", "sif"], ...]:
    """For which engines the folder holds something. Raises UsageError where there is nothing."""
    records: dict[Literal["docker", "sif"], str] = {"docker": "image.json", "sif": "sif.json"}
    found = tuple(engine for engine, name in records.items() if (folder.root / name).is_file())
    if not found:
        raise UsageError(
            f"{shown(str(folder.root), 300)} holds no image and no SIF", f"run `dlm-build build` first{_OR_ELSEWHERE}"
        )
    return found


def kept_image(folder: WorkFolder, lock: Lock, doors: Doors) -> Image:
    """The image that was built here for `lock`. Raises UsageError where there is none."""
    image = folder.load("image.json", Image)
    if image is None:
        raise UsageError(f"{folder.root} holds no built image", "run `dlm-build build` first")
    _refuse_another(folder, lock, image.context_digest, "image", "dlm-build build")
    there = doors.engine.image(image.reference)
    if there is None or there.digest != image.digest:
        raise UsageError(f"the engine no longer has {image.reference}", "run `dlm-build build` again")
    return image


def kept_sif(folder: WorkFolder, lock: Lock) -> Sif:
    """The SIF that was made here for `lock`, byte for byte.

    Raises UsageError where there is none, HashMismatch where other bytes lie in its place.
    """
    from dlm_build.sif import is_still_there

    kept = load_sif(folder)
    if kept is None or not Path(kept.sif.path).exists():
        raise UsageError(f"{folder.root} holds no SIF", "run `dlm-build build --to sif` first")
    _refuse_another(folder, lock, kept.sif.context_digest, "SIF", "dlm-build build --to sif")
    if not is_still_there(kept.sif):
        raise HashMismatch(f"{kept.sif.path} is not the file that was made", "make it again with --to sif --force")
    return kept.sif


def _refuse_another(folder: WorkFolder, lock: Lock, context_digest: str, what: str, command: str) -> None:
    """What an earlier lock gave lies there until a build has something better; nothing is ever told of it by this one.

    Raises UsageError.
    """
    kept = folder.load("context.json", KeptContext)
    if kept is None or (kept.context.lock_digest, kept.context.digest) != (lock.digest, context_digest):
        raise UsageError(f"the {what} in {folder.root} was made for another lock", f"run `{command}` first")


def changing_sif(folder: WorkFolder, change: Callable[[Sif], Sif]) -> Sif:
    """The kept SIF after `change`, which may put another file in its place.

    Raises UsageError where there is none, and what `change` raises, with the SIF kept as it was.
    """
    kept = load_sif(folder)
    if kept is None:
        raise UsageError(f"{folder.root} holds no SIF", "run `dlm-build build --to sif` first")
    made = change(kept.sif)
    folder.save("sif.json", replace(kept, sif=made))
    return made


def label_of(verdict: Verdict) -> str:
    return f"{verdict.outcome} on {verdict.device}" if verdict.device else str(verdict.outcome)


def wants_label(folder: WorkFolder, sif: Sif, verdict: Verdict) -> bool:
    """Whether the SIF has no such label yet and can be given one: what is signed stays as it was signed."""
    return _unlabelled(folder, sif, verdict) is not None


def _unlabelled(folder: WorkFolder, sif: Sif, verdict: Verdict) -> KeptSif | None:
    kept = load_sif(folder)
    return None if kept is None or kept.verdict == label_of(verdict) or sif.signed_by else kept


def with_verdict(folder: WorkFolder, sif: Sif, verdict: Verdict) -> Sif:
    """The label `dlm.verdict`, which `apptainer inspect` shows; written only where it is wanted."""
    from dlm_build.sif import labelled

    kept = _unlabelled(folder, sif, verdict)
    if kept is None:
        return sif
    told = label_of(verdict)
    made = labelled(sif, {"dlm.verdict": told})
    folder.save("sif.json", KeptSif(asked=kept.asked, sif=made, verdict=told))
    return made
