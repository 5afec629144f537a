"""What changed, in lines."""

from __future__ import annotations

from msgspec.structs import replace

from dlm_build.locking import lock_diff
from dlm_build.records import Decision, Member
from tests.unit.locking.worlds import asking
from tests.unit.plans import tiny_plan


def test_equal_plans_differ_in_nothing() -> None:
    assert lock_diff(tiny_plan(), tiny_plan()) == ()


def test_reasons_are_not_changes() -> None:
    reasoned = tiny_plan(decisions=(Decision(name="base", value="x", reason="y"),))
    assert lock_diff(tiny_plan(), reasoned) == ()


def test_each_field_is_a_line() -> None:
    old = tiny_plan()
    new = replace(old, as_of=None, base=replace(old.base, tag="12.6"), python="3.12")
    assert set(lock_diff(old, new)) == {
        "as_of: 2025-01-15T00:00:00Z → none",
        "base.tag: 12.4.1-base-ubuntu22.04 → 12.6",
        "python: 3.11 → 3.12",
    }


def test_requirements_are_added_and_removed() -> None:
    assert lock_diff(asking("numpy >=1", "scipy"), asking("scipy", "numpy >=2")) == (
        "environment.conda: + numpy >=2 - numpy >=1",
    )
    assert lock_diff(asking("a", "b"), asking("b", "a")) == ("environment.conda: order ['a', 'b'] → ['b', 'a']",)


def test_members_are_named_by_path() -> None:
    old = tiny_plan()
    kept = Member(path="model.onnx", size=3, sha256="0" * 64)
    new = replace(old, archive=replace(old.archive, members=(kept, Member(path="x", size=1, sha256="1" * 64))))
    assert lock_diff(old, new) == (
        "archive.members: + x",
        f"archive.members[model.onnx].sha256: {'b' * 64} → {'0' * 64}",
    )


def test_values_cannot_write_to_the_terminal() -> None:
    assert "\x1b" not in "".join(lock_diff(asking("a"), asking("\x1b[31m")))
