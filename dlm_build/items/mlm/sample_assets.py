"""The sample and its expected output as assets of their own, which MLM and ML-Model items may have by convention.

    "test-input":      {"href": "sample.tif",   "roles": ["mlm:test-input"]}
    "expected-output": {"href": "expected.tif", "roles": ["mlm:expected-output"]}

The prefix may be left out, and the key stands for the role where there is none. Tolerances, which have no place at
assets, stand in `dlm:data.test_file`.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from dlm_build.findings.mlm_assets import SeveralSampleAssets
from dlm_build.findings.planning import ExpectedIsInput
from dlm_build.findings.samples import NoExpectedOutput, NoSample
from dlm_build.hrefs import without_query
from dlm_build.items.assets import ENVIRONMENT
from dlm_build.items.mlm.fields import Where, find
from dlm_build.items.mlm.leftovers import names_a_sample, sample_data
from dlm_build.items.mlm.roles import RUNTIME, Entry, having
from dlm_build.items.samples import EXPECTED_ROLES, INPUT_ROLES, ArchiveRow, read_sample
from dlm_build.items.scalars import real
from dlm_build.records import DeclaredSample
from dlm_build.words import MLM

_MAY_LIST_PACKAGES = ENVIRONMENT | RUNTIME


def sample_of(where: Where, entries: tuple[Entry, ...], archive: tuple[ArchiveRow, ...]) -> DeclaredSample | None:
    """As `dlm:data.test_file` or `dlm:archive` say, else by the roles of assets; None, with a finding, without any."""
    test_file = sample_data(where.properties).get("test_file")
    if names_a_sample(test_file, archive):
        return read_sample(test_file, archive)
    given, expected = _first(entries, INPUT_ROLES, "the sample"), _first(entries, EXPECTED_ROLES, "the expected output")
    if given is None:
        find(where.root.get("assets"), NoSample, f"{MLM.sample}, and its expected output")
        return None
    if expected is None:
        find(given.node, NoExpectedOutput, MLM.expected)
    elif expected.asset.href == given.asset.href:
        expected.node.find(ExpectedIsInput)
        expected = None
    return DeclaredSample(
        input=given.asset.key,
        expected=expected.asset.key if expected else None,
        pointer=given.asset.pointer,
        atol=real(test_file.get("atol"), 0.0, 1e9, "1e-5"),
        rtol=real(test_file.get("rtol"), 0.0, 1e9, "1e-4"),
    )


def form_of(sample: DeclaredSample | None, entries: tuple[Entry, ...]) -> str:
    """The suffix of the sample's file, such as `.npy`; empty where there is no sample."""
    if sample is None:
        return ""
    file = next((entry.href for entry in entries if entry.asset.key == sample.input), sample.input)
    return PurePosixPath(without_query(file)).suffix.lower()


def environment_of(entries: tuple[Entry, ...]) -> Entry | None:
    """The asset that is the environment file, by role or key; else what is called a runtime and lists packages."""
    files = [entry for entry in having(entries, _MAY_LIST_PACKAGES) if not entry.trains]
    named = having(files, ENVIRONMENT) or [entry for entry in having(files, RUNTIME) if entry.lists_packages]
    return named[0] if named else None


def environment_place(found: Entry | None) -> str:
    """Where that asset is, or would be."""
    return found.asset.pointer if found else "/assets"


def _first(entries: tuple[Entry, ...], roles: frozenset[str], what: str) -> Entry | None:
    found = having(entries, roles)
    if len(found) > 1:
        keys = ", ".join(entry.asset.key for entry in found)
        found[0].node.find(SeveralSampleAssets, count=len(found), what=what, found=keys)
    return found[0] if found else None
