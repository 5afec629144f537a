"""Framework, version, device, CUDA, Python and date; expectations are read from the tables and the calendar."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from dlm_build.errors import ItemInvalid, UsageError
from dlm_build.records import ArchiveEntry, Member
from tests.unit.planning.inputs import archive, conda, decision, findings, item, pip, plan, weights

RUN = "python infer.py {input} {output}"


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("PyTorch", "pytorch"), ("torch", "pytorch"), ("PYTORCH", "pytorch"), ("PyTorch 1.5", "pytorch"),
        ("TensorFlow", "tensorflow"), ("tensor-flow", "tensorflow"), ("TensorFlow2", "tensorflow"),
        ("Keras", "tensorflow"), ("tf.keras", "tensorflow"), ("pytorch-lightning", "pytorch"),
        ("MXNet", "mxnet"), ("Apache MXNet", "mxnet"),
        ("ONNX", "onnxruntime"), ("onnxruntime", "onnxruntime"), ("ONNX Runtime", "onnxruntime"),
    ],
)  # fmt: skip
def test_spellings(spelled: str, name: str) -> None:
    assert plan(item(framework=spelled, run=RUN)).framework == name


@pytest.mark.parametrize("named", ["caffe", "JAX", "scikit-learn", "PyTörch", "py\ntorch\u202e!", "x" * 5000])
def test_an_unknown_framework_without_an_environment_is_named_with_the_known_ones(named: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        plan(item(framework=named, run=RUN))
    assert "\n" not in caught.value.message
    assert "\u202e" not in caught.value.message
    assert caught.value.message.startswith("/properties/dlm:runtime/framework: ")
    assert "mxnet, onnxruntime, pytorch, tensorflow" in caught.value.hint


@pytest.mark.parametrize(
    ("file", "name"),
    [("m.onnx", "onnxruntime"), ("m.pth", "pytorch"), ("m.keras", "tensorflow"), ("m.params", "mxnet")],
)
def test_without_a_framework_the_weights_tell(file: str, name: str) -> None:
    made = plan(item(run=RUN), paths=(file, "in.tif", "out.tif"))
    assert made.framework == name
    assert "framework-inferred" in findings(made)


def test_the_environment_tells_before_the_weights() -> None:
    made = plan(item(run=RUN), pip("onnxruntime==1.20.1\n"), paths=("m.pth", "in.tif", "out.tif"))
    assert (made.framework, made.framework_version) == ("onnxruntime", "1.20.1")


def test_nothing_tells() -> None:
    with pytest.raises(ItemInvalid, match="names no framework"):
        plan(item(run=RUN), paths=("readme.md", "in.tif", "out.tif"))


# --- version ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "date", "version"),
    [
        ("1.5", "2020-12-12T00:00:01Z", "1.5.1"),  # 1.5.1 came out on 2020-06-18
        ("1.5", "2020-05-01T00:00:00Z", "1.5.0"),
        ("1.5.0", "2020-12-12T00:00:01Z", "1.5.0"),
        ("v1.5.1", "2020-12-12T00:00:01Z", "1.5.1"),
        ("1.5.x", "2020-12-12T00:00:01Z", "1.5.1"),
        ("1.10", "2022-06-01T00:00:00Z", "1.10.2"),
        ("1.1", "2022-06-01T00:00:00Z", "1.1.0"),
        ("1.8", "2022-06-01T00:00:00Z", "1.8.1"),  # 1.8.2 was never on the package index
        ("1.5.1+cu101", "2020-12-12T00:00:01Z", "1.5.1"),
        ("2", "2023-06-01T00:00:00Z", "2.0.1"),
        (">=1.4,<1.6", "2020-12-12T00:00:01Z", "1.5.1"),
        ("1.5", None, "1.5.1"),
    ],
)
def test_pytorch_versions(declared: str, date: str | None, version: str) -> None:
    made = plan(item(framework="PyTorch", version=declared, run=RUN, date=date))
    assert made.framework_version == version
    assert "unknown-version" not in findings(made)


@pytest.mark.parametrize(
    ("declared", "nearest"), [("99.0", "2.13.0"), ("0.4.1", "1.0.0"), ("1.5.9", "1.5.1"), ("1.99", "1.13.1")]
)
def test_a_version_that_does_not_exist_gets_the_nearest_row_and_a_warning(declared: str, nearest: str) -> None:
    made = plan(item(framework="PyTorch", version=declared, run=RUN, date="2026-11-01T00:00:00Z"))
    assert made.framework_version == nearest
    warning = findings(made)["unknown-version"]
    assert warning.severity == "warning"
    assert warning.pointer == "/properties/dlm:runtime/version"
    assert declared in warning.message
    assert nearest in warning.message


@pytest.mark.parametrize(
    "declared", ["banana", "1.5; rm -rf /", "{{7*7}}", "1" * 5000, "1.5\n2.0", "--", "=>1", "latest"]
)
def test_absurd_versions_are_refused(declared: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        plan(item(framework="PyTorch", version=declared, run=RUN))
    assert caught.value.message.startswith("/properties/dlm:runtime/version: ")
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300


def test_a_missing_version_is_the_newest_of_the_day_and_said() -> None:
    made = plan(item(framework="PyTorch", run=RUN))
    assert made.framework_version == "1.7.1"  # 2020-12-10, two days before the item
    assert "no-framework-version" in findings(made)


@pytest.mark.parametrize(("declared", "version"), [("2.4.1", "2.4.1"), ("2.4", "2.4"), ("2.16", "2.16")])
def test_tensorflow_rows_stand_for_all_patches(declared: str, version: str) -> None:
    made = plan(item(framework="TensorFlow", version=declared, run=RUN, date="2024-06-01T00:00:00Z"))
    assert made.framework_version == version
    assert "unknown-version" not in findings(made)


def test_a_pin_in_the_environment_wins_over_the_item() -> None:
    made = plan(item(framework="PyTorch", version="1.4", run=RUN), pip("torch==1.6.0\n"))
    assert made.framework_version == "1.6.0"
    assert "1.4" in findings(made)["version-contradiction"].message
    agreeing = plan(item(framework="PyTorch", version="1.6", run=RUN), pip("torch==1.6.0\n"))
    assert "version-contradiction" not in findings(agreeing)


# --- CUDA and GPU -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("framework", "version", "date", "cuda"),
    [
        ("PyTorch", "1.5", "2020-12-12T00:00:01Z", "10.2"),
        ("PyTorch", "1.13.1", "2023-01-12T00:00:00Z", "11.7"),
        ("PyTorch", "2.4.1", "2024-12-12T00:00:00Z", "12.1"),
        ("PyTorch", "2.13.0", "2026-10-12T00:00:00Z", "13.0"),
        ("TensorFlow", "1.15", "2020-12-12T00:00:01Z", "10.0"),
        ("TensorFlow", "2.4", "2021-12-12T00:00:01Z", "11.0"),
        ("TensorFlow", "2.15", "2024-12-12T00:00:01Z", "12.2"),
        ("MXNet", "1.9.1", "2022-12-12T00:00:01Z", "10.2"),
        ("ONNX Runtime", "1.18", "2024-12-12T00:00:01Z", "11.8"),
        ("ONNX Runtime", "1.23", "2025-12-12T00:00:01Z", "12"),
    ],
)
def test_cuda_is_the_default_of_the_row(framework: str, version: str, date: str, cuda: str) -> None:
    made = plan(item(framework=framework, version=version, gpu=True, run=RUN, date=date))
    assert made.cuda == cuda
    assert made.gpu
    assert decision(made, "cuda").source.startswith("row ")


def test_the_environment_names_its_cuda() -> None:
    text = "dependencies: [python=3.8, pytorch=1.5.1, cudatoolkit=10.1]\nchannels: [pytorch]\n"
    made = plan(item(framework="PyTorch", version="1.5", gpu=True, run=RUN), conda(text))
    assert made.cuda == "10.1"
    assert decision(made, "cuda").source == "archive:environment.yml:1"


def test_an_image_name_names_a_cuda_there_is_a_build_for() -> None:
    made = plan(item(framework="PyTorch", version="1.5", gpu=True, run=RUN, image_name="x/torch:1.5-cuda10.1-cudnn7"))
    assert made.cuda == "10.1"
    assert "cudatoolkit=10.1" in made.environment.conda
    without = plan(item(framework="PyTorch", version="1.5", gpu=True, run=RUN, image_name="x/torch:1.5-cuda9.9"))
    assert without.cuda == "10.2"


def test_a_cuda_the_framework_was_not_built_for_is_said() -> None:
    text = "dependencies: [pytorch=1.5.1, cudatoolkit=11.1]\nchannels: [pytorch]\n"
    assert "cuda-unsupported" in findings(
        plan(item(framework="PyTorch", version="1.5.1", gpu=True, run=RUN), conda(text))
    )


def test_without_a_gpu_there_is_no_cuda() -> None:
    made = plan(item(framework="PyTorch", version="1.5", gpu=False, run=RUN))
    assert (made.gpu, made.cuda, made.environment.cuda) == (False, None, None)
    assert "cpuonly" in made.environment.conda


def test_not_said_means_a_build_that_runs_on_both() -> None:
    assert plan(item(framework="PyTorch", version="1.5", run=RUN)).gpu


@pytest.mark.parametrize(
    ("lines", "given", "gpu"),
    [
        ("torch==1.9.0+cpu\ntorchvision==0.10.0+cpu\n", {}, False),
        ("torch==1.9.0+cpu --hash=sha256:aa\n", {}, False),
        ("torch==1.9.0+cpu\n", {"gpu": True}, True),
        ("torch==1.9.0+cpu\nnvidia-cuda-runtime-cu11==11.7.99\n", {}, True),
        ("torch==1.9.0\n", {}, True),
    ],
)
def test_a_local_version_for_cpus_decides_where_the_item_does_not(lines: str, given: Any, gpu: bool) -> None:
    made = plan(item(framework="PyTorch", run=RUN, **given), pip(lines))
    assert (made.gpu, made.cuda is None) == (gpu, not gpu)


def test_no_gpu_wins_over_the_item() -> None:
    made = plan(item(framework="PyTorch", version="1.5", gpu=True, run=RUN), gpu=False)
    assert (made.gpu, made.cuda) == (False, None)


@pytest.mark.parametrize(
    ("framework", "environment"),
    [
        ("onnxruntime", pip("onnxruntime==1.20.1\n")),
        ("tensorflow", pip("tensorflow-cpu==2.15.0\n")),
        ("pytorch", conda("channels: [pytorch]\ndependencies: [pytorch=2.1.0, cpuonly]\n")),
        ("mxnet", pip("mxnet==1.9.1\n")),
    ],
)
def test_an_environment_without_cuda_is_never_planned_for_a_gpu(framework: str, environment: object) -> None:
    for choice in (None, True):
        made = plan(item(framework=framework, gpu=True, run=RUN, date=None), environment, gpu=choice)  # type: ignore[arg-type]
        assert (made.gpu, made.cuda) == (False, None)
        assert "no-cuda-build" in findings(made)


# --- Python -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "date", "python"),
    [
        ("1.5", "2020-12-12T00:00:00Z", "3.7"),  # 3.8 was one year old
        ("1.5", "2021-12-12T00:00:00Z", "3.8"),
        ("2.1", "2024-01-01T00:00:00Z", "3.10"),
        ("2.13.0", "2026-10-12T00:00:00Z", "3.13"),  # 2024-10-07
        ("1.13.1", None, "3.11"),
    ],
)
def test_python_is_the_newest_supported_that_was_settled(version: str, date: str | None, python: str) -> None:
    made = plan(item(framework="PyTorch", version=version, run=RUN, date=date))
    assert made.python == python
    assert f"python={python}" in made.environment.conda


@pytest.mark.parametrize(
    ("dependency", "python"),
    [
        ("python=3.8", "3.8"), ("python=3.8.12", "3.8"), ("python==3.8.5=h1103e12_7_cpython", "3.8"),
        ("python<3.8", "3.7"),
        ("python >=3.7,<3.9", "3.7"), ("python", "3.7"), ("attrs=19.1=py38_0", "3.8"), ("python 3.8", "3.8"),
    ],
)  # fmt: skip
def test_python_of_the_environment(dependency: str, python: str) -> None:
    text = f"channels: [pytorch]\ndependencies:\n  - {dependency}\n  - pytorch=1.5.1\n"
    assert plan(item(framework="PyTorch", version="1.5", run=RUN), conda(text)).python == python


@pytest.mark.parametrize("dependency", ["python=3.6", "python=2.7", "python>4", "python=banana"])
def test_a_python_that_cannot_be_is_refused_with_its_line(dependency: str) -> None:
    text = f"channels: [pytorch]\ndependencies:\n  - {dependency}\n  - pytorch=1.5.1\n"
    with pytest.raises(ItemInvalid, match=r"^archive:environment\.yml:3: "):
        plan(item(framework="PyTorch", version="1.5", run=RUN), conda(text))


def test_a_python_the_framework_does_not_support_is_said() -> None:
    text = "channels: [pytorch]\ndependencies: [python=3.11, pytorch=1.5.1]\n"
    made = plan(item(framework="PyTorch", version="1.5", run=RUN), conda(text))
    assert made.python == "3.11"
    assert "python-unsupported" in findings(made)


def test_a_framework_older_than_our_python_is_said() -> None:
    made = plan(item(framework="TensorFlow", version="1.12", run=RUN))
    assert made.python == "3.7"
    assert "python-too-old" in findings(made)


# --- date ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "instant"),
    [
        ("item", "2020-12-12T00:00:01Z"), ("2021-06-30", "2021-06-30T23:59:59Z"),
        ("2021-06-30T12:00:00+02:00", "2021-06-30T10:00:00Z"), ("2021-06-30T12:00:00", "2021-06-30T12:00:00Z"),
    ],
)  # fmt: skip
def test_as_of(asked: str, instant: str) -> None:
    assert plan(item(framework="PyTorch", version="1.5", run=RUN), as_of=asked).as_of == instant


@pytest.mark.parametrize("asked", ["yesterday", "", "2021-13-01", "0001-01-01T00:00:00+14:00", "now"])
def test_an_as_of_that_is_no_date_is_a_usage_error(asked: str) -> None:
    with pytest.raises(UsageError, match="--as-of"):
        plan(item(framework="PyTorch", version="1.5", run=RUN), as_of=asked)


def test_an_item_without_a_date_has_no_limit() -> None:
    made = plan(item(framework="PyTorch", version="1.5", run=RUN, date=None))
    assert made.as_of is None
    assert "no-date" in findings(made)


def test_an_item_dated_before_its_framework_is_solved_after_the_release() -> None:
    made = plan(item(framework="PyTorch", version="1.5", run=RUN, date="2016-05-03T13:22:30Z"))
    assert made.as_of == "2020-07-20T23:59:59Z"  # 1.5.0 was released 2020-04-21
    assert "date-before-framework" in findings(made)
    asked = plan(item(framework="PyTorch", version="1.5", run=RUN), as_of="2016-05-03")
    assert asked.as_of == "2016-05-03T23:59:59Z"


@pytest.mark.parametrize(("date", "told"), [("2099-01-01T00:00:00Z", True), ("2030-01-01T00:00:00Z", False)])
def test_a_date_that_cannot_have_come_yet(date: str, told: bool) -> None:
    made = plan(item(framework="PyTorch", version="1.7.1", run=RUN, date=date))
    assert ("date-in-the-future" in findings(made)) is told


def test_the_date_names_the_place_it_came_from() -> None:
    with pytest.raises(ItemInvalid, match=r"^/properties/updated: .*is not an ISO 8601 date"):
        plan(item(framework="PyTorch", run=RUN, date="soon", date_pointer="/properties/updated"))


def test_weights_by_role_win_over_the_name() -> None:
    made = plan(
        item(framework="PyTorch", run=RUN, archive=weights("./b/two.pth")), paths=("a/one.pth", "b/two.pth", "in.tif")
    )
    assert made.runner.weights == "b/two.pth"


# --- weights that are run by themselves -------------------------------------------------------------------------------


@pytest.mark.parametrize("framework", ["PyTorch", "scikit-learn", "something of ours", None])
def test_onnx_weights_are_run_with_onnxruntime_whatever_is_declared(framework: str | None) -> None:
    made = plan(
        item(framework=framework, version="2.1.2", gpu=False, date="2024-12-01T00:00:00Z"),
        paths=("m.onnx", "in.tif", "out.tif"),
    )
    assert (made.framework, made.runner.kind) == ("onnxruntime", "onnx")
    assert made.framework_version != "2.1.2"
    assert any(each.startswith("onnxruntime==") for each in made.environment.pip)
    assert not any("torch" in each for each in (*made.environment.conda, *made.environment.pip))
    told = {finding.code for finding in made.findings}
    assert ("framework-of-weights" in told) is (framework is not None)
    assert "no-framework-version" in told


def test_bytes_tell_what_runs_the_weights() -> None:
    traced = Member(path="m.bin", size=1, sha256="d" * 64, format="torchscript")
    given = archive("in.tif", "out.tif")
    given = replace(given, members=tuple(sorted((*given.members, traced), key=lambda one: one.path)))
    entry = ArchiveEntry(name="m.bin", roles=("model weight",))
    made = plan(item(framework="ONNX", version="1.20", archive=(entry,)), archive=given)
    assert (made.framework, made.runner.kind) == ("pytorch", "torchscript")


def test_an_environment_without_onnxruntime_gets_it() -> None:
    made = plan(
        item(framework="PyTorch", version="2.1.2", gpu=False, date="2024-12-01T00:00:00Z"),
        pip("torch==2.1.2\nnumpy\n"),
        paths=("m.onnx", "in.tif", "out.tif"),
    )
    assert made.environment.pip[0] == "torch==2.1.2"
    assert any(each.startswith("onnxruntime==") for each in made.environment.pip)


@pytest.mark.parametrize("how", [{"run": RUN}, {"handler": "handler.py:handle"}])
def test_weights_that_code_runs_keep_the_declared_framework(how: dict[str, str]) -> None:
    made = plan(item(framework="PyTorch", version="1.7.1", **how), paths=("m.onnx", "handler.py", "in.tif", "out.tif"))
    assert (made.framework, made.framework_version) == ("pytorch", "1.7.1")
    assert "framework-of-weights" not in {finding.code for finding in made.findings}


# --- words of the item's dialect -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dialect", "field"), [("dlm/runtime", '"version"'), ("mlm", '"mlm:framework_version"')])
def test_a_missing_version_is_asked_for_in_the_words_of_the_dialect(dialect: str, field: str) -> None:
    made = plan(item(framework="PyTorch", run=RUN, dialect=dialect))
    (finding,) = (one for one in made.findings if one.code == "no-framework-version")
    assert finding.hint == f'add {field}: "{made.framework_version}"'


@pytest.mark.parametrize(("dialect", "word"), [("dlm/runtime", "model_handler"), ("mlm", "mlm:entrypoint")])
def test_code_is_asked_for_in_the_words_of_the_dialect(dialect: str, word: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        plan(item(framework="TensorFlow", dialect=dialect), paths=("m.h5", "in.tif", "out.tif"))
    assert word in caught.value.hint
