"""Environment files, what is completed in them, and what is inferred without one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dlm_build.config import Channels, Settings
from dlm_build.errors import ItemInvalid
from dlm_build.planning.env_files import Declared, read_environment
from dlm_build.planning.environment import choose_file
from dlm_build.planning.evidence import requirements
from dlm_build.records import EnvironmentFile, Plan
from tests.unit.planning.inputs import conda, decision, findings, item, pip, plan

RUN = "python infer.py {input} {output}"
ONNX = ("m.onnx", "in.tif", "out.tif")
CASES = Path(__file__).parents[4] / "shared" / "cases" / "envs"


def read(file: EnvironmentFile, *others: EnvironmentFile) -> Declared:
    return read_environment(file, others)


def codes(declared: Declared) -> list[str]:
    return [one.code for one in declared.findings]


# --- requirement lines --------------------------------------------------------------------------------------------


def test_names_versions_extras_and_markers_survive() -> None:
    text = 'numpy\nRasterio == 1.3.9  # why\n\n# all\njsonargparse[signatures]>=4.27.7\nx; python_version < "3"\n'
    assert read(pip(text)).pip == (
        "numpy",
        "Rasterio==1.3.9",
        "jsonargparse[signatures]>=4.27.7",
        'x; python_version < "3"',
    )


def test_hashes_and_continuations_are_taken_apart() -> None:
    first = "affine==2.2.2 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb \\\n    # via rasterio\n"
    text = first + "attrs==19.1.0 --hash=sha256:cc\n"
    assert read(pip(text)).pip == ("affine==2.2.2", "attrs==19.1.0")
    (told,) = read(pip(text)).findings
    assert told.code == "hashes-unused" and told.severity == "warning"


def test_an_included_file_that_is_not_there_is_asked_for() -> None:
    with pytest.raises(ItemInvalid, match=r"more\.txt is not beside it") as caught:
        read(pip("-r more.txt\n"))
    assert "put more.txt into the archive" in caught.value.hint


@pytest.mark.parametrize(
    "line",
    [
        "--extra-index-url https://evil.example/simple",
        "-i https://evil.example",
        "--index-url=https://evil.example",
        "--pre",
        "-f https://evil.example/x.html",
        "--find-links wheels/",
        "--trusted-host evil",
        "--no-binary :all:",
    ],
)
def test_where_packages_come_from_is_not_the_items_business(line: str) -> None:
    declared = read(pip(f"numpy\n{line}\n"))
    assert declared.pip == ("numpy",)
    (note,) = declared.findings
    assert note.code == "pip-option"
    assert note.message.startswith("archive:requirements.txt:2: ")


CONSTRAINTS = pip(
    "# pip freeze\nTorch==1.9.0+cu111\nscikit_learn==1.0.2\nnumpy[x]<1.22\nscipy\nfoo @ file:///builds/foo\n"
    'affine==2.3 ; python_version < "3.8"\n',
    "archive:pins/constraints.txt",
)


@pytest.mark.parametrize("line", ["-c pins/constraints.txt", "--constraint=pins/constraints.txt"])
def test_constraints_bound_what_is_installed_and_are_no_requirements(line: str) -> None:
    declared = read(pip(f"torch>=1.5\nscikit-learn\naffine\n{line}\n"), CONSTRAINTS)
    assert declared.pip == ("torch==1.9.0,>=1.5", "scikit-learn==1.0.2", "affine")
    assert declared.constraints == (
        "Torch==1.9.0", "scikit_learn==1.0.2", "numpy<1.22", 'affine==2.3; python_version < "3.8"',
    )  # fmt: skip
    assert codes(declared) == ["local-version", "constraint-lost"] and declared.local_cuda is None
    assert declared.findings[1].message.startswith("archive:pins/constraints.txt:6: foo @ file:")
    assert declared.included == ("archive:pins/constraints.txt",)


def test_constraints_hold_for_the_pip_part_of_a_conda_environment_and_decide_the_framework() -> None:
    file = conda("dependencies:\n  - python=3.8\n  - pip:\n    - -c pins/constraints.txt\n    - torch\n")
    made = plan(item(framework="PyTorch", handler="ckpt.pth", run=RUN), file, CONSTRAINTS)
    assert made.framework_version == "1.9.0" and made.environment.pip == ("torch==1.9.0",)
    assert made.environment.constraints and "numpy<1.22" in made.environment.constraints
    assert "environment-not-used" not in findings(made)


def test_a_framework_that_only_the_constraints_name_is_added_in_their_version() -> None:
    made = plan(item(framework="PyTorch", run=RUN), pip("timm\n-c pins/constraints.txt\n"), CONSTRAINTS)
    assert made.framework_version == "1.9.0" and made.environment.pip[:2] == ("timm", "torch==1.9.0")


def test_an_environment_without_constraints_has_the_digest_that_it_had_before_there_were_any() -> None:
    made = plan(item(framework="PyTorch", run=RUN), pip("torch\n"))
    assert b"constraints" not in msgspec.json.encode(made.environment)


@pytest.mark.parametrize("line", ["-c https://example.org/c.txt", "-c ../c.txt", "-c c.txt"])
def test_constraints_that_are_not_there_are_told(line: str) -> None:
    declared = read(pip(f"numpy\n{line}\n"))
    assert (declared.pip, codes(declared)) == (("numpy",), ["constraint-lost"])


def test_constraints_that_name_each_other_end() -> None:
    one, two = pip("-c two.txt\nnumpy<2\n", "archive:one.txt"), pip("-c one.txt\n", "archive:two.txt")
    assert read(one, one, two).pip == ("numpy<2",)


@pytest.mark.parametrize("line", ["-e .", "--editable .", ".", "./", "-e .[all]", "-e ./"])
def test_the_models_own_tree_is_not_installed(line: str) -> None:
    declared = read(pip(f"{line}\nnumpy\n"))
    assert declared.pip == ("numpy",)
    assert codes(declared) == ["own-tree"]


@pytest.mark.parametrize("line", ["-e ..", "-e ../.", "../[all]", "-e ."])
def test_the_models_own_tree_from_a_folder_of_it(line: str) -> None:
    assert codes(read(pip(f"{line}\nnumpy\n", "source:requirements/dev.txt"))) == ["own-tree"]
    with pytest.raises(ItemInvalid, match=r"dev\.txt:1: "):
        read(pip("-e ../..\n", "source:requirements/dev.txt"))


@pytest.mark.parametrize(
    "line",
    [
        "torch @ https://evil.example/x.whl",
        "https://evil.example/x.whl",
        "git+https://evil.example/x",
        "-e git+https://evil/x#egg=x",
        "-e ../other",
        "./x.whl",
        "x.whl ; y",
        "--upload-pack=x",
        "-x",
        "numpy = 1.0",
        "numpy==",
        "a b",
        "../etc/passwd",
        "nümpy",
        "x" * 3000,
        "numpy>=1;os.system",
        "-r",
        "-r /etc/passwd",
        "-r ../../etc/passwd",
        "-r https://evil.example/r.txt",
    ],
)
def test_lines_that_are_not_names_and_versions_are_refused_with_their_place(line: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        read(pip(f"numpy\n{line}\n"))
    assert caught.value.message.startswith("archive:requirements.txt:2: ")
    assert len(caught.value.message) < 400


def test_a_list_of_conda_is_called_so() -> None:
    text = "# $ conda create --name <env> --file <this file>\n_libgcc_mutex=0.1=main\nnumpy=1.21.2=py38h20f2e39_0\n"
    with pytest.raises(ItemInvalid, match=r"txt:2: _libgcc_mutex=0\.1=main: a package of conda") as caught:
        read(pip(text))
    assert "conda env export" in caught.value.hint


def test_a_star_behind_an_order_says_nothing() -> None:
    declared = read(pip("numpy>=1.16.*, <1.20.*; python_version >= '3.6'\nscipy==1.5.*\nsix<2.0\n"))
    assert declared.pip == ('numpy<1.20,>=1.16; python_version >= "3.6"', "scipy==1.5.*", "six<2.0")
    assert codes(declared) == ["star-behind-order"]
    assert declared.findings[0].message.startswith("archive:requirements.txt:1: numpy>=1.16.*")
    for line in ("numpy<=1.16.*", "numpy~=1.16.*", "numpy>=1.16<2"):
        with pytest.raises(ItemInvalid, match="not a name with a version"):
            read(pip(f"{line}\n"))


@pytest.mark.parametrize("line", ["sklearn==0.0", "sklearn==0.0.post1", "bs4==0.0.1"])
def test_the_version_of_an_empty_package_is_none_of_the_real_one(line: str) -> None:
    declared = read(pip(f"scikit-learn==1.0.2\nbeautifulsoup4==4.9.3\n{line}\n"))
    assert declared.pip[2] in ("scikit-learn", "beautifulsoup4") and codes(declared) == ["import-name"]
    assert str(requirements(declared.pip)["scikit-learn"]) == "scikit-learn==1.0.2"


def test_siblings_are_read_where_they_lie() -> None:
    lower = pip("numpy\n-r more/extra.txt\n", "archive:env/base.txt")
    extra = pip("rasterio\n", "archive:env/more/extra.txt")
    elsewhere = pip("evil\n", "source:env/more/extra.txt")
    assert read(lower, extra, elsewhere).pip == ("numpy", "rasterio")


def test_siblings_that_include_each_other_end() -> None:
    one, two = pip("-r two.txt\n", "archive:one.txt"), pip("-r one.txt\n", "archive:two.txt")
    with pytest.raises(ItemInvalid, match="include each other"):
        read(one, one, two)


def test_import_names_and_local_versions() -> None:
    declared = read(pip("sklearn==0.24.1\ntorch==1.10.0+cu113\nosgeo\n"))
    assert declared.pip == ("scikit-learn==0.24.1", "torch==1.10.0", "gdal")
    assert declared.local_cuda == "11.3"
    assert codes(declared) == ["import-name", "local-version", "import-name"]


def test_a_build_for_another_cuda_is_said() -> None:
    made = plan(item(framework="PyTorch", run=RUN, date="2022-01-01T00:00:00Z"), pip("torch==1.10.0+cu113\n"))
    assert made.cuda == "10.2"
    assert "11.3" in findings(made)["cuda-of-wheel"].message


def test_what_another_system_installs_says_nothing() -> None:
    """Of the framework, of its version, of the CPU."""
    torch = "torch==2.0.1; sys_platform == 'linux'\ntorch==1.13.1; sys_platform == 'darwin'\n"
    made = plan(item(framework="PyTorch", run=RUN, date="2023-06-01T00:00:00Z"), pip(torch))
    assert made.framework_version == "2.0.1"
    flow = "tensorflow==2.11.0; sys_platform != 'win32'\ntensorflow-cpu==2.11.0; sys_platform == 'win32'\n"
    assert plan(item(framework="TensorFlow", run=RUN), pip(flow)).gpu
    windows = plan(item(framework="PyTorch", version="1.5.1", run=RUN), pip("torch==1.5.1; platform_system=='Windows'"))
    assert "torch==1.5.1" in windows.environment.pip and "framework-added" in findings(windows)
    old = plan(item(framework="PyTorch", run=RUN), pip("torch==1.5.1; python_version < '3.9'"))
    assert old.framework_version == "1.5.1" and "framework-added" not in findings(old)


@pytest.mark.parametrize("marker", ["sys_platform ~= 'lin'", "python_version ~= 'x'", "'x' in extras"])
def test_a_marker_that_makes_no_sense_is_left_to_the_solver(marker: str) -> None:
    assert plan(item(framework="PyTorch", run=RUN), pip(f"torch==1.5.1; {marker}\n")).framework_version == "1.5.1"


def test_three_equals_signs_name_a_version_too() -> None:
    assert plan(item(framework="PyTorch", run=RUN), pip("torch===1.5.1\n")).framework_version == "1.5.1"


# --- conda files --------------------------------------------------------------------------------------------------

ENVIRONMENT = """\
name: thelper
channels:
  - pytorch
  - conda-forge
  - nodefaults
dependencies:
  - python=3.8
  - numpy >=1.18, <2
  - gdal=3.1.4=py38h1
  - conda-forge::rasterio
  - pytorch 1.5.1
  - vs2015_runtime  # [win]
  - libgcc-ng  # [linux]
  - sklearn
  - pip
  - pip:
    - kornia
    - -r requirements.txt
    - -e .
"""


def test_a_conda_file_with_everything() -> None:
    declared = read(conda(ENVIRONMENT), pip("tqdm\n"))
    assert declared.channels == ("pytorch", "conda-forge")
    assert [line.spec for line in declared.conda] == [
        "python=3.8", "numpy>=1.18,<2", "gdal=3.1.4=py38h1", "conda-forge::rasterio", "pytorch=1.5.1", "libgcc-ng",
        "scikit-learn", "pip",
    ]  # fmt: skip
    assert declared.pip == ("kornia", "tqdm")
    assert codes(declared) == ["selector", "import-name", "own-tree"]


@pytest.mark.parametrize(
    ("remark", "kept"),
    [
        ("# [linux64]", True), ("# [unix and not osx]", True), ("# [not win and x86_64]", True),
        ("# [osx or linux]", True), ("# [see issue 3]", True), ("#[GPU]", True), ("# [py<37]", True),
        ("# [win]", False), ("# [osx and arm64]", False), ("# [not unix]", False), ("# [unix and not linux]", False),
        ("# [win or osx-arm64]", False),
    ],
)  # fmt: skip
def test_a_selector_leaves_out_what_is_for_another_system_alone(remark: str, kept: bool) -> None:
    declared = read(conda(f"dependencies:\n- numpy=1.26  {remark}\n- pip:\n  - affine  {remark}\n"))
    assert [line.spec for line in declared.conda] == ["numpy=1.26"] * kept
    assert declared.pip == ("affine",) * kept
    assert codes(declared) == ["selector", "selector"] * (not kept)


def test_versions_stay_as_written() -> None:
    declared = read(conda("dependencies:\n- python=3.10\n- x=1.20\n- 'y=1.0'\n- z = 2\n"))
    assert [line.spec for line in declared.conda] == ["python=3.10", "x=1.20", "y=1.0", "z=2"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("dependencies:\n- https://evil.example/x.tar.bz2\n", ":2: "),
        ("dependencies:\n- numpy\n- 'x[url=https://evil]'\n", ":3: "),
        ("dependencies:\n- ../x\n", ":2: "),
        ("dependencies:\n- -numpy\n", ":2: "),
        ("dependencies:\n- {npm: [x]}\n", ":2: "),
        ("dependencies:\n- [a, b]\n", ":2: "),
        ("dependencies:\n- pip: numpy\n", ":2: "),
        ("dependencies:\n- pip:\n  - {a: b}\n", ":3: "),
        ("dependencies:\n- pip:\n  - git+https://evil.example/x\n", ":3: "),
        ("dependencies:\n- pip:\n  - |\n    a\n    b\n", ":3: "),
        ("dependencies: numpy\n", ":1: "),
        ("dependencies:\n- $(id)\n", ":2: "),
        ("dependencies:\n- {{ cycler }}\n", ""),
        ("dependencies:\n- a: b\n c: [\n", ":"),
        ("name: x\n", ": there are no `dependencies`"),
        ("- numpy\n", " is not a conda environment"),
        ("", " is not a conda environment"),
        ("[" * 100000, ": "),
        ("a: &a [*a]\nb: *c\n", ":"),
        ("dependencies:\n- \x00\n", ""),
    ],
)
def test_conda_files_that_cannot_be_used_say_where(text: str, place: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        read(conda(text))
    assert caught.value.message.startswith(f"archive:environment.yml{place}")
    assert "\x00" not in caught.value.message


def test_environment_variables_are_left_out_and_said() -> None:
    declared = read(conda("variables: {LD_PRELOAD: /x.so}\nprefix: /home/x\ndependencies: [numpy]\nfoo: 1\n"))
    assert [(one.code, one.severity) for one in declared.findings] == [
        ("environment-variables", "warning"), ("environment-key", "info"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "channel", ["numba", "https://evil.example/channel", "../x", "conda-forge/label/x", "file:///etc"]
)
def test_a_channel_this_site_does_not_allow(channel: str) -> None:
    with pytest.raises(ItemInvalid, match="is not allowed at this site") as caught:
        plan(item(framework="PyTorch", run=RUN), conda(f"channels: ['{channel}']\ndependencies: [pytorch=1.5.1]\n"))
    assert "conda-forge" in caught.value.hint


def test_a_mirror_or_a_setting_allows_a_channel() -> None:
    text = "channels: [numba, nvidia/label/cuda-11.8.0]\ndependencies: [pytorch=1.5.1, other/label/dev::x]\n"
    channels = Channels(allowed=("other/label/dev", "nvidia/label/cuda-11.8.0"), mirrors={"numba": ("file:///mirror",)})
    made = plan(item(framework="PyTorch", run=RUN), conda(text), settings=Settings(channels=channels))
    assert made.environment.channels == ("numba", "nvidia/label/cuda-11.8.0", "other/label/dev")


# --- which file ---------------------------------------------------------------------------------------------------


def test_a_lock_comes_first_then_conda_then_pip() -> None:
    lock = EnvironmentFile(name="source:conda-lock.yml", kind="conda-lock", text="x")
    files = [pip("a\n"), conda("b"), lock]
    assert choose_file(files) is lock
    assert choose_file(files[:2]) is files[1]
    assert choose_file([]) is None
    mine = conda("b", "item:environment.yml")
    assert choose_file([conda("b", "source:environment.yml"), conda("b"), mine]) is mine


LOCK = """\
version: 1
metadata:
  channels: []
package:
- name: python
  version: 3.11.9
  manager: conda
  platform: linux-64
- name: onnxruntime
  version: 1.20.1
  manager: pip
  platform: linux-64
"""


def test_a_published_lock_decides_python_framework_and_version() -> None:
    lock = EnvironmentFile(name="archive:conda-lock.yml", kind="conda-lock", text=LOCK)
    made = plan(item(framework="ONNX", date="2025-01-01T00:00:00Z"), lock, paths=ONNX)
    assert (made.python, made.framework_version, made.gpu) == ("3.11", "1.20.1", False)
    assert made.environment.lock_text == LOCK
    assert (made.environment.conda, made.environment.pip) == ((), ())
    assert decision(made, "environment").reason == "the publisher locked it"


SORTED_LOCK = """\
metadata:
  channels:
  - url: conda-forge
    used_env_vars: []
  platforms: [osx-64, linux-64]
package:
- category: main
  dependencies:
    name: '>=1'
  manager: conda
  name: python
  optional: false
  platform: osx-64
  version: 3.9.1
- category: main
  manager: conda
  name: python
  optional: false
  platform: linux-64
  version: '3.11.9'
- category: dev
  manager: pip
  name: onnxruntime
  platform: linux-64
  version: 1.10.0
- category: main
  manager: pip
  name: onnxruntime
  platform: linux-64
  version: 1.20.1
version: 1
"""


@pytest.mark.parametrize("text", [SORTED_LOCK, SORTED_LOCK.replace("\n", "\r\n")])
def test_a_lock_says_what_is_installed_in_any_order_of_its_fields(text: str) -> None:
    declared = read(EnvironmentFile(name="archive:conda-lock.yml", kind="conda-lock", text=text))
    assert ([line.spec for line in declared.conda], declared.pip) == (["python=3.11.9"], ("onnxruntime==1.20.1",))


URL = "https://channel.example/x/linux-64/pytorch-2.1.0-{}.conda"


@pytest.mark.parametrize(("build", "gpu"), [("cpu_generic_py311h1_0", False), ("cuda118_py311h1_300", True)])
def test_the_build_of_a_locked_framework_tells_whether_it_is_for_the_cpu(build: str, gpu: bool) -> None:
    url = URL.format(build)
    row = f"- name: pytorch\n  version: 2.1.0\n  manager: conda\n  platform: linux-64\n  url: {url}\n"
    lock = EnvironmentFile(name="archive:conda-lock.yml", kind="conda-lock", text=f"{LOCK}{row}")
    explicit = EnvironmentFile(name="archive:explicit.txt", kind="explicit", text=f"@EXPLICIT\n{url}\n")
    for file in (lock, explicit):
        assert plan(item(framework="PyTorch", run=RUN), file).gpu is gpu


@pytest.mark.parametrize(
    ("build", "gpu"), [("mkl_py310h1_0", False), ("eigen_py310h1_0", False), ("gpu_py310h1_0", True), ("mkl*", False)]
)
def test_a_build_of_tensorflow_tells_whether_it_is_for_the_cpu(build: str, gpu: bool) -> None:
    text = f"channels: [defaults]\ndependencies: [python=3.10, tensorflow=2.11.0={build}]\n"
    assert plan(item(framework="TensorFlow", run=RUN), conda(text)).gpu is gpu


def test_a_lock_for_another_system_is_refused() -> None:
    text = LOCK.replace("linux-64", "osx-arm64")
    with pytest.raises(ItemInvalid, match="no package is locked in it for linux-64"):
        read(EnvironmentFile(name="archive:conda-lock.yml", kind="conda-lock", text=text))


EXPLICIT = f"""\
# platform: linux-64
@EXPLICIT
https://channel.example/x/linux-64/python-3.11.9-h1_0_cpython.conda#{"a" * 32}
# pip onnxruntime @ https://index.example/onnxruntime-1.20.1-cp311-cp311-linux_x86_64.whl#sha256={"b" * 64}
"""


@pytest.mark.parametrize("text", [EXPLICIT, EXPLICIT.replace("\n", "\r\n")])
def test_an_explicit_list_is_a_lock_too(text: str) -> None:
    lock = EnvironmentFile(name="archive:explicit.txt", kind="explicit", text=text)
    assert choose_file([conda("b"), lock]) is lock
    made = plan(item(framework="ONNX", date="2025-01-01T00:00:00Z"), lock, paths=ONNX)
    assert (made.python, made.framework_version, made.environment.lock_text) == ("3.11", "1.20.1", text)


def test_a_line_of_an_explicit_list_that_is_no_package_is_named() -> None:
    lock = EnvironmentFile(name="archive:explicit.txt", kind="explicit", text="@EXPLICIT\nnumpy==1.26.4\n")
    with pytest.raises(ItemInvalid, match=r"explicit\.txt:2: numpy==1\.26\.4 is not the address of a conda package"):
        plan(item(framework="ONNX"), lock, paths=ONNX)


@pytest.mark.parametrize(
    "address", ["https://index.example/antlr4-python3-runtime-4.9.3.tar.gz", "git+https://git.example/x.git@abc"]
)
def test_what_is_no_wheel_in_an_explicit_list_is_named(address: str) -> None:
    lock = EnvironmentFile(name="archive:explicit.txt", kind="explicit", text=f"{EXPLICIT}# pip runtime @ {address}\n")
    with pytest.raises(ItemInvalid, match=r"explicit\.txt:5: .* is not a wheel"):
        plan(item(framework="ONNX"), lock, paths=ONNX)


def test_a_locked_version_that_is_none_is_named() -> None:
    lock = EnvironmentFile(name="archive:conda-lock.yml", kind="conda-lock", text=LOCK.replace("1.20.1", "2004d"))
    with pytest.raises(ItemInvalid, match="onnxruntime 2004d is no package of Python"):
        plan(item(framework="ONNX"), lock, paths=ONNX)


@pytest.mark.parametrize(
    "name",
    ["uv.lock", "env/poetry.lock", "pdm.lock", "Pipfile.lock", "pixi.lock", "pylock.toml", "pyproject.toml",
     "env/setup.py", "Pipfile", "gpu.Dockerfile", "environment.json"],
)  # fmt: skip
def test_a_file_for_another_tool_is_called_so(name: str) -> None:
    with pytest.raises(ItemInvalid, match="a file of this kind is not read as an environment") as caught:
        plan(item(framework="ONNX"), pip('version = 1\n[[package]]\nname = "numpy"\n', f"item:{name}"), paths=ONNX)
    assert "conda-lock.yml" in caught.value.hint and "requirements.txt" in caught.value.hint


def test_a_lock_with_nothing_in_it_is_refused() -> None:
    lock = EnvironmentFile(name="archive:conda-lock.yml", kind="conda-lock", text="version: 1\npackage: []\n")
    with pytest.raises(ItemInvalid, match="no package is locked"):
        plan(item(framework="ONNX"), lock, paths=ONNX)


def unused(made: Plan) -> list[str]:
    return [one.message.split()[0] for one in made.findings if one.code == "environment-not-used"]


def test_an_unused_file_is_said_but_not_an_included_one() -> None:
    text = "channels: [conda-forge]\ndependencies: [pytorch=1.5.1, pip: [-r env/more.txt]]\n"
    more, less = pip("-r less.txt\n", "archive:env/more.txt"), pip("numpy\n", "archive:env/less.txt")
    other, listed = conda("x", "source:environment.yml"), pip("einops==0.6\n")
    told = plan(item(framework="PyTorch", run=RUN), conda(text), other, listed, more, less)
    assert unused(told) == ["source:environment.yml", "archive:requirements.txt"]
    alone = plan(item(framework="PyTorch", run=RUN), pip("torch==1.5.1\n-r env/more.txt\n"), more, less)
    assert unused(alone) == []


# --- completing a declared environment ----------------------------------------------------------------------------


def test_what_is_complete_is_left_alone() -> None:
    text = "channels: [conda-forge]\ndependencies: [python=3.11, onnxruntime=1.20.1, numpy=2.1.3, tifffile]\n"
    made = plan(item(framework="ONNX", gpu=False, date="2025-01-01T00:00:00Z"), conda(text), paths=ONNX)
    assert made.environment.conda == ("python=3.11", "onnxruntime=1.20.1", "numpy=2.1.3", "tifffile")
    assert made.environment.pip == ()
    assert made.environment.channels == ("conda-forge",)
    assert [one.severity for one in made.findings if one.severity != "info"] == []


def test_python_is_added_where_it_is_not_pinned() -> None:
    made = plan(
        item(framework="ONNX", gpu=False, date="2025-01-01T00:00:00Z"),
        pip("onnxruntime==1.20.1\ntifffile\n"),
        paths=ONNX,
    )
    assert made.environment.conda == ("python=3.11",)
    ranged = conda("dependencies: ['python<3.12', onnxruntime=1.20.1, tifffile]\n")
    assert plan(item(framework="ONNX", date="2025-01-01T00:00:00Z"), ranged, paths=ONNX).environment.conda == (
        "python<3.12", "onnxruntime=1.20.1", "tifffile", "python=3.11",
    )  # fmt: skip


def test_what_our_runner_needs_is_added_and_said() -> None:
    made = plan(item(framework="ONNX", date="2025-01-01T00:00:00Z"), pip("onnxruntime==1.20.1\n"), paths=ONNX)
    assert made.environment.pip == ("onnxruntime==1.20.1", "tifffile")
    assert findings(made)["runner-needs"].severity == "warning"
    arrays = item(framework="ONNX", date="2025-01-01T00:00:00Z").sample
    assert arrays is not None


def test_a_command_or_handler_gets_nothing_it_did_not_ask_for() -> None:
    for given in ({"run": RUN}, {"handler": "h.py"}):
        made = plan(item(framework="PyTorch", **given), pip("torch==1.5.1\n"), paths=("h.py", "m.pth", "in.tif"))
        assert made.environment.pip == ("torch==1.5.1",)
        assert "runner-needs" not in findings(made)


def test_a_framework_that_is_left_out_is_added_and_said() -> None:
    made = plan(
        item(framework="PyTorch", version="1.5", run=RUN), conda("channels: [conda-forge]\ndependencies: [numpy]\n")
    )
    assert "torch==1.5.1" in made.environment.pip
    assert "torch==1.5.1" in findings(made)["framework-added"].message


def test_a_framework_without_a_version_gets_the_items() -> None:
    made = plan(item(framework="PyTorch", version="1.5", run=RUN), pip("torch\nnumpy\n"))
    assert made.environment.pip == ("torch==1.5.1", "numpy")
    from_conda = plan(
        item(framework="PyTorch", version="1.5", run=RUN), conda("channels: [pytorch]\ndependencies: [pytorch]\n")
    )
    assert "pytorch=1.5.1" in from_conda.environment.conda
    undeclared = plan(item(framework="PyTorch", run=RUN), pip("torch\n"))
    assert undeclared.environment.pip == ("torch",)


def test_old_cuda_is_added_to_conda_where_the_build_does_not_bring_it() -> None:
    text = "channels: [pytorch]\ndependencies: [python=3.7, pytorch=1.5.1]\n"
    made = plan(item(framework="PyTorch", version="1.5", gpu=True, run=RUN), conda(text))
    assert made.environment.conda == ("python=3.7", "pytorch=1.5.1", "cudatoolkit=10.2")
    assert "no base image has CUDA 10.2 any more" in findings(made)["cuda-added"].message
    assert "cudatoolkit=10.2" in decision(made, "environment").reason
    wheels = plan(item(framework="PyTorch", version="1.5", gpu=True, run=RUN), pip("torch==1.5.1\n"))
    assert "cudatoolkit" not in " ".join(wheels.environment.conda)  # these wheels carry their CUDA


def test_old_tensorflow_wheels_get_cuda_and_cudnn() -> None:
    made = plan(item(framework="TensorFlow", version="2.3", gpu=True, run=RUN), pip("tensorflow==2.3.1\n"))
    assert made.environment.conda == ("python=3.7", "cudatoolkit=10.1", "cudnn=7.6")


# --- inferring one ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("framework", "version", "date", "gpu", "conda_specs", "pip_specs"),
    [
        (
            "PyTorch",
            "1.5",
            "2020-12-12T00:00:00Z",
            True,
            ("python=3.7", "pytorch=1.5.1", "torchvision=0.6.1", "cudatoolkit=10.2", "numpy"),
            (),
        ),
        (
            "PyTorch",
            "2.1",
            "2024-01-01T00:00:00Z",
            True,
            ("python=3.10", "pytorch=2.1.2", "torchvision=0.16.2", "pytorch-cuda=12.1", "numpy"),
            (),
        ),
        (
            "PyTorch",
            "2.1",
            "2024-01-01T00:00:00Z",
            False,
            ("python=3.10", "pytorch=2.1.2", "torchvision=0.16.2", "cpuonly", "numpy"),
            (),
        ),
        (
            "PyTorch",
            "2.7",
            "2025-07-01T00:00:00Z",
            True,
            ("python=3.11",),
            ("torch==2.7.1", "torchvision==0.22.1", "numpy"),
        ),
        (
            "TensorFlow",
            "2.15",
            "2024-12-01T00:00:00Z",
            True,
            ("python=3.11",),
            ("tensorflow[and-cuda]==2.15.*", "numpy"),
        ),
        ("TensorFlow", "2.15", "2024-12-01T00:00:00Z", False, ("python=3.11",), ("tensorflow==2.15.*", "numpy")),
        ("TensorFlow", "2.10.1", "2024-12-01T00:00:00Z", True, ("python=3.10",), ("tensorflow==2.10.1", "numpy")),
        (
            "TensorFlow",
            "1.15",
            "2020-12-01T00:00:00Z",
            True,
            ("python=3.7", "cudatoolkit=10.0", "cudnn=7.4"),
            ("tensorflow-gpu==1.15.*", "numpy"),
        ),
        (
            "MXNet",
            "1.9.1",
            "2023-01-01T00:00:00Z",
            True,
            ("python=3.8", "cudatoolkit=10.2", "cudnn=7.6"),
            ("mxnet-cu102==1.9.1", "numpy"),
        ),
        ("MXNet", "1.8.0", "2023-01-01T00:00:00Z", False, ("python=3.8",), ("mxnet==1.8.0.post0", "numpy")),
        ("ONNX", "1.18", "2024-12-01T00:00:00Z", True, ("python=3.11",), ("onnxruntime-gpu==1.18.*", "numpy")),
        (
            "ONNX",
            "1.23.2",
            "2025-12-01T00:00:00Z",
            True,
            ("python=3.12",),
            ("onnxruntime-gpu[cuda,cudnn]==1.23.2", "numpy"),
        ),
        ("ONNX", "1.20", "2024-12-01T00:00:00Z", False, ("python=3.11",), ("onnxruntime==1.20.*", "numpy")),
    ],
)
def test_inferred_environments(
    framework: str, version: str, date: str, gpu: bool, conda_specs: tuple[str, ...], pip_specs: tuple[str, ...]
) -> None:
    made = plan(item(framework=framework, version=version, date=date, gpu=gpu, run=RUN))
    assert made.environment.conda == conda_specs
    assert made.environment.pip == pip_specs
    assert made.environment.origin == "inferred"
    assert findings(made)["environment-inferred"].severity == "warning"


def test_inferred_environments_can_read_pictures() -> None:
    made = plan(item(framework="ONNX", version="1.20", date="2024-12-01T00:00:00Z", gpu=False), paths=ONNX)
    assert made.environment.pip == ("onnxruntime==1.20.*", "numpy", "rasterio")


def test_a_site_without_pytorchs_channel_gets_wheels() -> None:
    settings = Settings(channels=Channels(allowed=("conda-forge",)))
    made = plan(item(framework="PyTorch", version="1.5", run=RUN), settings=settings)
    assert made.environment.channels == ("conda-forge",)
    assert made.environment.pip == ("torch==1.5.1", "torchvision==0.6.1", "numpy")


def test_a_program_that_nothing_installs_is_said() -> None:
    made = plan(item(framework="PyTorch", version="1.5", run="thelper infer"))
    assert "thelper" in findings(made)["program-unknown"].message
    assert "program-unknown" not in findings(plan(item(framework="PyTorch", version="1.5", run=RUN)))


# --- real files ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not CASES.is_dir(), reason="the collection of published files is not beside this repository")
@pytest.mark.parametrize(
    ("file", "python", "version"),
    [
        ("conda_landcover_environment_precise.yml", "3.7", None),
        ("conda_clay_HEAD_environment.yml", "3.11", "2.4.0"),
        ("conda_ai4gflood_environment.yml", None, None),
        ("conda_thelper_conda-env.yml", "3.7", "1.5.1"),
    ],
)
def test_published_conda_files(file: str, python: str | None, version: str | None) -> None:
    beside = pip((CASES / "pip_thelper_requirements.txt").read_text("utf-8"))
    made = plan(item(framework="PyTorch", version="1.5", run=RUN), conda((CASES / file).read_text("utf-8")), beside)
    assert python is None or made.python == python
    assert version is None or made.framework_version == version


@pytest.mark.skipif(not CASES.is_dir(), reason="the collection of published files is not beside this repository")
def test_a_published_file_with_a_channel_of_its_own_is_refused() -> None:
    text = (CASES / "conda_gdl_2021-03_environment.yml").read_text("utf-8")
    with pytest.raises(ItemInvalid, match="channel numba"):
        plan(item(framework="PyTorch", version="1.5", run=RUN), conda(text))


@pytest.mark.parametrize(
    ("conda_part", "pip_part", "found"),
    [
        ("", "opencv-python==4.8.1.78", True), ("", "opencv_contrib_python", True),
        ("", "opencv-python-headless", False), ("", "opencv-python, opencv-python-headless", False),
        ("libgl, ", "opencv-python", False),
        ("opencv, ", "opencv-python", False), ("", "numpy", False),
        ("", "'opencv-python; sys_platform == \"win32\"'", False),
    ],
)  # fmt: skip
def test_opencv_with_windows_needs_what_no_image_has(conda_part: str, pip_part: str, found: bool) -> None:
    text = f"channels: [conda-forge]\ndependencies: [{conda_part}pytorch=1.5.1, pip: [{pip_part}]]\n"
    made = plan(item(framework="PyTorch", run=RUN), conda(text))
    assert ("needs-lib-gl" in findings(made)) is found


# --- conda's spellings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "spec"),
    [
        ("numpy[version='>=1.21']", "numpy>=1.21"),
        ("numpy[version='>=1.21,<2',build=py38*]", "numpy>=1.21,<2 py38*"),
        ("libblas[build='*mkl']", "libblas=*=*mkl"),
        ("numpy=1.21[build=py38h1_0]", "numpy=1.21.*=py38h1_0"),
        ("numpy (>=1.21)", "numpy>=1.21"),
        ("conda-forge:gdal", "gdal"),
        ("conda-forge/linux-64::gdal=3.6", "conda-forge::gdal=3.6"),
        ("gdal[channel=conda-forge, subdir=noarch]", "conda-forge::gdal"),
    ],
)
def test_conda_packages_are_read_as_conda_reads_them(written: str, spec: str) -> None:
    declared = read(conda(f'dependencies:\n  - "{written}"\n'))
    assert ([line.spec for line in declared.conda], codes(declared)) == ([spec], [])


def test_the_hash_of_a_conda_package_is_said_to_be_unused() -> None:
    declared = read(conda(f"dependencies:\n  - gdal=3.6[md5={'ab' * 16}]\n"))
    assert [line.spec for line in declared.conda] == ["gdal=3.6.*"] and codes(declared) == ["hashes-unused"]


@pytest.mark.parametrize(
    "written",
    [
        "numpy[url=https://evil.example/numpy-1-0.conda]",
        "numpy[channel='https://evil.example/conda-forge']",
        "https://evil.example/conda-forge::numpy",
        "https://evil.example/conda-forge/linux-64/numpy-1-0.conda",
        "numpy[build_number='>3']",
        "numpy[subdir=osx-64]",
        "numpy[version='>=1.21'",
        "numpy[fn=numpy-1-0.conda]",
        "numpy[md5=abc]",
        "numpy[build='^(a|b)$']",
        "*[build=mkl]",
        ">=3.6",
    ],
)
def test_a_conda_package_that_is_asked_for_by_anything_else_is_refused(written: str) -> None:
    with pytest.raises(ItemInvalid, match=r"yml:2: .* is not a conda package"):
        read(conda(f'dependencies:\n  - "{written}"\n'))


def test_a_channel_by_its_own_address_is_that_channel_and_no_other() -> None:
    from rattler import Channel

    own = Channel("conda-forge").base_url
    text = f"channels: ['{own}', '{own}linux-64', nodefaults, '{{}}']\ndependencies: ['{own.rstrip('/')}::gdal']\n"
    declared = read(conda(text.format("pytorch")))
    assert declared.channels == ("conda-forge", "pytorch") and declared.conda[0].spec == "conda-forge::gdal"
    with pytest.raises(ItemInvalid, match=r"channel https://evil\.example/conda-forge is not allowed"):
        plan(item(framework="PyTorch", run=RUN), conda(text.format("https://evil.example/conda-forge")))


@pytest.mark.parametrize(
    ("written", "python"),
    [
        ("python=3.7|3.8", "3.8"),
        ("python>=3.7.*,<3.9", "3.8"),
        ("python[version='>=3.7,<3.9']", "3.8"),
        ("python 3.8.* *_cpython", "3.8"),
        ("python >=3.8,<3.9 *_cpython", "3.8"),
        ("python=*=*_cpython", None),
        ("python *", None),
    ],
)
def test_pythons_in_every_spelling_of_conda(written: str, python: str | None) -> None:
    lines = "channels: [conda-forge]\ndependencies:\n  - pytorch=1.9\n"
    made = plan(item(framework="PyTorch", run=RUN, date="2023-01-01T00:00:00Z"), conda(f'{lines}  - "{written}"\n'))
    free = plan(item(framework="PyTorch", run=RUN, date="2023-01-01T00:00:00Z"), conda(lines))
    assert made.python == (python or free.python)
