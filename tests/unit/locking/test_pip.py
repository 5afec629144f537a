"""The pip solve around a fake uv that answers what it was told."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from packaging.metadata import parse_email
from packaging.specifiers import SpecifierSet

from dlm_build.config import Index, Settings
from dlm_build.errors import EnvironmentUnsolvable, HashMismatch, InfraError, ItemInvalid, PythonUnfit
from dlm_build.locking.installer import installer_wheels, read_pins
from dlm_build.locking.names import name_table, provided
from dlm_build.locking.pip import solve_pip, wheels_by_hash
from dlm_build.locking.stand_ins import write_stand_ins
from dlm_build.locking.uv import GLIBC_MINORS, Uv, platform
from dlm_build.locking.wheels import Target, rank, supported_tags
from dlm_build.store import Store
from tests.unit.locking.worlds import FakeUv, a_package, a_wheel, asking, ended, pylock

PYTHON = a_package(name="python", version="3.11.9", depends=())
NUMPY_WHEEL = a_wheel(
    name="numpy", version="2.1.3", filename="numpy-2.1.3-cp311-cp311-manylinux_2_17_x86_64.whl", sha256="d" * 64,
    url="https://index.example/numpy-2.1.3-cp311-cp311-manylinux_2_17_x86_64.whl",
)  # fmt: skip
NO_SOLUTION = ended(1, stderr="error: No solution found when resolving dependencies\n  cause: affine>=9 is needed\n")


def uv_with(fake: FakeUv, tmp_path: Path, **index: object) -> Uv:
    return Uv(fake, Store(tmp_path), Settings(index=Index(**index)))  # type: ignore[arg-type]


def test_conda_wins(tmp_path: Path) -> None:
    fake = FakeUv(pylock(a_wheel(), NUMPY_WHEEL))
    plan = asking(pip=("affine", "numpy"), as_of="2024-05-01T02:00:00+02:00")
    assert solve_pip(plan, [PYTHON, a_package()], uv_with(fake, tmp_path)) == (a_wheel(size=None),)
    assert fake.asked == ["affine\nnumpy\n"]
    assert fake.constraints == ["numpy==2.1.3\n"]


def test_the_publishers_constraints_hold_beside_condas(tmp_path: Path) -> None:
    fake = FakeUv(pylock(a_wheel()))
    plan = asking(pip=("affine",), constraints=("scipy<1.9", 'x==1; python_version < "3.8"'))
    solve_pip(plan, [PYTHON, a_package()], uv_with(fake, tmp_path))
    assert fake.asked == ["affine\n"]
    assert fake.constraints == ['numpy==2.1.3\nscipy<1.9\nx==1; python_version < "3.8"\n']


def test_a_store_without_room_for_scratch_files_is_told(tmp_path: Path) -> None:
    (tmp_path / "scratch").write_text("a file where the folder should be")
    with pytest.raises(InfraError, match="scratch"):
        solve_pip(asking(pip=("affine",)), [PYTHON], uv_with(FakeUv(pylock(a_wheel())), tmp_path))


def test_what_uv_is_asked(tmp_path: Path) -> None:
    fake = FakeUv(pylock(a_wheel()))
    plan = asking(pip=("affine",), as_of="2024-05-01T02:00:00+02:00", glibc="2.35")
    solve_pip(plan, [PYTHON], uv_with(fake, tmp_path, url="https://index.example/simple", find_links=("/srv/wheels",)))
    argv = " ".join(fake.argvs[0])
    for words in (
        "--exclude-newer 2024-05-01T00:00:00Z", "--python-version 3.11.9", "--python-platform x86_64-manylinux_2_35",
        "--generate-hashes", "--no-build", "--format pylock.toml", "--no-config", f"--cache-dir {tmp_path}/uv",
        "--default-index https://index.example/simple", "--find-links /srv/wheels",
    ):  # fmt: skip
        assert words in argv


def test_no_pip_no_uv(tmp_path: Path) -> None:
    assert solve_pip(asking("tool"), [PYTHON], uv_with(FakeUv(), tmp_path)) == ()


def test_the_date_is_given_as_the_reason_when_it_is_one(tmp_path: Path) -> None:
    fake = FakeUv(NO_SOLUTION, pylock(a_wheel()))
    with pytest.raises(EnvironmentUnsolvable, match="without that date they can be satisfied") as caught:
        solve_pip(asking(pip=("affine>=9",), as_of="2020-01-01"), [PYTHON], uv_with(fake, tmp_path))
    assert "--exclude-newer" in fake.argvs[0] and "--exclude-newer" not in fake.argvs[1]
    assert "affine>=9 is needed" in caught.value.message


def test_a_conflict_names_what_conda_brought(tmp_path: Path) -> None:
    talk = ended(1, stderr="No solution found\n cause: Because x needs numpy<2 and you require numpy==2.1.3")
    with pytest.raises(EnvironmentUnsolvable, match=r"conda provides numpy 2\.1\.3"):
        solve_pip(asking(pip=("x",)), [PYTHON, a_package()], uv_with(FakeUv(talk, talk), tmp_path))


def test_what_conda_provides_is_not_looked_for_in_the_index_where_it_is_in_the_way(tmp_path: Path) -> None:
    talk = ended(1, stderr="No solution found\n cause: Because gdal==3.6.2 has no usable wheels and you require it")
    gdal = a_package(name="gdal", version="3.6.2")
    fake = FakeUv(talk, pylock(a_wheel(), a_wheel(name="gdal", version="3.6.2+conda")))
    found = solve_pip(asking(pip=("affine", "GDAL")), [PYTHON, gdal, a_package()], uv_with(fake, tmp_path))
    assert found == (a_wheel(size=None),)
    assert fake.constraints == ["gdal==3.6.2\nnumpy==2.1.3\n", "gdal==3.6.2+conda\nnumpy==2.1.3\n"]
    assert ["--find-links" in argv for argv in fake.argvs] == [False, True]


def test_the_wheels_of_cuda_are_not_added_to_a_framework_of_conda(tmp_path: Path) -> None:
    torch = a_package(name="pytorch", version="2.1.0")
    fake = FakeUv(pylock(a_wheel()))
    solve_pip(asking(pip=("timm",)), [PYTHON, torch], uv_with(fake, tmp_path))
    assert fake.constraints == ["torch==2.1.0+conda\n"]


def test_a_stand_in_is_a_wheel_of_that_version_that_requires_nothing(tmp_path: Path) -> None:
    write_stand_ins([("antlr4-python3-runtime", "4.9.3"), ("x", "1.0+abc")], tmp_path / "conda")
    names = sorted(path.name for path in (tmp_path / "conda").iterdir())
    assert names == ["antlr4_python3_runtime-4.9.3+conda-py3-none-any.whl", "x-1.0+conda-py3-none-any.whl"]
    with zipfile.ZipFile(tmp_path / "conda" / names[0]) as wheel:
        metadata = parse_email(wheel.read("antlr4_python3_runtime-4.9.3+conda.dist-info/METADATA"))[0]
    assert metadata == {"metadata_version": "2.1", "name": "antlr4-python3-runtime", "version": "4.9.3+conda"}
    for wanted in ("==4.9.*", ">=4.9.3", "<=4.9.3", "==4.9.3", "~=4.9"):
        assert metadata["version"] in SpecifierSet(wanted)


@pytest.mark.parametrize(
    ("talk", "unfit"),
    [
        ("Because onnxruntime==1.10.0 has no wheels with a matching Python ABI tag (e.g., `cp311`) and", True),
        ("Because the current Python version (3.12.4) does not satisfy Python>=3.8,<3.11 and x==1 depends on", True),
        ("Because x==1 has no wheels with a matching platform tag (e.g., `manylinux_2_28_x86_64`) and", False),
        ("Because there is no version of x==9 and you require x==9, python-dateutil is not to blame", False),
    ],
)
def test_where_python_is_why_it_is_said(talk: str, unfit: bool, tmp_path: Path) -> None:
    fake = FakeUv(ended(1, stderr=f"error: No solution found when resolving dependencies\n  cause: {talk}\n"))
    with pytest.raises(EnvironmentUnsolvable) as caught:
        solve_pip(asking(pip=("x",)), [PYTHON], uv_with(fake, tmp_path))
    assert isinstance(caught.value, PythonUnfit) is unfit and talk.split()[1] in caught.value.message


NO_WHEEL = ended(
    1, stderr="No solution found\n  cause: Because affine==1.0\n    has no usable wheels and you require it\n"
)


def test_wheels_for_another_python_are_looked_for_where_uv_tells_of_none(tmp_path: Path) -> None:
    fake = FakeUv(NO_WHEEL, NO_WHEEL, pylock(a_wheel()))
    with pytest.raises(PythonUnfit, match=r"affine==1\.0 has wheels for Python 3\.12") as caught:
        solve_pip(asking(pip=("affine", "x")), [PYTHON, a_package()], uv_with(fake, tmp_path))
    assert "python=3.12" in caught.value.hint
    asked = [argv[argv.index("--python-version") + 1] for argv in fake.argvs]
    assert (asked, fake.asked[1:]) == (["3.11.9", "3.10", "3.12"], ["affine==1.0\n"] * 2)
    assert all("--no-deps" in argv and "--constraints" not in argv for argv in fake.argvs[1:])


@pytest.mark.parametrize(
    ("name", "said"),
    [("antlr4-python3-runtime==4.9.3", ", which calls it antlr-python-runtime"), ("fire==0.2.1", "")],
)
def test_the_name_that_conda_has_for_it_is_told(name: str, said: str, tmp_path: Path) -> None:
    talk = ended(1, stderr=f"No solution found\n  cause: Because {name} has no usable wheels and you require it\n")
    with pytest.raises(EnvironmentUnsolvable) as caught:
        solve_pip(asking(pip=("x",)), [PYTHON], uv_with(FakeUv(*[talk] * 8), tmp_path))
    assert caught.value.hint.endswith(f"take that package from conda{said}")


def test_what_has_no_wheel_for_any_python_is_not_laid_to_python(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentUnsolvable, match="no usable wheels") as caught:
        solve_pip(asking(pip=("affine",)), [PYTHON], uv_with(FakeUv(*[NO_WHEEL] * 8), tmp_path))
    assert not isinstance(caught.value, PythonUnfit)


@pytest.mark.parametrize(
    "answer",
    [
        ended(2, stderr="error: Request failed\n"),
        ended(1, stderr="No solution found\nhint: An index URL could not be queried due to a lack of credentials"),
        ended(-9, timed_out=True),
    ],
)
def test_an_unreachable_index_is_named_with_its_setting(answer: object, tmp_path: Path) -> None:
    fake = FakeUv(answer)  # type: ignore[arg-type]
    with pytest.raises(InfraError) as caught:
        solve_pip(asking(pip=("affine",)), [PYTHON], uv_with(fake, tmp_path, url="http://127.0.0.1:9/simple"))
    assert "http://127.0.0.1:9/simple" in caught.value.message
    assert "[index] url" in caught.value.hint


@pytest.mark.parametrize("complaint", ["No space left on device (os error 28)", "Disk quota exceeded (os error 122)"])
def test_a_full_store_is_not_taken_for_an_index_out_of_reach(complaint: str, tmp_path: Path) -> None:
    said = f"error: Failed to write to the client cache\n  cause: failed to write to file `uv/.tmp`: {complaint}\n"
    with pytest.raises(InfraError, match="could not keep") as caught:
        solve_pip(asking(pip=("affine",)), [PYTHON], uv_with(FakeUv(ended(2, stderr=said)), tmp_path))
    assert "set `store` in the settings" in caught.value.hint


def test_a_proxy_that_opens_https_is_told_by_its_certificate(tmp_path: Path) -> None:
    said = "error: Failed to fetch\n  Caused by: invalid peer certificate: UnknownIssuer\n"
    with pytest.raises(InfraError, match="of an authority not known here") as caught:
        solve_pip(asking(pip=("affine",)), [PYTHON], uv_with(FakeUv(ended(2, stderr=said)), tmp_path))
    assert "SSL_CERT_FILE" in caught.value.hint


@pytest.mark.parametrize(
    "line", ["x @ https://evil.example/x.whl", "x @ file:///etc/passwd", "--index-url https://evil.example", "-r x",
     "x;", "git+https://evil.example/x", "../x", "x\n--pre"],
)  # fmt: skip
def test_a_requirement_cannot_name_another_server(line: str, tmp_path: Path) -> None:
    with pytest.raises(ItemInvalid) as caught:
        solve_pip(asking(pip=(line,)), [PYTHON], uv_with(FakeUv(), tmp_path))
    assert caught.value.message.startswith("inferred: ")


def test_no_wheel_that_fits(tmp_path: Path) -> None:
    other = "affine-2.4.0-cp39-cp39-manylinux_2_17_x86_64.whl"
    fake = FakeUv(pylock(a_wheel(filename=other, url=f"https://index.example/{other}")))
    with pytest.raises(EnvironmentUnsolvable, match=r"affine 2\.4\.0 has no wheel for Python 3\.11\.9 and glibc 2\.28"):
        solve_pip(asking(pip=("affine",)), [PYTHON], uv_with(fake, tmp_path))


def test_pinned_wheels_are_found_by_hash(tmp_path: Path) -> None:
    pins = [a_wheel(url="", channel="")]
    target = Target(python="3.11", glibc="2.17")
    fake = FakeUv(pylock(a_wheel()))
    assert wheels_by_hash(pins, target, uv_with(fake, tmp_path), "pins") == (a_wheel(),)
    assert fake.asked == ["affine==2.4.0\n"] and "--no-deps" in fake.argvs[0]
    with pytest.raises(HashMismatch, match="c" * 64):
        wheels_by_hash(pins, target, uv_with(FakeUv(pylock(a_wheel(sha256="d" * 64))), tmp_path), "pins")
    with pytest.raises(EnvironmentUnsolvable, match="lacks a pinned wheel"):
        wheels_by_hash(pins, target, uv_with(FakeUv(NO_SOLUTION), tmp_path), "pins")


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_installer_runs_on_every_installer_image(python: str) -> None:
    pins = read_pins()
    tags = supported_tags(Target(python=python, glibc=pins.target.glibc))
    assert all(rank(wheel.filename, tags) is not None for wheel in pins.wheels)
    assert {wheel.name for wheel in pins.wheels} == {"installer", "py-rattler"}


def test_the_installer_is_taken_by_hash(tmp_path: Path) -> None:
    wheels = [
        a_wheel(name=w.name, version=w.version, filename=w.filename, sha256=w.sha256, size=w.size,
                url=f"https://index.example/{w.filename}")
        for w in read_pins().wheels
    ]  # fmt: skip
    fake = FakeUv(pylock(*wheels))
    assert installer_wheels(uv_with(fake, tmp_path)) == tuple(wheels)
    assert "--exclude-newer" not in fake.argvs[0]


def test_conda_names_become_distributions() -> None:
    needs = ("python >=3.8",)
    conda = [
        a_package(name="pytorch", version="2.1.0", depends=needs),
        a_package(name="libtorch", version="2.1.0", depends=()),
        a_package(name="typing_extensions", version="4.1", depends=needs),
        a_package(name="pytorch-cuda", version="12.1", depends=needs),
        a_package(name="odd", version="2021a_b", depends=needs),
    ]
    assert provided(conda) == {"torch": "2.1.0", "typing-extensions": "4.1"}
    assert all(isinstance(names, list) for names in name_table().values())


@pytest.mark.parametrize(("glibc", "minor"), [("2.17", 17), ("2.27", 17), ("2.28", 28), ("2.31", 31), ("2.99", 40)])
def test_uv_platform(glibc: str, minor: int) -> None:
    assert platform(glibc) == f"x86_64-manylinux_2_{minor}"
    assert minor in GLIBC_MINORS
