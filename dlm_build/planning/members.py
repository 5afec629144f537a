"""Looking up what an item names among the members of its archive."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from dlm_build.errors import shown
from dlm_build.findings.planning import WeightsInferred
from dlm_build.members import find_member, members_named, model_table, normalised
from dlm_build.planning.decided import Decided, decided, invalid, noticed
from dlm_build.records import Archive, Item, Materials, Member
from dlm_build.weight_files import WEIGHT_SUFFIXES

_ROLES = frozenset({
    "model weight", "model weights", "weight", "weights", "checkpoint", "checkpoint file", "model checkpoint", "model",
    "model artefact", "model artifact", "mlm:model", "mlm:weights",
})  # fmt: skip


def near_names(archive: Archive, name: str) -> str:
    """What the publisher may have meant, for a hint."""
    paths = [member.path for member in archive.members]
    twins = [member.path for member in members_named(archive.members, name)]
    near = twins or difflib.get_close_matches(normalised(name)[:200], paths[:5000], n=3, cutoff=0.4) or paths[:5]
    return "the archive has " + (", ".join(shown(path) for path in near[:5]) if near else "no members")


def decide_weights(item: Item, materials: Materials) -> Decided[Member | None]:
    """The member that holds the weights. Raises ItemInvalid where the one that is named is not there."""
    archive = materials.archive
    if archive.kind == "file" and (only := _whole(archive)):
        return decided("weights", only, shown(only.path), "the archive is this one file")
    if named := named_weights(item):
        return _looked_up(archive, named, f"its role in {item.pointers.archive}", item.pointers.archive)
    serialized = model_table(materials.manifest).get("serializedFile")
    if isinstance(serialized, str) and serialized:
        return _looked_up(archive, serialized, "serializedFile of MAR-INF/MANIFEST.json", "MAR-INF/MANIFEST.json")
    return _by_suffix(item, archive)


def _whole(archive: Archive) -> Member | None:
    """The member that the archive is, where it is one file; others came from assets beside it."""
    return next((member for member in archive.members if member.sha256 == archive.sha256), None)


def named_weights(item: Item) -> str | None:
    """What the list of the archive calls its weights; of several, the first whose name is one of weights."""
    with_role = [entry for entry in item.archive if _ROLES.intersection(entry.roles)]
    with_role.sort(key=lambda entry: not entry.name.lower().endswith(WEIGHT_SUFFIXES))
    return with_role[0].name if with_role else None


def _looked_up(archive: Archive, name: str, reason: str, pointer: str) -> Decided[Member | None]:
    member = find_member(archive.members, name)
    if member is None:
        raise invalid(pointer, f"the weights {shown(name)} are not in the archive", near_names(archive, name))
    return decided("weights", member, shown(member.path), reason, pointer)


def _by_suffix(item: Item, archive: Archive) -> Decided[Member | None]:
    samples = {normalised(name) for name in _sample_names(item)}
    for suffix in WEIGHT_SUFFIXES:
        found = [m for m in archive.members if m.path.lower().endswith(suffix) and m.path not in samples]
        if len(found) == 1:
            outcome: Decided[Member | None] = decided(
                "weights", found[0], shown(found[0].path), f"the only {suffix} file of the archive"
            )
            return noticed(outcome, WeightsInferred.at(item.pointers.archive, found=found[0].path))
    told = [member for member in archive.members if member.format in ("onnx", "torchscript")]
    if len(told) == 1:
        outcome = decided("weights", told[0], shown(told[0].path), f"the only file whose bytes are {told[0].format}")
        return noticed(outcome, WeightsInferred.at(item.pointers.archive, found=told[0].path))
    return decided("weights", None, "none", "no member has the role or the name of weights")


def _sample_names(item: Item) -> Iterable[str]:
    return [name for name in (item.sample.input, item.sample.expected) if name] if item.sample else []
