"""Small whole locks, and the folder they render to without the two files other tools read."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from dlm_build.building.render import assemble
from dlm_build.records import Archive, Context, Lock, Member, Package, SampleSpec, Source
from tests.unit.plans import tiny_plan

WEIGHTS = Member(path="model.onnx", size=3, sha256="b" * 64)
INPUT = Member(path="samples/in put.tif", size=4, sha256="1" * 64)
EXPECTED = Member(path="samples/expected.npy", size=5, sha256="2" * 64)
CODE = Member(path="pkg/net.py", size=6, sha256="3" * 64)


def package(name: str, manager: Any = "conda", **changes: Any) -> Package:
    ending = ".conda" if manager == "conda" else "-py3-none-any.whl"
    whole: dict[str, Any] = {
        "manager": manager, "name": name, "version": "1.0", "build": "0" if manager == "conda" else "",
        "subdir": "noarch" if manager == "conda" else "", "channel": "conda-forge" if manager == "conda" else "",
        "filename": f"{name}-1.0{ending}", "url": f"https://packages.example/{name}-1.0{ending}",
        "sha256": name.encode().hex().ljust(64, "0")[:64], "size": 7,
    }  # fmt: skip
    return Package(**{**whole, **changes})


def archive(*members: Member, **changes: Any) -> Archive:
    whole: dict[str, Any] = {"href": "model.mar", "sha256": "d" * 64, "size": 9, "kind": "zip"}
    return Archive(**{**whole, "members": tuple(sorted(members, key=lambda m: m.path)), **changes})


def tiny_lock(**plan: Any) -> Lock:
    """ONNX weights, a sample with expected output, code at a commit; keyword arguments change the plan."""
    whole: dict[str, Any] = {
        "archive": archive(WEIGHTS, INPUT, EXPECTED),
        "sample": SampleSpec(input=INPUT, expected=EXPECTED),
        "source": Source(
            url="https://code.example/net", commit="4" * 40, pinned_by_item=True, tree_sha256="5" * 64, members=(CODE,)
        ),
    }
    made = tiny_plan(**{**whole, **plan})
    return Lock(
        plan=made,
        base=made.base,
        installer_base=replace(made.installer_base, platform_digest="sha256:" + "e" * 64),
        packages=(package("python"), package("numpy"), package("typeguard", "pip")),
        installer=(package("installer", "pip"), package("py-rattler", "pip")),
        created_by="dlm-build test",
    )


def rendered(lock: Lock) -> Context:
    return assemble(lock, "conda-lock\n", "@EXPLICIT\n")


def text_of(context: Context, path: str) -> str:
    text = next(row.text for row in context.files if row.path == path)
    assert text is not None
    return text
