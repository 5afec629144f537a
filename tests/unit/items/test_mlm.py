"""MLM: what a whole item gives, where fields may stand, and what runs the model."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dlm_build.errors import ItemHostile, ItemInvalid
from dlm_build.items.mlm.runtime import trains
from dlm_build.model_asset import candidates
from dlm_build.planning.frameworks import table_of
from dlm_build.planning.tables import load_tables
from dlm_build.planning.versions import pick
from dlm_build.records import ArchiveEntry, ClassName, DeclaredDocker, DeclaredSample, Item

from .samples_of_items import codes, found, read, spoiled
from .samples_of_mlm import COMMIT, DIGEST, MLM, PROPERTIES


def spoil(path: str, value: object = ...) -> Item:
    return read(spoiled(path, value, MLM))


def with_asset(key: str, **fields: Any) -> dict[str, Any]:
    item = copy.deepcopy(MLM)
    item["assets"][key] = fields
    return item


def model_of(item: Item) -> str:
    (chosen,) = candidates(item.assets)
    return chosen.key


def test_a_whole_item() -> None:
    item = read(MLM)
    assert (item.id, item.title, item.license, item.date) == ("shore", "Shore finder", "MIT", "2024-05-01T00:00:00Z")
    assert (item.dialect, item.dialect_version) == ("mlm", "1.5.2")
    assert item.dialect_reason == "the schema of 1.5.2 in /stac_extensions/0"
    runtime = item.runtime
    assert (runtime.framework, runtime.version, runtime.handler) == ("PyTorch", "2.1.2", "shore.inference:predict")
    assert (runtime.source_url, runtime.source_commit) == ("https://github.com/me/shore", COMMIT)
    assert runtime.requirement_file == "environment"
    assert runtime.docker == DeclaredDocker(image_name=f"ghcr.io/me/shore@{DIGEST}", gpu=True)
    assert item.sample == DeclaredSample(input="sample", expected="expected", pointer="/assets/sample")
    assert model_of(item) == "model"
    model = next(asset for asset in item.assets if asset.key == "model")
    assert (model.sha256, model.size) == ("ab" * 32, 4321)
    assert codes(item) == {"bands-from-names"}


def test_the_tensors_of_a_whole_item() -> None:
    item = read(MLM)
    inputs, outputs = item.inputs, item.outputs
    assert (inputs.name, inputs.batch, inputs.channels, inputs.height, inputs.width) == ("scene", None, 2, 64, 64)
    assert (inputs.mean, inputs.std, inputs.scaling_factor) == ((10.0, 20.0), (2.0, 4.0), None)
    assert (inputs.selected_bands, inputs.dtype, inputs.nodata) == ((2, 1), "uint16", 0.0)
    assert (outputs.task, outputs.number_of_classes, outputs.dont_care_index) == ("semantic segmentation", 3, 0)
    assert outputs.final_layer_size == (-1, 3, 64, 64)
    assert outputs.classes[2] == ClassName(index=2, name="land")


def test_pointers_name_the_places_of_mlm() -> None:
    at = read(MLM).pointers
    assert at.framework == "/properties/mlm:framework" and at.version == "/properties/mlm:framework_version"
    assert at.handler == "/assets/code/mlm:entrypoint" and at.source == "/assets/code/href"
    assert at.image == "/assets/image/href" and at.gpu == "/properties/mlm:accelerator"
    assert at.requirements == "/assets/environment" and at.sample == "/assets/sample" and at.archive == "/assets"
    assert at.task == "/properties/mlm:output/0/tasks"


def test_what_is_not_there_is_named_where_mlm_would_have_it() -> None:
    item = copy.deepcopy(MLM)
    del item["assets"]["environment"]
    assert read(item).pointers.requirements == "/assets"


# --- versions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "version"),
    [
        ("https://crim-ca.github.io/mlm-extension/v1.0.0/schema.json", "1.0.0"),
        ("https://crim-ca.github.io/mlm-extension/v1.1.0/schema.json", "1.1.0"),
        ("https://crim-ca.github.io/mlm-extension/v1.2.0/schema.json", "1.2.0"),
        ("https://crim-ca.github.io/mlm-extension/v1.3.0/schema.json", "1.3.0"),
        ("https://stac-extensions.github.io/mlm/v1.4.0/schema.json", "1.4.0"),
        ("https://stac-extensions.github.io/mlm/v1.5.1/schema.json", "1.5.1"),
        ("https://crim-ca.github.io/dlm-extension/v1.0.0/schema.json", "1.0.0"),
    ],
)
def test_the_version_of_the_schema(url: str, version: str) -> None:
    assert spoil("stac_extensions", ["https://example.org/other/v9.9.9/schema.json", url]).dialect_version == version


@pytest.mark.parametrize(
    ("name", "value", "version"),
    [
        ("norm_type", None, "1.0 to 1.3"),
        ("value_scaling", None, "1.4 or later"),
        ("input_array", {}, "a draft of 1.0"),
    ],
)
def test_the_version_by_fields_where_no_schema_is_named(name: str, value: object, version: str) -> None:
    item = copy.deepcopy(MLM)
    del item["stac_extensions"]
    item["properties"]["mlm:input"] = [{"name": "x", name: value}]
    got = read(item)
    assert got.dialect_version == version and got.dialect_reason.startswith("/properties/mlm:name, and by `mlm:input`")


def test_no_version_at_all() -> None:
    item = copy.deepcopy(MLM)
    del item["stac_extensions"]
    item["properties"]["mlm:input"] = []
    assert (read(item).dialect_version, read(item).dialect_reason) == (None, "/properties/mlm:name")


# --- where fields stand ------------------------------------------------------------------------------------------


def test_an_assets_own_framework_comes_first() -> None:
    item = copy.deepcopy(MLM)
    own = {"mlm:framework": "TensorFlow", "mlm:framework_version": "2.15.0", "mlm:artifact_type": "tf.keras.Model.save"}
    item["assets"]["model"] |= own
    got = read(item)
    assert (got.runtime.framework, got.runtime.version) == ("TensorFlow", "2.15.0")
    assert got.pointers.framework == "/assets/model/mlm:framework"


@pytest.mark.parametrize("place", ["", "assets/model/"])
def test_fields_of_the_model_as_a_whole_elsewhere(place: str) -> None:
    item = copy.deepcopy(MLM)
    target = item if not place else item["assets"]["model"]
    for name in ("mlm:name", "mlm:input", "mlm:output", "mlm:tasks"):
        target[name] = item["properties"].pop(name)
    got = read(item)
    assert got.title == "Shore finder" and got.inputs.channels == 2 and got.outputs.number_of_classes == 3
    pointers = {f.pointer for f in got.findings if f.code == "field-misplaced"}
    assert pointers == {f"/{place}{name}" for name in ("mlm:name", "mlm:input", "mlm:output", "mlm:tasks")}


def test_the_item_itself_says_the_framework() -> None:
    item = copy.deepcopy(MLM)
    item["mlm:framework"] = item["properties"].pop("mlm:framework")
    got = read(item)
    assert got.runtime.framework == "PyTorch" and found(got, "field-misplaced").pointer == "/mlm:framework"


def test_a_collection_with_mlm_fields_is_called_one() -> None:
    collection = {"type": "Collection", "id": "models", "links": [], "extent": {}, "mlm:name": "x", "summaries": {}}
    with pytest.raises(ItemInvalid, match="this is a STAC Collection with the id models"):
        read(collection)


# --- framework ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "framework"),
    [
        ("segmentation_models_pytorch.decoders.unet.model", "PyTorch"),
        ("torchvision.models.resnet", "PyTorch"),
        ("tensorflow.keras.applications", "TensorFlow"),
        ("torchgeo", "PyTorch"),
        ("segmentation-models-pytorch", "PyTorch"),
    ],
)
def test_a_module_path_is_no_framework(module: str, framework: str) -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:framework"] = module
    item["assets"]["model"] |= {"mlm:artifact_type": None, "type": None}
    got = read(item)
    assert got.runtime.framework == framework
    finding = found(got, "framework-from-module")
    assert finding.pointer == "/properties/mlm:framework" and module.partition(".")[0] in finding.message
    assert finding.evidence == module


@pytest.mark.parametrize(
    "written",
    [
        [{"name": "onnx", "version": "1.15.0"}],
        {"name": "onnx", "version": "1.15.0"},
        [{"name": "onnx", "version": "1.15.0"}, {"name": "PyTorch", "version": "2.1"}],
    ],
)
def test_a_framework_with_its_version_in_one_field(written: object) -> None:
    item = copy.deepcopy(MLM)
    del item["properties"]["mlm:framework_version"]
    item["properties"]["mlm:framework"] = written
    item["assets"]["model"] |= {"href": "https://example.org/m.onnx", "mlm:artifact_type": "onnx"}
    got = read(item)
    assert (got.runtime.framework, got.runtime.version) == ("onnx", "1.15.0")
    finding = found(got, "framework-apart")
    assert finding.pointer == "/properties/mlm:framework" and finding.severity == "info"


def test_a_framework_in_a_list() -> None:
    got = spoil("properties/mlm:framework", ["PyTorch"])
    assert (got.runtime.framework, got.runtime.version) == ("PyTorch", "2.1.2")


def test_code_that_is_not_called_may_be_at_any_commit() -> None:
    item = copy.deepcopy(MLM)
    item["assets"]["code"]["href"] = "https://github.com/me/shore"
    assert "source-not-pinned" in codes(read(item))
    item["assets"]["model"] |= {"href": "https://example.org/m.onnx", "mlm:artifact_type": "onnx"}
    assert "source-not-pinned" not in codes(read(item))
    assert found(read(item), "unused-source-not-pinned").severity == "info"


@pytest.mark.parametrize(
    ("framework", "version"),
    [("lightning", None), ("torchgeo", None), ("segmentation_models_pytorch.Unet", None), ("torch.nn.Module", "2.1.2")],
)
def test_the_version_of_a_package_is_not_its_frameworks(framework: str, version: str | None) -> None:
    got = spoil(PROPERTIES + "mlm:framework", framework)
    assert (got.runtime.framework, got.runtime.version) == ("PyTorch", version)
    assert ("version-of-package" in codes(got)) is (version is None)


def test_a_dotted_name_that_is_not_known_stays() -> None:
    assert spoil(PROPERTIES + "mlm:framework", "company.framework").runtime.framework == "company.framework"


@pytest.mark.parametrize(
    ("artifact", "framework"),
    [
        ("torch.save", "PyTorch"),
        ("torch.jit.save", "PyTorch"),
        ("torch.export.save", "PyTorch"),
        ("tf.keras.Model.save", "TensorFlow"),
        ("safetensors.torch.save_file", "PyTorch"),
        ("pytorch_lightning", "PyTorch"),
        ("pickle.dump", None),
    ],
)
def test_the_framework_of_the_artifact_where_none_is_named(artifact: str, framework: str | None) -> None:
    item = copy.deepcopy(MLM)
    del item["properties"]["mlm:framework"]
    item["assets"]["model"]["mlm:artifact_type"] = artifact
    got = read(item)
    assert got.runtime.framework == framework
    told = found(got, "framework-from-artifact" if framework else "no-framework")
    assert told.pointer == "/properties/mlm:framework" and "mlm:framework" in told.hint
    assert artifact in told.evidence or framework is None


def test_an_export_is_run_by_what_runs_exports() -> None:
    item = copy.deepcopy(MLM)
    item["assets"]["model"] |= {"href": "https://example.org/m.onnx", "mlm:artifact_type": "onnx"}
    got = read(item)
    assert (got.runtime.framework, got.runtime.version) == ("onnxruntime", None)
    assert found(got, "framework-of-artifact").evidence == "PyTorch"
    item["properties"]["mlm:framework"] = "ONNX"
    assert (read(item).runtime.framework, read(item).runtime.version) == ("ONNX", "2.1.2")


@pytest.mark.parametrize(
    ("declared", "artifact", "href", "framework"),
    [
        ("TensorFlow", "torch.jit.save", "https://example.org/m.pth", "PyTorch"),
        ("TensorFlow", "torch.save", "https://example.org/m.pth", "PyTorch"),
        ("PyTorch", "tf.keras.Model.save", "https://example.org/m.h5", "TensorFlow"),
    ],
)
def test_a_framework_that_the_artifact_is_not_of(declared: str, artifact: str, href: str, framework: str) -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:framework"] = declared
    item["assets"]["model"] |= {"href": href, "mlm:artifact_type": artifact}
    got = read(item)
    assert (got.runtime.framework, got.runtime.version) == (framework, None)
    finding = found(got, "framework-of-artifact")
    assert finding.evidence == declared and f'"mlm:framework": "{framework}"' in finding.hint


@pytest.mark.parametrize(
    ("declared", "artifact"),
    [
        ("Pytorch Lightning", "torch.save"),
        ("Keras", "tf.keras.Model.save"),
        ("XGBoost", "joblib.dump"),
        ("scikit-learn", "pickle.dump"),
        ("ultralytics", "torch.save"),
        ("TensorFlow/Keras", "tf.saved_model.save"),
    ],
)
def test_a_framework_that_agrees_with_the_artifact(declared: str, artifact: str) -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:framework"] = declared
    item["assets"]["model"] |= {"href": "https://example.org/download", "mlm:artifact_type": artifact}
    assert "framework-of-artifact" not in codes(read(item))


def test_the_framework_of_an_export_is_advised_as_it_is_read() -> None:
    item = copy.deepcopy(MLM)
    item["assets"]["model"] |= {"href": "https://example.org/m.onnx", "mlm:artifact_type": "onnx"}
    assert '"mlm:framework": "ONNX"' in found(read(item), "framework-of-artifact").hint
    item["assets"]["model"] |= {"mlm:framework": "ONNX", "mlm:framework_version": "1.20.1"}
    got = read(item)
    assert (got.runtime.framework, got.runtime.version) == ("ONNX", "1.20.1")
    assert "framework-of-artifact" not in codes(got)


@pytest.mark.parametrize(
    ("words", "framework"),
    [
        ("PyTorch (via segmentation_models_pytorch)", "PyTorch"),
        ("C++ (libtorch)", "PyTorch"),
        ("R (randomForest/foreach/import)", "R"),
        ("R (torch)", "R"),
        ("PyTorch & ONNX", None),
        (["PyTorch & ONNX"], None),
        (True, None),
    ],
)
def test_a_framework_in_other_words(words: object, framework: str | None) -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:framework"] = words
    item["assets"]["model"] |= {"href": "https://example.org/m.rds", "mlm:artifact_type": "saveRDS", "type": None}
    got = read(item)
    assert got.runtime.framework == framework
    code = "framework-in-words" if framework else "field-left-out"
    assert found(got, code).pointer.startswith("/properties/mlm:framework")
    assert ("no-framework" in codes(got)) is (framework is None)


@pytest.mark.parametrize("version", [">=2.0,<3", "R 4.4", ["2.1", "2.2"]])
def test_a_version_that_is_not_one_is_left_out(version: object) -> None:
    item = spoil(PROPERTIES + "mlm:framework_version", version)
    assert item.runtime.version is None and item.runtime.framework == "PyTorch"
    assert found(item, "field-left-out").pointer == "/properties/mlm:framework_version"
    assert "no-framework-version" not in codes(item), "it is said once"


def test_a_command_substitution_is_no_framework() -> None:
    with pytest.raises(ItemHostile):
        spoil(PROPERTIES + "mlm:framework", "PyTorch (via $(id))")


def test_a_version_as_a_number_keeps_its_text() -> None:
    item = spoil(PROPERTIES + "mlm:framework_version", 2.1)
    assert item.runtime.version == "2.1" and found(item, "version-is-a-number")
    text = spoil(PROPERTIES + "mlm:framework_version", "2.1.2+cu121")
    assert text.runtime.version == "2.1.2+cu121" and "version-is-a-number" not in codes(text)


def test_no_version_says_what_to_add_in_mlm() -> None:
    assert "mlm:framework_version" in found(spoil(PROPERTIES + "mlm:framework_version"), "no-framework-version").hint


@pytest.mark.parametrize(
    ("accelerator", "gpu"),
    [("cuda", True), ("GPU", True), ("amd64", False), ("cpu", False), ("intel-ipex-cpu", False), (None, None)],
)
def test_accelerators(accelerator: str | None, gpu: bool | None) -> None:
    item = spoil(PROPERTIES + "mlm:accelerator", accelerator)
    assert item.runtime.docker.gpu is gpu and "accelerator-unsupported" not in codes(item)
    assert "empty-field" not in codes(item)


@pytest.mark.parametrize(
    ("framework", "version"),
    [("PyTorch", "2.1.2"), ("TensorFlow", "2.15.0"), ("Keras", "2.15.0"), ("onnxruntime", "1.20.1"), ("ONNX", "1.20.1"),
     ("MXNet", "1.9.1"), ("CatBoost", None), ("scikit-learn", None)],
)  # fmt: skip
def test_the_version_that_is_offered_is_one_of_the_framework(framework: str, version: str | None) -> None:
    item = copy.deepcopy(MLM)
    item["properties"] |= {"mlm:framework": framework}
    del item["properties"]["mlm:framework_version"]
    suffix = ".onnx" if "onnx" in framework.lower() else ".bin"
    item["assets"]["model"] |= {"href": f"https://example.org/m{suffix}", "type": None, "mlm:artifact_type": None}
    hint = found(read(item), "no-framework-version").hint
    if version is None:
        assert framework in hint and not any(character.isdigit() for character in hint)
        return
    assert f'"{version}"' in hint
    table = table_of(framework, load_tables().frameworks)
    assert table and pick(table, version, None, "").exists


@pytest.mark.parametrize(
    ("architecture", "framework"), [("RandomForestClassifier", "scikit-learn"), ("XGBoost", "XGBoost"), ("U-Net", None)]
)
def test_no_framework_is_offered_that_the_item_does_not_speak_of(architecture: str, framework: str | None) -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:architecture"] = architecture
    del item["properties"]["mlm:framework"]
    item["assets"]["model"] |= {"href": "https://example.org/m.pkl", "type": None, "mlm:artifact_type": "pickle.dump"}
    hint = found(read(item), "no-framework").hint
    assert "PyTorch" not in hint
    assert framework is None or f'"mlm:framework": "{framework}"' in hint


@pytest.mark.parametrize(
    ("accelerator", "wanted"),
    [("cpu", "amd64"), ("x86_64", "amd64"), ("gpu", "cuda"), ("cuda", None), ("amd64", None), ("intel-ipex-cpu", None)],
)
def test_a_word_for_the_device_that_mlm_has_not_is_called_by_its_own(accelerator: str, wanted: str | None) -> None:
    item = spoil(PROPERTIES + "mlm:accelerator", accelerator)
    assert ("other-spelling" in codes(item)) is (wanted is not None)
    assert wanted is None or wanted in found(item, "other-spelling").hint


def test_every_accelerator_that_a_fix_names_is_one_of_mlm() -> None:
    hint = found(spoil(PROPERTIES + "mlm:accelerator", "xla"), "accelerator-unsupported").hint
    assert '"amd64"' in hint and '"cpu"' not in hint


@pytest.mark.parametrize("accelerator", ["xla", "amd-rocm", "intel-ipex-gpu", "macos-arm", "TPU"])
def test_accelerators_that_are_not_built_for(accelerator: str) -> None:
    item = spoil(PROPERTIES + "mlm:accelerator", accelerator)
    assert item.runtime.docker.gpu is None and found(item, "accelerator-unsupported").evidence == accelerator


# --- entry point -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "models.yolo.pipeline:training_pipeline",
        "src.model:train",
        "src.model:train_model",
        "train.py",
        "src/train.py:main",
        "pkg.fit:run",
        "pkg.model:Trainer",
    ],
)
def test_an_entry_point_that_trains(name: str) -> None:
    assert trains(name)
    item = spoil("assets/code/mlm:entrypoint", name)
    assert item.runtime.handler is None
    assert found(item, "entrypoint-trains").pointer == "/assets/code/mlm:entrypoint"
    assert "weights-need-code" in codes(item)


@pytest.mark.parametrize("name", ["pkg.train:predict", "pkg.infer:predict_trained", "constraint.py", "pkg.profit:main"])
def test_an_entry_point_that_does_not_train(name: str) -> None:
    assert not trains(name)


def test_the_architecture_is_no_entry_point() -> None:
    item = copy.deepcopy(MLM)
    del item["assets"]["code"]["mlm:entrypoint"]
    item["mlm:entrypoint"] = item["properties"]["mlm:architecture"] = "smp.unet.Unet"
    got = read(item)
    assert got.runtime.handler is None and found(got, "entrypoint-is-architecture").pointer == "/mlm:entrypoint"


def test_the_next_entry_point_where_the_first_trains() -> None:
    item = with_asset("more", href="https://github.com/me/x", roles=["code"], **{"mlm:entrypoint": "shore.run:predict"})
    item["assets"]["code"]["mlm:entrypoint"] = "shore.run:train"
    got = read(item)
    assert got.runtime.handler == "shore.run:predict" and got.pointers.handler == "/assets/more/mlm:entrypoint"


def test_a_command_is_no_entry_point() -> None:
    item = spoil("assets/code/mlm:entrypoint", "python predict.py --in x")
    assert item.runtime.handler is None and "entrypoint-unreadable" in codes(item)


@pytest.mark.parametrize("name", ["$(id)", "../../evil.py:x", "a\nb"])
def test_a_hostile_entry_point(name: str) -> None:
    with pytest.raises(ItemHostile):
        spoil("assets/code/mlm:entrypoint", name)


def test_what_runs_alone_is_run_alone() -> None:
    item = spoil("assets/model/mlm:artifact_type", "torch.jit.save")
    assert item.runtime.handler is None
    assert found(item, "entrypoint-not-called").pointer == "/assets/code/mlm:entrypoint"
    assert "weights-need-code" not in codes(item)


# --- leftovers ---------------------------------------------------------------------------------------------------

LEFT = {
    "dlm:archive": [{"name": "net.onnx", "roles": ["model weight"]}, {"name": "s/in.tif", "roles": ["test set"]}],
    "dlm:data": {
        "number_of_bands": 4,
        "nodata_value": 7,
        "test_file": {"filename": "in.tif", "output": "out.tif", "atol": 1e-5, "rtol": 1e-4},
    },
    "dlm:inputs": {"selected_bands": [3, 0]},
    "dlm:runtime": {
        "model_handler": "handler.py:handle",
        "requirement_file": "env.yml",
        "docker": {"run": "predict --input {input}", "working_dir": "/srv/space"},
    },
}


def test_what_stands_under_dlm_is_read() -> None:
    item = copy.deepcopy(MLM)
    item["properties"] |= LEFT
    got = read(item)
    assert got.dialect == "mlm"
    assert got.archive[0] == ArchiveEntry(name="net.onnx", roles=("model weight",))
    assert got.sample == DeclaredSample(
        input="s/in.tif", expected="out.tif", pointer="/properties/dlm:data/test_file", atol=1e-5, rtol=1e-4
    )
    assert (got.inputs.selected_bands, got.inputs.number_of_bands, got.inputs.nodata) == ((3, 0), 4, 7.0)
    assert got.runtime.handler == "handler.py:handle" and got.runtime.requirement_file == "env.yml"
    assert (got.runtime.docker.run, got.runtime.docker.working_dir) == ("predict --input {input}", "/srv/space")
    assert got.pointers.handler == "/properties/dlm:runtime/model_handler"
    assert got.pointers.archive == "/properties/dlm:archive"
    assert got.runtime.framework == "PyTorch" and "bands-from-names" not in codes(got)


def test_tolerances_for_samples_that_are_assets() -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["dlm:data"] = {"test_file": {"atol": 0.5, "rtol": 0.25}}
    sample = read(item).sample
    assert sample and (sample.input, sample.atol, sample.rtol) == ("sample", 0.5, 0.25)


def test_leftovers_of_a_wrong_type_are_refused_with_their_place() -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["dlm:runtime"] = "PyTorch"
    with pytest.raises(ItemInvalid, match="/properties/dlm:runtime: must be an object"):
        read(item)


# --- spellings ---------------------------------------------------------------------------------------------------


def _respelled(nested: bool) -> dict[str, Any]:
    item = copy.deepcopy(MLM)
    ours = [name for name in item["properties"] if name.startswith("mlm:")]
    fields = {name: item["properties"].pop(name) for name in ours}
    if nested:
        item["properties"]["mlm"] = {name.removeprefix("mlm:"): value for name, value in fields.items()}
    else:
        item["properties"] |= {name.replace(":", "_"): value for name, value in fields.items()}
    return item


@pytest.mark.parametrize("nested", [False, True])
def test_fields_with_an_underscore_or_nested_in_one(nested: bool) -> None:
    item, plain = read(_respelled(nested)), read(MLM)
    assert item.dialect == "mlm" and item.title == plain.title
    assert (item.runtime, item.inputs, item.outputs) == (plain.runtime, plain.inputs, plain.outputs)
    spelled = {finding.pointer: finding.hint for finding in item.findings if finding.code == "other-spelling"}
    place = "/properties/mlm/framework" if nested else "/properties/mlm_framework"
    assert spelled[place] == "rename it to `mlm:framework`" and item.pointers.framework == place


def test_such_fields_tell_the_dialect_alone() -> None:
    item = _respelled(nested=True)
    del item["stac_extensions"]
    item["assets"] = {"a": {"href": "https://example.org/m.onnx"}}
    assert read(item).dialect == "mlm"


def test_fields_in_capitals() -> None:
    item = copy.deepcopy(MLM)
    for name, spelled in (("mlm:input", "MLM:input"), ("mlm:output", "mlm:Output"), ("mlm:framework", "MLM_FRAMEWORK")):
        item["properties"][spelled] = item["properties"].pop(name)
    got, plain = read(item), read(MLM)
    assert (got.runtime, got.inputs, got.outputs) == (plain.runtime, plain.inputs, plain.outputs)
    assert {f.pointer: f.hint for f in got.findings if f.code == "other-spelling"} == {
        "/properties/MLM:input": "rename it to `mlm:input`",
        "/properties/mlm:Output": "rename it to `mlm:output`",
        "/properties/MLM_FRAMEWORK": "rename it to `mlm:framework`",
    }


def test_two_spellings_that_disagree() -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["mlm_framework"] = "TensorFlow"
    got = read(item)
    assert got.runtime.framework == "PyTorch"
    assert found(got, "contradiction-spellings").pointer == "/properties/mlm_framework"


def test_an_entry_point_with_an_underscore() -> None:
    item = copy.deepcopy(MLM)
    item["assets"]["code"]["mlm_entrypoint"] = item["assets"]["code"].pop("mlm:entrypoint")
    assert read(item).runtime.handler == "shore.inference:predict"
