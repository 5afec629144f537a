"""The repaired DLM schema: what dlm-build reads without a word satisfies it, and what it refuses does not."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema_rs import meta

from dlm_build.errors import ItemHostile, ItemInvalid
from dlm_build.items import names, read_item
from dlm_build.schemas import dlm_schema
from dlm_build.schemas.offline import dlm_problems
from tests.unit.items.samples_of_items import GOOD, spoiled
from tests.unit.migrating.items import CASES, DLM_CASES, ITEMS, ROOT, of_file

RUNTIME, DOCKER = "properties/dlm:runtime/", "properties/dlm:runtime/docker/"
DATA, INPUTS, OUTPUTS = "properties/dlm:data/", "properties/dlm:inputs/", "properties/dlm:outputs/"


def pointers(item: dict[str, Any]) -> set[str]:
    return {problem.pointer for problem in dlm_problems(item)}


def test_it_is_a_schema_by_two_validators() -> None:
    schema = dlm_schema()
    assert meta.is_valid(schema) and schema["$schema"].endswith("2020-12/schema")
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    "path",
    [*sorted((ROOT / "examples").glob("*/item.json")), ITEMS / "generations" / "runtime.json"],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_whole_items_satisfy_it(path: Any) -> None:
    item = json.loads(path.read_text("utf-8"))
    assert dlm_problems(item) == () and list(Draft202012Validator(dlm_schema()).iter_errors(item)) == []


def test_the_complete_item_satisfies_it() -> None:
    assert dlm_problems(GOOD) == ()


@pytest.mark.parametrize("case", DLM_CASES[2:])
def test_published_items_satisfy_it_once_repaired(case: str) -> None:
    """With the four faults mended that every one of them has; nothing else is changed."""
    if not (CASES / case).exists():
        pytest.skip(f"{CASES / case} is not here: published items are no part of the project")
    from dlm_build.items.reading import load
    from dlm_build.migrating.source import plain

    item = plain(load((CASES / case).read_text("utf-8"), case).value)
    assert {"/assets", "/properties/dlm:runtime/version"} <= pointers(item)
    item["id"] = str(item["id"])
    item["assets"] = item["assets"][0]
    item["properties"]["dlm:runtime"]["version"] = "1.5.0"
    item["properties"]["dlm:runtime"]["docker"] |= {"image_name": "thelper-geo", "tag": "latest"}
    assert dlm_problems(item) == ()
    read_item(json.dumps(item), case)


def test_what_migrating_keeps_under_dlm_satisfies_its_parts() -> None:
    parts = dlm_schema()["$defs"]
    wanted = {"archive", "data", "inputs", "outputs"}
    _, migrated = of_file(ROOT / "examples" / "segmentation-onnx" / "item.json")
    for part in wanted & {name.removeprefix("dlm:") for name in migrated.document["properties"]}:
        schema = {**dlm_schema(), "required": [], "properties": {}, "$ref": f"#/$defs/{part}"}
        value = migrated.document["properties"][f"dlm:{part}"]
        assert list(Draft202012Validator({**schema, "type": parts[part]["type"]}).iter_errors(value)) == [], part


REFUSED = [
    (f"{RUNTIME}framework", "$(id)"),
    (f"{RUNTIME}framework", "Py`Torch"),
    (f"{RUNTIME}version", "1.7.1; rm -rf /"),
    (f"{RUNTIME}version", ">=1.7"),
    (f"{RUNTIME}model_handler", "/etc/passwd"),
    (f"{RUNTIME}model_handler", "../evil.py:run"),
    (f"{RUNTIME}model_handler", "a.py:run()"),
    (f"{RUNTIME}model_src_url", "--upload-pack=touch"),
    (f"{RUNTIME}model_src_url", "https://example.org/\x1b[2J"),
    (f"{RUNTIME}model_src_url", "x" * 3000),
    (f"{RUNTIME}requirement_file", "../../requirements.txt"),
    (f"{RUNTIME}docker", "image"),
    (f"{DOCKER}image_name", "IMAGE NAME"),
    (f"{DOCKER}tag", "a b"),
    (f"{DOCKER}gpu", "perhaps"),
    (f"{DOCKER}working_dir", "/workspace/../etc"),
    (f"{DOCKER}working_dir", "/etc/cron.d"),
    (f"{DOCKER}working_dir", "/usr/"),
    (f"{DOCKER}working_dir", "workspace"),
    (f"{DOCKER}run", "a\nRUN curl"),
    (f"{DOCKER}run", "x" * 5000),
    ("properties/dlm:archive", "net.pth"),
    ("properties/dlm:archive/0/name", "../net.pth"),
    ("properties/dlm:archive/0/name", "/net.pth"),
    ("properties/dlm:archive/0/name", "C:/net.pth"),
    ("properties/dlm:archive/0/name", "a/../../b"),
    (f"{DATA}dtype", "uint 16"),
    (f"{DATA}number_of_bands", 0),
    (f"{DATA}number_of_bands", 10**9),
    (f"{DATA}test_file/filename", "a/.."),
    (f"{DATA}test_file/output", "/abs.tif"),
    (f"{DATA}test_file", {"filename": "in.tif", "output": "out.tif", "atol": -1}),
    (f"{INPUTS}input_tensors/batch", 0),
    (f"{INPUTS}input_tensors/height", 2**31),
    (f"{INPUTS}input_tensors", 3),
    (f"{INPUTS}scaling_factor", 0),
    (f"{INPUTS}normalization:std", [0.1, 0]),
    (f"{INPUTS}normalization:mean", "0.5"),
    (f"{INPUTS}selected_bands", [-1]),
    (f"{OUTPUTS}number_of_classes", 0),
    (f"{OUTPUTS}final_layer_size", [1, 0, 2]),
    (f"{OUTPUTS}class_name_mapping", [{"water": "land"}]),
    (f"{OUTPUTS}class_name_mapping", "water"),
    ("assets/model/href", ""),
    ("assets", 3),
]


@pytest.mark.parametrize(("path", "value"), REFUSED, ids=[f"{path.rpartition(':')[2]}-{i}" for i, (path, _) in
                                                          enumerate(REFUSED)])  # fmt: skip
def test_what_the_readers_refuse_breaks_it_at_its_place(path: str, value: object) -> None:
    item = spoiled(path, value)
    found = pointers(item)
    assert found and any(
        (pointer and f"/{path}".startswith(pointer)) or pointer.startswith(f"/{path}") for pointer in found
    )
    try:
        read = read_item(json.dumps(item), "item")
    except (ItemInvalid, ItemHostile):
        return
    assert {finding.code for finding in read.findings} - {finding.code for finding in read_good().findings}


def read_good() -> Any:
    return read_item(json.dumps(GOOD), "item")


@pytest.mark.parametrize(
    "path",
    [f"{RUNTIME}model_handler", f"{RUNTIME}docker", f"{DATA}test_file", f"{INPUTS}selected_bands",
     f"{OUTPUTS}class_name_mapping", "properties/dlm:archive", "properties/dlm:data", "properties/datetime"],
)  # fmt: skip
def test_null_says_nothing(path: str) -> None:
    assert dlm_problems(spoiled(path, None)) == () and dlm_problems(spoiled(path)) == ()


@pytest.mark.parametrize("rows", [[1, 0], ["nir", "red"], [None], [{"index": 1}, 0], []])
def test_bands_that_are_read_without_a_word_satisfy_it(rows: list[Any]) -> None:
    item = spoiled(f"{DATA}useful_bands", rows)
    assert dlm_problems(item) == ()
    assert {finding.code for finding in read_item(json.dumps(item), "item").findings} == {
        finding.code for finding in read_good().findings
    }


@pytest.mark.parametrize("path", [f"{RUNTIME}framework", f"{RUNTIME}version", "properties/dlm:runtime", "assets", "id"])
def test_what_must_be_there(path: str) -> None:
    assert pointers(spoiled(path)) == {f"/{path.rpartition('/')[0]}".rstrip("/")}


def test_its_list_of_folders_is_the_readers() -> None:
    refused = dlm_schema()["$defs"]["docker"]["properties"]["working_dir"]["allOf"][2]["not"]["pattern"]
    for folder in names._TAKEN + names._TAKEN_ALONE:
        assert re.search(refused, folder), folder
    assert not re.search(refused, "/workspace") and not re.search(refused, "/usr/share/x")


def test_older_generations_are_not_this_one() -> None:
    for name in ("engine.json", "bare.json"):
        text = (ITEMS / "generations" / name).read_text("utf-8")
        item = json.loads("\n".join(row for row in text.splitlines() if not row.lstrip().startswith("//"))
                          .replace("],\n}", "]\n}"))  # fmt: skip
        assert dlm_problems(item) and dlm_problems(copy.deepcopy(item))
