"""What a build would stop for of a framework that no table knows: that, and nothing else, is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.items import read_item
from dlm_build.records import Finding
from tests.unit.checking.made import changed, check
from tests.unit.planning.inputs import conda, plan

RUNTIME = "properties__dlm:runtime__"
FILES = ("weights.bin", "handler.py", "sample.tif", "expected.tif")


def unknown(environment: str | None, handler: str | None, **more: Any) -> dict[str, Any]:
    """The complete item, of scikit-learn, in an archive without code but what is named."""
    rows = [{"name": "weights.bin", "roles": ["model weight"]}]
    if environment:
        rows.append({"name": environment, "roles": ["environment file"]})
    return changed(**{
        f"{RUNTIME}framework": "scikit-learn", f"{RUNTIME}version": "1.3.2", f"{RUNTIME}model_handler": handler,
        f"{RUNTIME}requirement_file": environment, f"{RUNTIME}model_src_url": None,
        f"{RUNTIME}model_commit_hash": None, "properties__dlm:archive": rows, **more,
    })  # fmt: skip


def told(item: dict[str, Any]) -> Finding | None:
    return next((f for f in check(item).findings if f.code == "framework-without-recipe"), None)


@pytest.mark.parametrize(
    ("environment", "handler", "lacks", "how"),
    [
        ("environment.yml", "handler.py:handle", None, ()),
        (None, "handler.py:handle", "no environment is named", ('"requirement_file": "environment.yml"',)),
        ("environment.yml", None, "no code runs the weights", ('"model_handler": "handler.py:handle"',)),
        ("environment.yml", "image_classifier", "no code runs the weights", ('"model_handler"',)),
        (None, None, "neither an environment nor code", ('"requirement_file"', '"model_handler"')),
    ],
)
def test_check_tells_what_a_build_stops_for(
    environment: str | None, handler: str | None, lacks: str | None, how: tuple[str, ...]
) -> None:
    item = unknown(environment, handler)
    finding = told(item)
    files = [conda("dependencies: [python=3.11, scikit-learn=1.3.2]")] if environment else []
    read = read_item(json.dumps(item), "item.json")
    if lacks is None:
        assert finding is None and plan(read, *files, paths=FILES).framework == "scikit-learn"
        return
    with pytest.raises(ItemInvalid):
        plan(read, *files, paths=FILES)
    assert finding and finding.severity == "error" and lacks in finding.message
    assert all(word in finding.hint for word in how)
    assert finding.hint.endswith("dlm-build has recipes for pytorch, tensorflow, mxnet, onnxruntime")


def test_an_environment_in_the_list_of_the_archive_needs_no_name() -> None:
    rows = [{"name": "weights.bin", "roles": ["model weight"]}, {"name": "model/requirements.txt", "roles": []}]
    assert told(unknown(None, "handler.py:handle", **{"properties__dlm:archive": rows})) is None


def test_a_source_may_have_an_environment() -> None:
    """A build looks for one there, as in the archive."""
    assert told(unknown(None, "handler.py:handle", **{f"{RUNTIME}model_src_url": "https://github.com/me/m"})) is None


def test_a_command_is_code() -> None:
    assert told(unknown("environment.yml", None, **{f"{RUNTIME}docker": {"run": "python infer.py {input}"}})) is None


def test_weights_that_run_alone_need_neither() -> None:
    """A build runs them with onnxruntime, whatever the framework is called."""
    rows = [{"name": "weights.onnx", "roles": ["model weight"]}]
    assert told(unknown(None, None, **{"properties__dlm:archive": rows})) is None


def test_an_archive_of_torchserve_names_its_handler_itself() -> None:
    assert told(unknown("environment.yml", None, assets__model__href="https://example.org/model.mar")) is None


def test_the_grade_of_a_complete_item_is_as_of_any_framework() -> None:
    item = unknown("conda-lock.yml", "handler.py:handle")
    assert check(item).grade.letter == check(changed(**{
        "properties__dlm:archive": item["properties"]["dlm:archive"],
        f"{RUNTIME}model_src_url": None, f"{RUNTIME}model_commit_hash": None,
    })).grade.letter  # fmt: skip
