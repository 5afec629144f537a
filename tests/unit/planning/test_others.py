"""Models of frameworks that no table knows, and of none: planned by the environment and the code of the item."""

from __future__ import annotations

import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.gpu import Gpu, build_of, fit, load_gpu_table
from dlm_build.planning.others import made_for
from dlm_build.records import EnvironmentFile
from tests.unit.planning.inputs import conda, decision, findings, item, pip, plan

RUN = "python infer.py {input} {output}"
NUMPY = conda("channels: [conda-forge]\ndependencies: [python=3.11, numpy=1.26.4]\n")
FILES = ("centres.npz", "infer.py", "in.npy", "out.npy", "in.tif", "out.tif")
LOCK = EnvironmentFile(
    name="archive:conda-lock.yml",
    kind="conda-lock",
    text="version: 1\npackage:\n- name: scikit-learn\n  version: 1.3.2\n  manager: conda\n",
)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("scikit-learn", "scikit-learn"), ("Scikit Learn", "scikit-learn"), ("XGBoost 1.7", "xgboost"),
        ("JAX", "jax"), ("Paddle", "paddle"), ("R", "r"), ("C++", "c"), ("+", "python"),
    ],
)  # fmt: skip
def test_it_is_called_as_the_item_says_in_plain_spelling(said: str, name: str) -> None:
    assert plan(item(framework=said, run=RUN), NUMPY, paths=FILES).framework == name


@pytest.mark.parametrize(
    ("named", "said", "file", "version"),
    [
        ("scikit-learn", None, conda("dependencies: [scikit-learn=1.3.2]"), "1.3.2"),
        ("sklearn", "1.3", conda("dependencies: [sklearn=1.3.2]"), "1.3.2"),
        ("LightGBM", None, pip("lightgbm==4.1.0\n"), "4.1.0"),
        ("XGBoost", None, conda("dependencies: [py-xgboost=2.0.3]"), "2.0.3"),
        ("Paddle", None, pip("paddlepaddle-gpu==2.5.2\n"), "2.5.2"),
        ("scikit-learn", None, LOCK, "1.3.2"),
        ("scikit-learn", "1.3.2", NUMPY, "1.3.2"),
        ("scikit-learn", "v1.3.x", NUMPY, "1.3"),
        ("scikit-learn", None, NUMPY, None),
        ("scikit-learn", ">=1.2,<2", NUMPY, None),
        ("scikit-learn", "the newest", NUMPY, None),
    ],
)
def test_the_version_is_what_the_environment_pins_else_what_the_item_says(
    named: str, said: str | None, file: EnvironmentFile, version: str | None
) -> None:
    made = plan(item(framework=named, version=said, run=RUN), file, paths=FILES)
    assert made.framework_version == version
    assert decision(made, "framework-version").value == (version or "not known")
    assert not {"unknown-version", "version-contradiction"} & findings(made).keys()


def test_an_item_and_an_environment_that_disagree_are_told() -> None:
    made = plan(item(framework="LightGBM", version="3.0", run=RUN), pip("lightgbm==4.1.0\n"), paths=FILES)
    assert "version-contradiction" in findings(made)


@pytest.mark.parametrize(
    ("file", "line"),
    [(conda("dependencies: [lightgbm]"), "lightgbm=4.1.0"), (pip("lightgbm\n"), "lightgbm==4.1.0")],
)
def test_where_the_environment_leaves_the_version_open_the_items_is_installed(file: EnvironmentFile, line: str) -> None:
    made = plan(item(framework="LightGBM", version="4.1.0", run=RUN), file, paths=FILES)
    assert line in (*made.environment.conda, *made.environment.pip)
    assert "framework-pinned" in findings(made)


def test_nothing_is_added_to_the_environment_but_python() -> None:
    made = plan(item(framework="scikit-learn", version="1.3.2", run=RUN), pip("numpy==1.26.4\n"), paths=FILES)
    assert (made.environment.conda, made.environment.pip) == ((f"python={made.python}",), ("numpy==1.26.4",))
    assert decision(made, "python").reason.startswith("the newest that was two years old by 2020-12-12")


def test_without_a_framework_it_is_python_and_a_version_of_nothing_is_left_out() -> None:
    made = plan(item(version="1.7.1", run=RUN), NUMPY, paths=FILES)
    assert (made.framework, made.framework_version, made.python) == ("python", "3.11", "3.11")
    assert "framework-inferred" in findings(made) and "version-contradiction" not in findings(made)


def test_python_as_the_framework_is_the_python_of_the_environment() -> None:
    made = plan(item(framework="Python", version="3.10", run=RUN), conda("dependencies: [python, numpy]"), paths=FILES)
    assert (made.python, made.framework_version) == ("3.10", "3.10")
    assert decision(made, "python").source == "/properties/dlm:runtime/version"


@pytest.mark.parametrize("version", [None, "2.7"])
def test_what_no_table_knows_is_planned_as_the_known_framework_that_is_installed(version: str | None) -> None:
    """A name misspelt, or that of a library, whose versions are not the framework's."""
    made = plan(item(framework="PyTroch", version=version, run=RUN), pip("torch==1.7.0\n"), paths=FILES)
    assert (made.framework, made.framework_version) == ("pytorch", "1.7.0")
    assert findings(made)["framework-of-environment"].pointer == "/properties/dlm:runtime/framework"
    assert "version-contradiction" not in findings(made)


def test_what_is_installed_itself_stays_what_it_is_beside_a_known_framework() -> None:
    text = "scikit-learn==1.3.2\nonnxruntime==1.16.3\n"
    made = plan(item(framework="scikit-learn", run=RUN), pip(text), paths=FILES)
    assert (made.framework, made.framework_version) == ("scikit-learn", "1.3.2")


# --- GPU -------------------------------------------------------------------------------------------------------------


def test_it_runs_on_the_cpu_where_nothing_asks_for_more() -> None:
    made = plan(item(framework="scikit-learn", run=RUN), NUMPY, paths=FILES)
    assert (made.gpu, made.cuda) == (False, None)
    assert decision(made, "gpu").reason == "the item does not say, and its environment asks for no CUDA"


def test_an_environment_with_cuda_asks_for_a_gpu() -> None:
    text = "dependencies: [python=3.11, jaxlib=0.4.23, cuda-version=12.0]"
    made = plan(item(framework="JAX", run=RUN), conda(text), paths=FILES)
    assert (made.gpu, made.cuda) == (True, "12.0")
    assert not {"cuda-unknown", "cuda-unsupported"} & findings(made).keys()


@pytest.mark.parametrize("asked", ["item", "option"])
def test_a_gpu_without_a_known_cuda_is_planned_for_and_told(asked: str) -> None:
    wanted = item(framework="XGBoost", run=RUN, gpu=True if asked == "item" else None)
    made = plan(wanted, pip("xgboost==2.0.3\n"), paths=FILES, gpu=True if asked == "option" else None)
    assert (made.gpu, made.cuda) == (True, None)
    assert findings(made)["cuda-unknown"].pointer == "/properties/dlm:runtime/docker/gpu"
    assert decision(made, "base").reason.endswith("the oldest confirmed one starts on most drivers")
    found = fit(build_of(made), Gpu(name="H200", driver="535.54.03", capability="9.0"), load_gpu_table())
    assert found.fits and found.reason == "planned for a GPU; whether the build has CUDA is not known"


# --- what is missing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dialect", "word"), [("dlm/runtime", '"requirement_file"'), ("mlm", '"roles"')])
@pytest.mark.parametrize("named", ["scikit-learn", None])
def test_an_environment_is_asked_for_in_the_words_of_the_dialect(named: str | None, dialect: str, word: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        plan(item(framework=named, run=RUN, dialect=dialect), paths=FILES)
    assert caught.value.message.startswith("/properties/dlm:runtime/framework: ")
    assert word in caught.value.hint and "environment.yml" in caught.value.hint
    assert caught.value.hint.endswith("or name one of mxnet, onnxruntime, pytorch, tensorflow")


@pytest.mark.parametrize(("dialect", "word"), [("dlm/runtime", "model_handler"), ("mlm", "mlm:entrypoint")])
def test_code_is_asked_for_as_of_any_other(dialect: str, word: str) -> None:
    with pytest.raises(ItemInvalid, match="nothing says how to run") as caught:
        plan(item(framework="scikit-learn", dialect=dialect), NUMPY, paths=FILES)
    assert word in caught.value.hint


def test_it_has_no_rows_and_so_is_not_known() -> None:
    assert not made_for("JAX").is_known


@pytest.mark.parametrize(
    ("lines", "cuda", "flavour"),
    [
        ("jax[cuda12]==0.4.30\n", "12", "base"),
        ("jax[cuda12_pip]==0.4.30\n", "12", "base"),
        ("jax==0.4.30\njax-cuda12-plugin==0.4.30\nnvidia-cudnn-cu12==9.1.0.70\n", "12", "base"),
        ("jax[cuda12_local]==0.4.30\n", "12", "cudnn-runtime"),
        ("jax==0.4.30\nnvidia-cuda-runtime-cu11==11.7.99\nnvidia-cudnn-cu11==8.5.0.96\n", "11.7", "base"),
        ("jax==0.4.30+cu118\n", "11.8", "cudnn8-runtime"),
        ("jax==0.4.30\ncupy-cuda12x==13.0.0\n", "12", "cudnn-runtime"),
        ("jax==0.4.30\ncuml-cu12==24.6.0\n", "12", "cudnn-runtime"),
    ],
)
@pytest.mark.parametrize("gpu", [None, True])
def test_wheels_tell_the_cuda_that_they_are_built_for(lines: str, cuda: str, flavour: str, gpu: bool | None) -> None:
    made = plan(item(framework="JAX", run=RUN, gpu=gpu), pip(lines), paths=FILES)
    assert (made.gpu, made.cuda) == (True, cuda)
    assert f"-{flavour}-" in made.base.tag
    assert "cuda-unknown" not in findings(made)


def test_a_package_for_gpus_asks_for_one_without_telling_the_cuda() -> None:
    made = plan(item(framework="Paddle", run=RUN), pip("paddlepaddle-gpu==2.6.1\n"), paths=FILES)
    assert (made.gpu, made.cuda) == (True, None) and "cuda-unknown" in findings(made)


@pytest.mark.parametrize("line", ["nvidia-nccl-cu12==2.21.5", "nvidia-ml-py==12.535.161", "pycuda==2024.1"])
def test_what_wheels_for_cpus_bring_is_no_cuda(line: str) -> None:
    made = plan(item(framework="XGBoost", run=RUN), pip(f"xgboost==2.1.0\n{line}\n"), paths=FILES)
    assert made.gpu is False


@pytest.mark.parametrize(
    ("framework", "file", "told"),
    [
        ("PyTorch", LOCK, True),
        ("scikit-learn", LOCK, False),
        ("sklearn", LOCK, False),
        ("LightGBM", LOCK, True),
        ("LightGBM", NUMPY, True),
        ("PyTorch", NUMPY, False),
        ("sits", conda("dependencies: [r-base=4.3, r-sits=1.5]"), False),
        ("TensorFlow", conda("dependencies: [tensorflow-cpu=2.15]"), False),
        (None, NUMPY, False),
    ],
)
def test_a_framework_that_the_environment_lacks_is_added_or_told(
    framework: str | None, file: EnvironmentFile, told: bool
) -> None:
    made = plan(item(framework=framework, run=RUN), file, paths=FILES)
    assert ("framework-not-installed" in findings(made)) is told
