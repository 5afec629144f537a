"""The packaged sample, looked up among the members of the archive."""

from __future__ import annotations

from dlm_build.errors import shown
from dlm_build.findings.planning import ExpectedIsInput, ExpectedNotInArchive
from dlm_build.findings.samples import NoExpectedOutput, NoSample
from dlm_build.members import asset_beside, find_member
from dlm_build.planning.decided import Decided, decided, invalid, noticed
from dlm_build.planning.members import near_names
from dlm_build.records import Archive, DeclaredSample, Finding, Item, Member, SampleSpec


def decide_sample(item: Item, archive: Archive) -> Decided[SampleSpec | None]:
    """None where the item has no sample. Raises ItemInvalid where the input it names is not in the archive."""
    declared = item.sample
    if declared is None:
        outcome: Decided[SampleSpec | None] = decided("sample", None, "none", "the item names no test file")
        return noticed(outcome, NoSample.at(item.pointers.sample))
    given = sample_member(item, archive, declared.input)
    if given is None:
        message = f"the sample {shown(declared.input)} is not in the archive"
        raise invalid(declared.pointer, message, near_names(archive, declared.input))
    expected = sample_member(item, archive, declared.expected) if declared.expected else None
    spec = SampleSpec(input=given, expected=expected)
    text = shown(given.path) + (f" → {shown(expected.path)}" if expected else "")
    outcome = decided("sample", spec, text, "named by the item", declared.pointer)
    return noticed(outcome, _without_expected(declared, spec, archive))


def sample_member(item: Item, archive: Archive, name: str) -> Member | None:
    """The member of that path, else the one from the asset of that name, else the only one of that base name."""
    own = tuple(member for member in archive.members if member.asset is None)
    asset = asset_beside(name, item, archive.href)
    beside = next((member for member in archive.members if asset and member.asset == asset.key), None)
    return find_member(own, name) or beside or (find_member(own, asset.href.partition("?")[0]) if asset else None)


def _without_expected(declared: DeclaredSample, spec: SampleSpec, archive: Archive) -> Finding | None:
    if spec.expected is not None and spec.expected.path != spec.input.path:
        return None
    if spec.expected is not None:
        return ExpectedIsInput.at(declared.pointer, found=spec.input.path)
    if declared.expected:
        near = near_names(archive, declared.expected)
        return ExpectedNotInArchive.at(declared.pointer, found=shown(declared.expected), near=near)
    return NoExpectedOutput.at(declared.pointer)
