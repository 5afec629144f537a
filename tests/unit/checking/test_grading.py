"""Each grade by its border: one thing less, and it is the next."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from dlm_build.checking import grade
from dlm_build.checking.records import LETTERS, MEANINGS
from dlm_build.errors import ItemInvalid
from dlm_build.items import read_item
from dlm_build.planning.env_files import read_environment
from dlm_build.records import EnvironmentFile
from tests.unit.checking.made import changed, check, codes, complete
from tests.unit.items.samples_of_mlm import MLM

RUNTIME = "properties__dlm:runtime"
HREF = "assets__model__href"
IMAGE = {"image_name": "docker.io/me/coast", "tag": "1.0"}


def test_an_item_that_has_everything_is_a_and_nothing_is_found() -> None:
    checked = check(complete())
    assert checked.grade.letter == "A"
    assert (checked.grade.next, checked.grade.lifts, checked.grade.guesses) == (None, (), ())
    assert checked.findings == ()


@pytest.mark.parametrize("step", [1, -1])
def test_the_weights_are_those_that_a_build_takes_wherever_the_list_has_them(step: int) -> None:
    rows = [{"name": "net.py", "roles": ["model"]}, {"name": "net.onnx", "roles": ["model weights"]}]
    item = changed(**{"properties__dlm:archive": rows[::step], f"{RUNTIME}__model_handler": None})
    assert "entry-point-unknown" not in codes(check(item))


@pytest.mark.parametrize(
    ("changes", "letter", "lifts"),
    [
        ({"assets__model__file:checksum": None}, "B", "digest"),
        ({"properties__dlm:data__test_file": "sample.tif"}, "B", "expected"),
        ({"properties__dlm:data__test_file": "sample.tif", "assets__model__file:checksum": None}, "B",
         "digest expected"),
        ({f"{RUNTIME}__model_commit_hash": None}, "C", "code"),
        ({f"{RUNTIME}__model_commit_hash": "main"}, "C", "code"),
        ({f"{RUNTIME}__requirement_file": "environment.yml", "properties__dlm:archive": []}, "C", "environment"),
        ({f"{RUNTIME}__requirement_file": None, "properties__dlm:archive": []}, "C", "environment"),
        ({"properties__dlm:data__test_file": None}, "C", "sample"),
        ({HREF: "https://huggingface.co/me/m/blob/main/model.zip"}, "C", "weights"),
        ({HREF: "https://huggingface.co/me/m/resolve/main/model.zip", "assets__model__file:checksum": None}, "C",
         "weights"),
        ({HREF: "https://huggingface.co/me/m"}, "E", "weights"),
        ({HREF: "/home/me/model.zip"}, "E", "weights"),
        ({HREF: "~/model.zip"}, "E", "weights"),
        ({HREF: "${MODELS}/model.zip"}, "E", "weights"),
        ({HREF: "https://example.org/TODO"}, "E", "weights"),
        ({HREF: "[model](https://example.org/model.zip)"}, "C", "weights"),
        ({HREF: "example.org/model.zip"}, "C", "weights"),
        ({HREF: "https://huggingface.co/me/m/blob/main/model.zip", "assets__model__file:checksum": None}, "C",
         "weights weights"),
        ({f"{RUNTIME}__model_handler": None, f"{RUNTIME}__model_commit_hash": None}, "C", "code code"),
        ({HREF: "https://example.org/scene.nc"}, "E", "weights"),
        ({"assets": {}}, "E", "weights"),
        ({"assets": {"thumbnail": {"href": "https://example.org/t.bin", "roles": ["thumbnail"]}}}, "E", "weights"),
        ({HREF: "https://huggingface.co/me/m", f"{RUNTIME}__docker": IMAGE}, "D", "weights"),
    ],
)  # fmt: skip
def test_one_thing_less(changes: dict[str, Any], letter: str, lifts: str) -> None:
    found = check(changed(**changes)).grade
    assert found.letter == letter
    assert " ".join(lift.part for lift in found.lifts) == lifts
    assert all(lift.fix for lift in found.lifts)
    assert found.next == ("C" if letter in "DE" else LETTERS[LETTERS.index(found.letter) - 1])


@pytest.mark.parametrize("key", ["model2", "model_card"])
def test_what_is_said_of_another_asset_counts_for_that_one_alone(key: str) -> None:
    item = changed()
    item["assets"][key] = {"href": "https://huggingface.co/me/m/blob/main/notes.pt", "roles": ["data"]}
    checked = check(item)
    assert "raw-url-inferred" in codes(checked)
    assert checked.grade.letter == "A"


def test_an_address_that_moves_is_held_by_a_checksum() -> None:
    moving = changed(**{HREF: "https://huggingface.co/me/m/resolve/main/model.zip"})
    assert check(moving).grade.letter == "A"


@pytest.mark.parametrize("name", ["model.onnx", "model.torchscript", "model.keras", "model.cbm"])
def test_weights_that_hold_their_program_need_no_code(name: str) -> None:
    item = changed(
        **{
            HREF: f"https://example.org/{name}",
            f"{RUNTIME}__model_handler": None,
            f"{RUNTIME}__model_src_url": None,
            f"{RUNTIME}__model_commit_hash": None,
            "properties__dlm:archive": [{"name": "conda-lock.yml"}],
        }
    )
    item["assets"] |= {name: {"href": f"./{name}"} for name in ("sample.tif", "expected.tif", "conda-lock.yml")}
    assert check(item).grade.letter == "A"


@pytest.mark.parametrize(
    ("name", "letter", "code"),
    [
        ("model.pth", "C", "torchscript-assumed"),
        ("model.zip", "C", "entry-point-unknown"),
        ("model.safetensors", "E", "nothing-runs-the-weights"),
        ("last.ckpt?download=1", "E", "nothing-runs-the-weights"),
        ("unet.weights.h5", "E", "nothing-runs-the-weights"),
    ],
)
def test_weights_without_any_code(name: str, letter: str, code: str) -> None:
    item = changed(
        **{
            HREF: f"https://example.org/{name}",
            f"{RUNTIME}__model_handler": None,
            f"{RUNTIME}__model_src_url": None,
            f"{RUNTIME}__model_commit_hash": None,
            "properties__dlm:archive": [],
        }
    )
    checked = check(item)
    assert checked.grade.letter == letter
    assert code in codes(checked)
    item["properties"]["dlm:runtime"]["docker"] = IMAGE
    assert check(item).grade.letter == letter.replace("E", "D")


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        ([], "code-not-found"),
        (["shore/model.joblib"], "code-not-found"),
        (["shore/__init__.py"], None),
        (["src/shore/__init__.py"], None),
        (["shore.py"], None),
        (["offshore/__init__.py"], "code-not-found"),
    ],
)
def test_a_package_in_the_archive_is_code_that_is_there(listed: list[str], code: str | None) -> None:
    item = changed(
        **{
            f"{RUNTIME}__model_handler": "shore:predict",
            f"{RUNTIME}__model_src_url": None,
            f"{RUNTIME}__model_commit_hash": None,
            "properties__dlm:archive": [{"name": name} for name in listed],
        }
    )
    checked = check(item)
    assert codes(checked) & {"code-not-found"} == ({code} if code else set())
    if code:
        (gap,) = (one for one in checked.findings if one.code == code)
        assert '"dlm:archive": [{"name": "shore.py", "roles": ["model handler"]}]' in gap.hint


def test_an_archive_of_weights_alone_need_not_be_given_a_function() -> None:
    gone = (f"{RUNTIME}__model_handler", f"{RUNTIME}__model_src_url", f"{RUNTIME}__model_commit_hash")
    item = changed(**dict.fromkeys(gone), **{"properties__dlm:archive": []})
    (gap,) = (one for one in check(item).findings if one.code == "entry-point-unknown")
    row = '{"name": "model.onnx", "roles": ["model weight"]}'
    assert f'"dlm:archive": [{row}]' in gap.hint
    item["properties"]["dlm:archive"] = [json.loads(row)]
    assert "entry-point-unknown" not in codes(check(item))


@pytest.mark.parametrize(
    ("artifact", "media_type", "href", "code"),
    [
        ("onnx", None, "https://example.org/download?id=7", None),
        (None, "application/octet-stream; application=onnx", "https://example.org/download?id=7", None),
        ("torch.jit.save", None, "https://example.org/m.pt", None),
        ("torchscript", None, "https://drive.google.com/file/d/1abc/view?usp=sharing", None),
        ("torch.export.save", None, "https://example.org/download", None),
        ("torch.save", None, "https://example.org/m.pt", "weights-need-code"),
        ("onnx", None, "https://example.org/m.zip", "entry-point-unknown"),
        (None, None, "https://example.org/m.pt", "weights-need-code"),
        (None, None, "https://example.org/download", "nothing-runs-the-weights"),
    ],
)
def test_what_mlm_says_the_weights_are(
    artifact: str | None, media_type: str | None, href: str, code: str | None
) -> None:
    item = copy.deepcopy(MLM)
    del item["assets"]["code"]
    item["assets"]["model"] |= {"href": href, "type": media_type, "mlm:artifact_type": artifact}
    checked = check(item)
    gaps = {"weights-need-code", "entry-point-unknown", "torchscript-assumed", "nothing-runs-the-weights"}
    assert codes(checked) & gaps == ({code} if code else set())
    assert (checked.grade.letter == "D") is (code == "nothing-runs-the-weights")


@pytest.mark.parametrize(
    ("artifact", "name"),
    [("tf.keras.Model.save_weights", "unet.weights.h5"), ("tf.keras.Model.save_weights", "unet.h5"),
     (None, "unet.weights.h5"), ("tf.keras.Model.save", "unet.weights.h5"), ("tf.train.Checkpoint", "ckpt-1.index")],
)  # fmt: skip
def test_weights_of_keras_without_their_network_need_code(artifact: str | None, name: str) -> None:
    item = copy.deepcopy(MLM)
    item["properties"] |= {"mlm:framework": "TensorFlow", "mlm:framework_version": "2.15.0"}
    item["assets"]["model"] |= {"href": f"https://example.org/{name}", "type": None, "mlm:artifact_type": artifact}
    assert codes(check(item)).isdisjoint(("weights-need-code", "nothing-runs-the-weights"))
    del item["assets"]["code"]
    checked = check(item)
    assert "nothing-runs-the-weights" in codes(checked)
    assert checked.grade.letter == "D"


@pytest.mark.parametrize(
    ("framework", "artifact", "name", "alone"),
    [
        ("scikit-learn", "joblib", "rf.joblib", True),
        ("sklearn", "pickle.dump", "rf.pkl", True),
        ("XGBoost", "xgboost.Booster.save_model", "model.json", True),
        ("XGBoost", None, "model.ubj?download=1", True),
        ("xgboost", "xgboost", "model.model", True),
        ("LightGBM", "lightgbm", "model.txt", True),
        ("TensorFlow", None, "frozen.pb", True),
        ("TensorFlow", "tf.saved_model", "saved_model/", True),
        ("PaddlePaddle", "paddle", "inference.pdmodel", True),
        ("PyTorch", "joblib", "model.joblib", False),
        ("PyTorch", "pickle.dump", "model.pkl", False),
        ("PyTorch", None, "model.json", False),
        ("LightGBM", None, "model.json", False),
        ("TensorFlow", "tf.train.Checkpoint", "checkpoint/", False),
    ],
)
def test_a_framework_loads_its_own_whole_models_alone(
    framework: str, artifact: str | None, name: str, alone: bool
) -> None:
    item = copy.deepcopy(MLM)
    del item["assets"]["code"]
    item["properties"] |= {"mlm:framework": framework, "mlm:framework_version": "1.4.2"}
    item["assets"]["model"] |= {"href": f"https://example.org/{name}", "type": None, "mlm:artifact_type": artifact}
    checked = check(item)
    assert codes(checked).isdisjoint(("weights-need-code", "nothing-runs-the-weights")) is alone
    assert checked.grade.letter == ("A" if alone else "D")


@pytest.mark.parametrize(("href", "alone"), [("https://example.org/m.onnx", True), ("https://example.org/m.h5", False)])
def test_the_grade_and_the_findings_agree_on_whether_weights_need_code(href: str, alone: bool) -> None:
    item = copy.deepcopy(MLM)
    del item["assets"]["code"]
    item["assets"]["model"] |= {"href": href, "mlm:artifact_type": "torch.save"}
    checked = check(item)
    assert codes(checked).isdisjoint(("weights-need-code", "nothing-runs-the-weights")) is alone
    assert (checked.grade.letter in "ABC") is alone


@pytest.mark.parametrize(
    ("href", "artifact"),
    [("https://zenodo.org/records/123", "onnx"), ("ftp://example.org/m.onnx", None), ("10.5281/zenodo.123", "onnx")],
)
def test_a_model_without_an_address_that_runs_alone_wants_no_code(href: str, artifact: str | None) -> None:
    item = copy.deepcopy(MLM)
    del item["assets"]["code"]
    item["assets"]["model"] |= {"href": href, "mlm:artifact_type": artifact, "type": None}
    checked = check(item)
    assert checked.grade.letter in "DE" and [lift.part for lift in checked.grade.lifts] == ["weights"]


def test_a_model_whose_href_is_a_list_is_not_called_unclear() -> None:
    item = copy.deepcopy(MLM)
    item["assets"]["model"]["href"] = ["https://a.example/m.pt", "https://b.example/m.pt"]
    checked = check(item)
    assert "no-model-asset" not in codes(checked)
    assert checked.grade.lifts[0].pointer == "/assets/model/href"
    del item["assets"]["code"]
    item["properties"]["mlm:framework"] = "ONNX"
    assert [lift.part for lift in check(item).grade.lifts] == ["weights"]


def test_an_archive_without_code_is_not_called_code() -> None:
    item = copy.deepcopy(MLM)
    del item["assets"]["code"]
    item["assets"]["model"] |= {"href": "https://example.org/m.zip", "mlm:artifact_type": None}
    (finding,) = (one for one in check(item).findings if one.code == "entry-point-unknown")
    assert finding.message == "the archive is named, but not the function in it that runs the model"


def test_files_beside_the_item_are_called_as_they_are_published() -> None:
    item = copy.deepcopy(MLM)
    item["assets"]["environment"]["href"] = "env/environment.yml"
    item["assets"]["model"]["href"] = "./run.yml"
    del item["assets"]["image"]
    texts = {finding.code: finding.message for finding in check(item, "/home/me/items/item.json").findings}
    assert '"run.yml" is a description' in texts["weights-are-data"]
    assert texts["environment-not-locked"].startswith('"env/environment.yml" names')


@pytest.mark.parametrize("origin", ["/home/me/items/a/item.json", "a/item.json", "item.json", "-",
                                    "https://example.org/items/a/item.json"])  # fmt: skip
def test_a_path_is_seen_from_the_item_wherever_that_is(origin: str) -> None:
    assert check(changed(assets__model__href="../models/model.zip"), origin).grade.letter == "A"
    for whole in ("/home/me/items/a/model.zip", "/home/me/model.zip", "~/model.zip", "C:/me/model.zip"):
        checked = check(changed(assets__model__href=whole), origin)
        told = {finding.code: finding.evidence for finding in checked.findings}
        if origin.startswith("https:") and whole.startswith("/"):
            assert checked.grade.letter == "A", "it is a path of that server"
        else:
            assert (checked.grade.letter, told["model-has-no-address"]) == ("E", whole)


def test_no_folder_of_this_machine_is_shown() -> None:
    item = changed(assets__model__href="../models/scene.nc")
    (told,) = (one for one in check(item, "/home/me/items/item.json").findings if one.code == "weights-are-data")
    assert told.evidence == "../models/scene.nc" and "/home/me" not in told.message


@pytest.mark.parametrize(
    ("run", "archive", "letter"),
    [
        (None, [], "D"),
        ("predict --input in.tif", [], "D"),
        ("predict --model <weights> --input in.tif", [], "E"),
        ("predict --model /workspace/best.pth", [{"name": "data/best.pth", "roles": ["model weight"]}], "E"),
    ],
)
def test_an_image_is_ready_where_its_command_waits_for_no_file(
    run: str | None, archive: list[Any], letter: str
) -> None:
    docker = IMAGE | ({"run": run} if run else {})
    item = changed(**{"assets": {}, f"{RUNTIME}__docker": docker, "properties__dlm:archive": archive})
    assert check(item).grade.letter == letter


@pytest.mark.parametrize(
    "name",
    ["conda-lock.yml", "gpu.conda-lock.yaml", "conda-linux-64.lock", "explicit.txt", "requirements.lock",
     "requirements-lock.txt"],
)  # fmt: skip
def test_what_locks_are_called(name: str) -> None:
    item = changed(**{f"{RUNTIME}__requirement_file": name, "properties__dlm:archive": []})
    assert check(item).grade.letter == "A"


FOREIGN = [
    "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pixi.lock", "pylock.toml", "conda-lock.json", "renv.lock",
    "pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "environment.json", "Dockerfile", "Dockerfile.gpu",
    "python_env.yaml", "MLproject",
]  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_a_lock_that_a_build_refuses_is_no_given_environment(name: str) -> None:
    found = check(changed(**{f"{RUNTIME}__requirement_file": f"env/{name}", "properties__dlm:archive": []}))
    (told,) = (one for one in found.findings if one.code == "lock-not-read")
    assert (found.grade.letter, told.severity) == ("C", "error")
    assert name in told.message and "conda-lock.yml" in told.hint
    assert {"environment-not-locked", "no-environment"}.isdisjoint(codes(found))
    with pytest.raises(ItemInvalid, match="not read"):
        read_environment(EnvironmentFile(name=f"archive:env/{name}", kind="pip", text="numpy\n"), ())


@pytest.mark.parametrize("name", FOREIGN)
def test_a_lock_that_nobody_names_locks_nothing_either(name: str) -> None:
    item = changed(**{f"{RUNTIME}__requirement_file": None, "properties__dlm:archive": [{"name": name}]})
    assert "no-environment" in codes(check(item)) and check(item).grade.letter == "C"


def test_a_type_that_says_page_is_a_doubt_and_stops_no_build() -> None:
    """What is served is judged by its first bytes, as the finding says."""
    item = copy.deepcopy(MLM)
    item["assets"]["model"]["type"] = "text/html"
    checked = check(item)
    assert checked.grade.letter == "C" and "weights-are-a-page" in codes(checked)
    assert [guess.what for guess in checked.grade.guesses] == ["the address of the weights"]
    assert not any(finding.severity == "error" for finding in checked.findings)


@pytest.mark.parametrize("name", ["renamed.conda-lock.yml", "requirements-lock.txt", "linux-64.lock"])
def test_a_lock_counts_where_a_build_would_use_it(name: str) -> None:
    """In an archive a build looks for a few names; and it takes what is named before what lies beside."""
    inside = {"properties__dlm:archive": [{"name": name}]}
    unnamed = check(changed(**{f"{RUNTIME}__requirement_file": None, **inside}))
    assert unnamed.grade.letter == "C" and "no-environment" in codes(unnamed)
    for file, inside_too in (("environment.yml", "conda-lock.yml"), ("env/environment.yml", name)):
        changes = {f"{RUNTIME}__requirement_file": file, "properties__dlm:archive": [{"name": inside_too}]}
        assert "environment-not-locked" in codes(check(changed(**changes)))


@pytest.mark.parametrize("role", ["environment file", "environment", "requirements", "data"])
def test_an_asset_is_the_environment_by_its_role(role: str) -> None:
    """Where the item names no other; a build takes it, and so it counts."""
    item = changed(**{f"{RUNTIME}__requirement_file": None, "properties__dlm:archive": []})
    item["assets"]["lock"] = {"href": "https://example.org/conda-lock.yml", "roles": [role]}
    told = role != "data"
    assert read_item(json.dumps(item), "item.json").runtime.requirement_file == ("lock" if told else None)
    assert check(item).grade.letter == ("A" if told else "C")


@pytest.mark.parametrize("name", ["environment.yml", "requirements.txt", "blocklist.txt", "clock.yml", "notes.lock.md"])
def test_what_is_no_lock(name: str) -> None:
    item = changed(**{f"{RUNTIME}__requirement_file": name, "properties__dlm:archive": []})
    assert "environment-not-locked" in codes(check(item))


def test_an_image_by_its_digest_locks_the_environment() -> None:
    docker = {"image_name": "docker.io/me/coast@sha256:" + "ab" * 32}
    item = changed(
        **{f"{RUNTIME}__docker": docker, f"{RUNTIME}__requirement_file": None, "properties__dlm:archive": []}
    )
    assert check(item).grade.letter == "A"
    assert "image-without-digest" not in codes(check(item))


def test_where_nothing_is_guessed_none_is_promised() -> None:
    found = check(changed(**{"properties__dlm:data__test_file": None})).grade
    assert (found.letter, found.guesses) == ("C", ()) and "guess" not in found.meaning


@pytest.mark.parametrize(("field", "name"), [("engine", "engine"), ("dlm:engine", "dlm:engine")])
def test_a_fix_names_the_field_that_the_item_has(field: str, name: str) -> None:
    item = changed(**{f"{RUNTIME}__requirement_file": None, "properties__dlm:archive": []})
    item["properties"][field] = item["properties"].pop("dlm:runtime")
    (told,) = (one for one in check(item).findings if one.code == "no-environment")
    assert told.hint.endswith(f"to {name}") and "dlm:runtime" not in told.hint


@pytest.mark.parametrize("field", ["dlm:data", "dlm:archive", "dlm:inputs", "dlm:outputs"])
def test_a_part_that_is_null_is_said(field: str) -> None:
    item = complete()
    item["properties"][field] = None
    assert ("empty-field", f"/properties/{field}") in {(one.code, one.pointer) for one in check(item).findings}


def test_guesses_are_listed_once_each() -> None:
    item = changed(
        **{
            f"{RUNTIME}__version": None,
            f"{RUNTIME}__requirement_file": None,
            f"{RUNTIME}__model_commit_hash": None,
            "properties__dlm:archive": [],
            "properties__created": None,
        }
    )
    guesses = [guess.what for guess in check(item).grade.guesses]
    assert set(guesses) == {"the framework's version", "the environment", "the commit of the code", "the date"}
    assert len(guesses) == len(set(guesses))


def test_a_lock_leaves_no_version_and_no_date_to_guess() -> None:
    item = changed(**{f"{RUNTIME}__version": None, f"{RUNTIME}__model_commit_hash": None, "properties__created": None})
    assert [guess.what for guess in check(item).grade.guesses] == ["the commit of the code"]


def test_the_grade_of_an_item_alone() -> None:
    import json

    found = grade(read_item(json.dumps(complete()), "-"))
    assert (found.letter, found.meaning) == ("A", MEANINGS["A"])
