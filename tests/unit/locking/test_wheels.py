"""Which wheel fits which image."""

from __future__ import annotations

import pytest

from dlm_build.errors import InfraError, ItemHostile, Unpinned
from dlm_build.locking.wheels import Target, best, rank, read_pylock, supported_tags
from tests.unit.locking.worlds import a_wheel, pylock


def wheel_named(filename: str) -> object:
    return a_wheel(filename=filename, url=f"https://index.example/{filename}")


@pytest.mark.parametrize(
    ("filename", "python", "glibc", "fits"),
    [
        ("x-1-cp311-cp311-manylinux_2_28_x86_64.whl", "3.11", "2.31", True),
        ("x-1-cp311-cp311-manylinux_2_28_x86_64.whl", "3.11", "2.27", False),
        ("x-1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", "3.11", "2.27", True),
        ("x-1-cp311-cp311-manylinux2014_x86_64.whl", "3.11.2", "2.17", True),
        ("x-1-cp311-cp311-manylinux1_x86_64.whl", "3.11", "2.35", True),
        ("x-1-cp311-cp311-linux_x86_64.whl", "3.11", "2.28", True),
        ("x-1-cp311-cp311-musllinux_1_2_x86_64.whl", "3.11", "2.35", False),
        ("x-1-cp311-cp311-manylinux_2_28_aarch64.whl", "3.11", "2.35", False),
        ("x-1-cp312-cp312-manylinux_2_28_x86_64.whl", "3.11", "2.35", False),
        ("x-1-cp313-cp313t-manylinux_2_28_x86_64.whl", "3.13", "2.35", False),
        ("x-1-cp310-abi3-manylinux_2_17_x86_64.whl", "3.13", "2.17", True),
        ("x-1-cp37-cp37m-manylinux1_x86_64.whl", "3.7", "2.31", True),
        ("x-1-py2.py3-none-any.whl", "3.7", "2.17", True),
        ("x-1-py2-none-any.whl", "3.7", "2.17", False),
        ("x-1-cp311-cp311-win_amd64.whl", "3.11", "2.35", False),
        ("x.whl", "3.11", "2.35", False),
    ],
)
def test_fit(filename: str, python: str, glibc: str, fits: bool) -> None:
    assert (rank(filename, supported_tags(Target(python=python, glibc=glibc))) is not None) is fits


def test_the_most_specific_wheel_wins() -> None:
    tags = supported_tags(Target(python="3.11", glibc="2.31"))
    names = [
        "x-1-py3-none-any.whl",
        "x-1-cp311-cp311-manylinux_2_17_x86_64.whl",
        "x-1-2-cp311-cp311-manylinux_2_28_x86_64.whl",
        "x-1-cp311-cp311-manylinux_2_28_x86_64.whl",
        "x-1-cp311-cp311-manylinux_2_34_x86_64.whl",
    ]
    wheels = [a_wheel(filename=name) for name in names]
    for order in (wheels, wheels[::-1]):
        chosen = best(order, tags)
        assert chosen is not None and chosen.filename == "x-1-2-cp311-cp311-manylinux_2_28_x86_64.whl"
    assert best(wheels[-1:], tags) is None


def test_a_pylock_is_read_and_checked() -> None:
    (entry,) = read_pylock(pylock(a_wheel()), "index")
    assert (entry.name, entry.version, entry.wheels[0].sha256) == ("affine", "2.4.0", "c" * 64)
    assert entry.wheels[0].channel == "index"
    with pytest.raises(ItemHostile):
        read_pylock(pylock(a_wheel(url="https://u:p@index.example/affine-2.4.0-py3-none-any.whl")), "index")
    with pytest.raises(Unpinned):
        read_pylock(pylock(a_wheel(sha256="")), "index")


@pytest.mark.parametrize("text", ["not toml [", "[[packages]]\nversion = '1'\n", "packages = 3", "packages = ['x']"])
def test_another_answer_is_not_taken(text: str) -> None:
    with pytest.raises(InfraError, match="pylock"):
        read_pylock(text, "index")
