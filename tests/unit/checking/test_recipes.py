"""What a build would stop for of a framework that no table knows: that, and nothing else, is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dlm_build.checking.records import Checked
from dlm_build.errors import ItemInvalid
from dlm_build.items import read_item
from dlm_build.own_runners import runner_by_suffix
from dlm_build.records import Finding
from dlm_build.weight_files import PERHAPS_TORCHSCRIPT, SINGLE_SUFFIXES
from tests.unit.checking.made import changed, check, codes
from tests.unit.planning.inputs import archive, conda, plan

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
    assert told(unknown(None, None, assets__model__href="https://example.org/model.torchscript")) is None


def test_an_archive_of_torchserve_names_its_handler_itself() -> None:
    assert told(unknown("environment.yml", None, assets__model__href="https://example.org/model.mar")) is None


def alone(name: str, **more: Any) -> dict[str, Any]:
    """An item whose model is one file of TensorFlow, and that names no code."""
    return changed(**{
        "assets__model": {"href": f"https://example.org/{name}", "roles": ["model artefact"]},
        f"{RUNTIME}framework": "TensorFlow", f"{RUNTIME}version": "2.15.0", f"{RUNTIME}model_handler": None,
        f"{RUNTIME}model_src_url": None, f"{RUNTIME}model_commit_hash": None, f"{RUNTIME}requirement_file": None,
        "properties__dlm:archive": [], "properties__dlm:data__test_file": None, **more,
    })  # fmt: skip


def blocked(checked: Checked) -> bool:
    return any(finding.severity == "error" for finding in checked.findings)


@pytest.mark.parametrize("suffix", sorted({*SINGLE_SUFFIXES, ".cbm", ".ubj", ".joblib", ".pdmodel", ".rds"}))
@pytest.mark.parametrize("source", [None, "https://github.com/me/my-model"])
def test_what_a_build_cannot_run_by_itself_blocks_it(suffix: str, source: str | None) -> None:
    """A grade that says "buildable" is no promise where no code runs what only code runs."""
    item = alone(f"model{suffix}", **{f"{RUNTIME}model_src_url": source})
    read = read_item(json.dumps(item), "item.json")
    if suffix in PERHAPS_TORCHSCRIPT or runner_by_suffix(suffix):
        assert not blocked(check(item))
        return
    with pytest.raises(ItemInvalid, match="nothing says how to run"):
        plan(read, archive=archive(f"model{suffix}"), paths=())
    assert blocked(check(item))


@pytest.mark.parametrize(
    "named",
    [{f"{RUNTIME}model_handler": "handler.py:handle"}, {f"{RUNTIME}docker": {"run": "python infer.py {input}"}}],
)
def test_code_that_is_named_runs_any_weights(named: dict[str, Any]) -> None:
    assert "weights-without-runner" not in codes(check(alone("model.keras", **named)))


def test_a_source_that_is_there_is_not_asked_for_again() -> None:
    item = alone("model.keras", **{f"{RUNTIME}model_src_url": "https://github.com/me/my-model"})
    (finding,) = [one for one in check(item).findings if one.code == "weights-without-runner"]
    assert "model_handler" in finding.hint and "model_src_url" not in finding.hint


def test_the_grade_of_a_complete_item_is_as_of_any_framework() -> None:
    item = unknown("conda-lock.yml", "handler.py:handle")
    assert check(item).grade.letter == check(changed(**{
        "properties__dlm:archive": item["properties"]["dlm:archive"],
        f"{RUNTIME}model_src_url": None, f"{RUNTIME}model_commit_hash": None,
    })).grade.letter  # fmt: skip
