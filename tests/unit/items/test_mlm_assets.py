"""Assets and links of MLM items: which is the model, the code, the image, the sample."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.gathering.assets import choose_archive
from dlm_build.items.mlm.artifacts import read_artifact
from dlm_build.records import Item

from .samples_of_items import codes, found, read, spoiled
from .samples_of_mlm import COMMIT, DIGEST, MLM


def changed(**assets: Any) -> Item:
    """The whole item with other assets; None takes one away."""
    item = copy.deepcopy(MLM)
    for key, fields in assets.items():
        if fields is None:
            del item["assets"][key]
        else:
            item["assets"][key] = fields
    return read(item)


# --- the model ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("artifact_type", "media_type", "href", "kind"),
    [
        ("onnx", None, "m.bin", "onnx"),
        ("ONNX", None, "m.pt", "onnx"),
        ("torch.jit.save", None, "m.pt", "torchscript"),
        ("torch.jit.trace", None, "m.pt", "torchscript"),
        ("torch.export.save", None, "m.pt2", "exported"),
        ("torch.save", None, "m.pt", "pickled"),
        ("tf.keras.Model.save_weights", None, "m.h5", "keras-weights"),
        ("tf.keras.Model.save", None, "m.h5", "keras"),
        ("tf.keras.Model.save", None, "m.weights.h5", "keras-weights"),
        ("tf.train.Checkpoint", None, "m", "keras-weights"),
        (None, None, "m.weights.h5?download=1", "keras-weights"),
        (None, None, "m.h5", "keras"),
        ("safetensors.torch.save_file", None, "m.safetensors", "safetensors"),
        ("safetensor.torch.save_file", None, "m.safetensor", "safetensors"),
        (None, None, "m.safetensor", "safetensors"),
        ("torch-model-archiver", None, "m", "archive"),
        ("torch.save", None, "m.mar", "archive"),
        (None, "application/octet-stream; framework=onnx; profile=onnx", "m", "onnx"),
        (None, "application/octet-stream; application=pytorch", "m", "pickled"),
        (None, "application/octet-stream", "m.onnx?download=1", "onnx"),
        (None, None, "m.dlpk", "other"),
    ],
)
def test_kinds_of_artifacts(artifact_type: str | None, media_type: str | None, href: str, kind: str) -> None:
    assert read_artifact(href, media_type, artifact_type).kind == kind


def test_several_models_one_runs_without_code() -> None:
    item = changed(
        raw={"href": "https://example.org/raw.pth", "roles": ["mlm:model"], "mlm:artifact_type": "torch.save"},
        traced={"href": "https://example.org/t.pt", "roles": ["mlm:model"], "mlm:artifact_type": "torch.jit.save"},
        exported={"href": "https://example.org/e.onnx", "roles": ["mlm:model"], "mlm:artifact_type": "onnx"},
        packed={"href": "https://example.org/p.dlpk", "roles": ["mlm:model"], "mlm:artifact_type": "esri_dlpk"},
    )
    assert choose_archive(item).key == "exported"
    finding = found(item, "several-models")
    assert finding.pointer == "/assets/exported" and "5 assets are models" in finding.message
    assert "ONNX, which runs without code" in finding.message


@pytest.mark.parametrize(
    ("href", "artifact_type", "chosen"),
    [
        ("https://example.org/baseline.zip", "tf.keras.Model.save", "exported"),
        ("https://example.org/package.zip", "esri_dlpk", "exported"),
        ("https://example.org/model.mar", None, "packed"),
        ("https://example.org/model", "torch-model-archiver", "packed"),
    ],
)
def test_an_archive_comes_first_only_where_it_has_a_handler(href: str, artifact_type: str | None, chosen: str) -> None:
    item = changed(
        model=None,
        packed={"href": href, "roles": ["mlm:model", "mlm:weights"], "mlm:artifact_type": artifact_type},
        exported={"href": "https://example.org/e.onnx", "roles": ["mlm:model"], "mlm:artifact_type": "onnx"},
    )
    assert choose_archive(item).key == chosen


def test_a_page_and_a_name_come_after_a_file() -> None:
    item = changed(
        model={
            "href": "torchgeo.models.Unet_Weights.RGB_RESNET34",
            "roles": ["mlm:model"],
            "mlm:artifact_type": "onnx",
        },
        card={"href": "https://example.org/card", "type": "text/html", "roles": ["mlm:model"]},
        file={"href": "https://example.org/m.pth", "roles": ["mlm:model"], "mlm:artifact_type": "torch.save"},
    )
    assert choose_archive(item).key == "file"


def test_source_code_that_calls_itself_the_model() -> None:
    item = changed(code={**MLM["assets"]["code"], "roles": ["mlm:model", "code", "metadata"]})
    assert choose_archive(item).key == "model" and found(item, "model-role-on-code").pointer == "/assets/code/roles"
    assert item.runtime.source_commit == COMMIT and "several-models" not in codes(item)


def test_instructions_for_a_container_are_no_code() -> None:
    asset = {"href": "https://example.org/compose.yml", "type": "text/x-yaml; application=compose"}
    item = changed(compose={**asset, "roles": ["mlm:model", "mlm:inference-runtime"]})
    assert choose_archive(item).key == "model" and "several-models" not in codes(item)
    assert "model-role-on-code" not in codes(item)


@pytest.mark.parametrize("roles", [["model"], ["weights"], ["checkpoint"], ["mlm:checkpoint"], "mlm:model"])
def test_roles_without_the_prefix_or_the_list(roles: object) -> None:
    item = changed(model={**MLM["assets"]["model"], "roles": roles})
    assert choose_archive(item).key == "model" and item.inputs.selected_bands == (2, 1)


def test_no_roles_at_all_but_a_key() -> None:
    item = copy.deepcopy(MLM)
    item["assets"] = {"mlm:model": {"href": "https://example.org/m.onnx"}, "thumbnail": {"href": "a.png"}}
    assert choose_archive(read(item)).key == "mlm:model"


@pytest.mark.parametrize("assets", [{}, None, []])
def test_no_assets(assets: object) -> None:
    item = read(spoiled("assets", assets, MLM))
    assert found(item, "no-assets").severity == "error"
    with pytest.raises(ItemInvalid, match="shore"):
        choose_archive(item)


def test_assets_as_a_list_of_objects() -> None:
    item = copy.deepcopy(MLM)
    item["assets"] = [{key: value} for key, value in item["assets"].items()]
    got = read(item)
    assert choose_archive(got).key == "model" and got.inputs.selected_bands == (2, 1)
    assert got.pointers.handler == "/assets/1/code/mlm:entrypoint"


def test_weights_declared_to_be_a_page() -> None:
    item = changed(model={**MLM["assets"]["model"], "type": "text/html"})
    assert found(item, "weights-are-a-page").pointer == "/assets/model/type"


def test_a_model_card_has_no_address() -> None:
    item = changed(model={**MLM["assets"]["model"], "href": "https://huggingface.co/me/shore", "type": "text/html"})
    assert found(item, "model-has-no-address").severity == "error" and "weights-are-a-page" not in codes(item)


def test_weights_without_code() -> None:
    item = changed(code=None)
    assert found(item, "weights-need-code").pointer == "/assets/model"
    assert item.runtime.source_url is None


@pytest.mark.parametrize(
    ("artifact", "href", "words"),
    [
        ("torch.save", "https://example.org/m.pth", "a pickled object (torch.save)"),
        ("pickle.dump", "https://example.org/m.pkl", "a pickled object (pickle.dump)"),
        (None, "https://example.org/m.pth", "a pickled object (torch.save)"),
        (None, "https://example.org/m.joblib", "a pickled object:"),
    ],
)
def test_what_pickled_the_weights(artifact: str | None, href: str, words: str) -> None:
    model = {"href": href, "roles": ["mlm:model"], "mlm:artifact_type": artifact}
    assert words in found(changed(code=None, model=model), "weights-need-code").message


def test_an_artifact_type_against_a_name_that_is_sure() -> None:
    model = {**MLM["assets"]["model"], "href": "https://example.org/m.onnx"}
    item = changed(code=None, model=model)
    finding = found(item, "artifact-against-name")
    assert finding.pointer == "/assets/model" and finding.evidence == "mlm:artifact_type torch.save"
    assert "weights-need-code" not in codes(item) and item.runtime.framework == "onnxruntime"


@pytest.mark.parametrize(
    "href",
    [["https://a.example/m.pt", "https://b.example/m.pt"], {"href": "https://a.example/m.pt"}, "", None,
     "https://a.example/m.pt, https://b.example/m.pt"],
)  # fmt: skip
def test_a_model_whose_href_names_no_file(href: object) -> None:
    item = changed(model={**MLM["assets"]["model"], "href": href})
    finding = found(item, "model-has-no-address")
    assert finding.pointer == "/assets/model/href" and "one address" in finding.hint


def test_a_list_of_one_address_is_that_address() -> None:
    item = changed(model={**MLM["assets"]["model"], "href": ["https://example.org/shore.pt"]})
    assert choose_archive(item).href == "https://example.org/shore.pt"
    assert found(item, "not-an-object").pointer == "/assets/model/href"


def test_what_to_add_where_there_are_no_assets_is_said_in_mlm() -> None:
    item = copy.deepcopy(MLM)
    item["assets"] = {}
    assert '"mlm:model"' in found(read(item), "no-assets").hint


# --- source code -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("href", "url", "ref", "pinned"),
    [
        (f"https://github.com/me/x/blob/{COMMIT}/a/b.py#L207", "https://github.com/me/x", COMMIT, True),
        (f"https://raw.githubusercontent.com/me/x/{COMMIT}/b.py", "https://github.com/me/x", COMMIT, True),
        (f"https://gitlab.com/g/x/-/tree/{COMMIT}/a", "https://gitlab.com/g/x", COMMIT, True),
        (f"https://huggingface.co/me/x/blob/{COMMIT}/m.py", "https://huggingface.co/me/x", COMMIT, True),
        ("https://github.com/me/x/tree/main/models/a", "https://github.com/me/x", "main", False),
        ("https://github.com/me/x/tree/v1.2", "https://github.com/me/x", "v1.2", False),
        ("https://github.com/me/x", "https://github.com/me/x", None, False),
        ("https://git.example.org/me/x.git", "https://git.example.org/me/x.git", None, False),
        (f"git+https://github.com/me/x.git@{COMMIT}", "https://github.com/me/x", COMMIT, True),
        (f"git+https://github.com/me/x@{COMMIT}#subdirectory=src", "https://github.com/me/x", COMMIT, True),
        (f"git+https://git.example.org/me/x@{COMMIT}", "https://git.example.org/me/x", COMMIT, True),
        (f"https://github.com/me/x@{COMMIT}", "https://github.com/me/x", COMMIT, True),
        (f"https://github.com/me/x.git#{COMMIT}", "https://github.com/me/x", COMMIT, True),
        (f"https://github.com/me/x?ref={COMMIT}", "https://github.com/me/x", COMMIT, True),
        (f"https://gitlab.com/g/s/x.git@{COMMIT}", "https://gitlab.com/g/s/x", COMMIT, True),
        (f"https://git.example.org/me/x.git#{COMMIT}", "https://git.example.org/me/x.git", COMMIT, True),
        ("git+https://github.com/me/x.git@v1.2", "https://github.com/me/x", "v1.2", False),
        ("https://github.com/me/x@v1.2", "https://github.com/me/x", "v1.2", False),
        ("git+https://github.com/me/x.git#egg=x", "https://github.com/me/x", None, False),
    ],
)
def test_places_of_code(href: str, url: str, ref: str | None, pinned: bool) -> None:
    item = changed(code={"href": href, "roles": ["code"]})
    assert (item.runtime.source_url, item.runtime.source_commit) == (url, ref)
    assert ("source-not-pinned" in codes(item)) is not pinned


@pytest.mark.parametrize(
    ("href", "instead"),
    [("https://github.com/me/x", "https://github.com/me/x/tree/<40 hex digits>"),
     ("https://github.com/me/x/blob/main/a.py", "https://github.com/me/x/tree/<40 hex digits>"),
     ("https://gitlab.com/g/s/x", "https://gitlab.com/g/s/x/-/tree/<40 hex digits>"),
     ("https://bitbucket.org/me/x", "https://bitbucket.org/me/x/src/<40 hex digits>"),
     ("https://codeberg.org/me/x", "https://codeberg.org/me/x/src/commit/<40 hex digits>"),
     ("https://github.com/me/x@v1", "https://github.com/me/x/tree/<40 hex digits>"),
     ("git+https://gitlab.com/me/x.git@main", "https://gitlab.com/me/x/-/tree/<40 hex digits>"),
     ("git+https://git.example.org/me/x.git@v1#egg=x", "https://git.example.org/me/x/tree/<40 hex digits>"),
     ("git@github.com:me/x.git", "https://github.com/me/x/tree/<40 hex digits>")],
)  # fmt: skip
def test_how_to_name_a_commit_is_said_of_the_item_s_own_repository(href: str, instead: str) -> None:
    item = changed(code={"href": href, "roles": ["code"]})
    assert found(item, "source-not-pinned").hint == f"link it at a commit: {instead}"


@pytest.mark.parametrize(
    "href",
    ["src/inference.py", "https://example.org/code.zip", "https://zenodo.org/records/1",
     "https://x.readthedocs.io/en/latest/", "https://medium.com/@me/x"],
)  # fmt: skip
def test_code_that_is_no_repository(href: str) -> None:
    item = changed(code={"href": href, "roles": ["mlm:source_code"]})
    assert item.runtime.source_url is None and found(item, "source-is-no-repository").evidence == href


def test_the_next_code_where_the_first_is_a_file() -> None:
    item = changed(
        code={"href": "run.py", "roles": ["code"]}, more={"href": "https://github.com/me/x", "roles": ["code"]}
    )
    assert item.runtime.source_url == "https://github.com/me/x" and "source-is-no-repository" not in codes(item)


def test_code_for_training_is_not_the_source() -> None:
    roles = ["mlm:training", "code"]
    assert changed(code={"href": "https://github.com/me/x", "roles": roles}).runtime.source_url is None


# --- images ------------------------------------------------------------------------------------------------------

OCI = "application/vnd.oci.image.index.v1+json"


@pytest.mark.parametrize(
    ("href", "name", "tag"),
    [
        (f"docker://ghcr.io/me/x@{DIGEST}", f"ghcr.io/me/x@{DIGEST}", None),
        (f"ghcr.io/me/x:1.0@{DIGEST}", f"ghcr.io/me/x:1.0@{DIGEST}", None),
        ("oci://ghcr.io/me/x:1.0", "ghcr.io/me/x", "1.0"),
        ("me/x:1.0", "docker.io/me/x", "1.0"),
        ("localhost:5000/x:2", "localhost:5000/x", "2"),
        ("https://hub.docker.com/r/me/x", "docker.io/me/x", None),
    ],
)
def test_references_of_images(href: str, name: str, tag: str | None) -> None:
    item = changed(image={"href": href, "type": OCI, "roles": ["mlm:inference-runtime"]})
    assert (item.runtime.docker.image_name, item.runtime.docker.tag) == (name, tag)
    assert ("image-floats" in codes(item)) is (tag is None and "@" not in name)


@pytest.mark.parametrize("href", ["local", "Ask me", "ghcr.io/Me/X:$(id)"])
def test_what_is_no_image(href: str) -> None:
    item = changed(image={"href": href, "type": "text/plain", "roles": ["inference-runtime", "runtime"]})
    assert item.runtime.docker.image_name is None
    assert found(item, "image-unreadable").pointer == "/assets/image/href"


@pytest.mark.parametrize(
    "role", ["mlm:container", "container", "mlm:inference-runtime", "inference-runtime", "runtime"]
)
def test_roles_of_images(role: str) -> None:
    image = {"href": "ghcr.io/me/x:1.0", "roles": [role]}
    assert changed(image=image).runtime.docker.image_name == "ghcr.io/me/x"


def test_an_image_by_its_key() -> None:
    item = changed(image=None, **{"mlm:inference": {"href": "ghcr.io/me/x:1.0"}})
    assert item.runtime.docker.image_name == "ghcr.io/me/x" and item.pointers.image == "/assets/mlm:inference/href"


def test_images_for_training_are_not_used() -> None:
    image = {"href": "ghcr.io/me/x:1.0", "type": OCI, "roles": ["mlm:training-runtime"]}
    assert changed(image=None, **{"mlm:training": image}).runtime.docker.image_name is None


@pytest.mark.parametrize("name", ["latest", "main", "latest-inference"])
def test_a_tag_that_moves(name: str) -> None:
    assert "image-floats" in codes(changed(image={"href": f"ghcr.io/me/x:{name}", "roles": ["mlm:container"]}))


@pytest.mark.parametrize("href", ["https://example.org/run.cwl", "docker-compose.yml", "run.sh"])
def test_instructions_are_no_image(href: str) -> None:
    item = changed(image={"href": href, "roles": ["mlm:inference-runtime"]})
    assert item.runtime.docker.image_name is None and "runtime-is-instructions" in codes(item)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-gpu.txt", "environment.yml", "conda-env.yaml"])
def test_a_runtime_that_lists_packages_is_the_environment(name: str) -> None:
    item = changed(environment=None, needs={"href": name, "roles": ["runtime", "metadata"]})
    assert item.runtime.requirement_file == "needs"
    assert "runtime-is-instructions" not in codes(item)


def test_the_environment_by_its_role_comes_before_a_runtime_that_lists_packages() -> None:
    item = changed(needs={"href": "requirements.txt", "roles": ["runtime"]})
    assert item.runtime.requirement_file == "environment"


@pytest.mark.parametrize("rel", ["mlm:container", "ml-model:inferencing-image"])
def test_an_image_as_a_link(rel: str) -> None:
    item = copy.deepcopy(MLM)
    del item["assets"]["image"]
    item["links"].append({"rel": rel, "href": "docker.io/me/x:1"})
    got = read(item)
    assert (got.runtime.docker.image_name, got.runtime.docker.tag) == ("docker.io/me/x", "1")
    assert got.pointers.image == "/links/1/href" and found(got, "image-from-link").evidence == rel


# --- sample ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("roles", [["test-input"], ["mlm:test_input"], ["sample"], "test input"])
def test_roles_of_samples(roles: object) -> None:
    sample = changed(sample={"href": "in.tif", "roles": roles}).sample
    assert sample and (sample.input, sample.expected) == ("sample", "expected")


def test_samples_by_their_keys() -> None:
    item = changed(
        sample=None, expected=None,
        **{"test-input": {"href": "i.tif"}, "mlm:expected_output": {"href": "o.tif", "roles": ["data"]}},
    )  # fmt: skip
    assert item.sample and (item.sample.input, item.sample.expected) == ("test-input", "mlm:expected_output")


def test_no_sample_and_no_expected_output() -> None:
    without = changed(sample=None, expected=None)
    assert without.sample is None and "mlm:test-input" in found(without, "no-sample").hint
    half = changed(expected=None)
    assert half.sample and half.sample.expected is None
    assert found(half, "no-expected-output").pointer == "/assets/sample"


def test_two_samples() -> None:
    item = changed(other={"href": "b.tif", "roles": ["mlm:test-input"]})
    assert item.sample and item.sample.input == "sample" and "several-sample-assets" in codes(item)


@pytest.mark.parametrize("lost", ["torchvision.models.resnet18", "https://doi.org/10.5281/zenodo.123"])
def test_an_asset_that_is_not_the_model_needs_no_address_of_a_file(lost: str) -> None:
    """Another is, which a build fetches."""
    other = {"href": lost, "roles": ["mlm:model", "mlm:weights"]}
    onnx = {"href": "https://example.org/shore.onnx", "mlm:artifact_type": "onnx"}  # by its key alone
    item = changed(model=onnx, checkpoint=other)
    assert choose_archive(item).key == "model"
    assert "model-has-no-address" not in codes(item)
