"""No field of a locked package may carry more than its own meaning."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlm_build.errors import DlmBuildError, ItemHostile, ItemInvalid, Unpinned
from dlm_build.locking.grammar import checked
from tests.unit.locking.worlds import a_package, a_wheel

URL = "https://channel.example/x/linux-64/numpy-2.1.3-py311h0_0.conda"


def test_honest_packages_pass() -> None:
    for package in (
        a_package(),
        a_package(url="file:///srv/c/linux-64/numpy-2.1.3-py311h0_0.conda"),
        a_package(name="_x", filename="_x-1!2.0-h_0.tar.bz2", version="1!2.0", build="h_0",
                  url="http://[::1]:5000/noarch/_x-1%212.0-h_0.tar.bz2", subdir="noarch"),
        a_wheel(),
        a_wheel(name="torch", version="2.13.0+cpu", filename="torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl",
                url="https://index.example/torch-2.13.0%2Bcpu-cp311-cp311-linux_x86_64.whl"),
    ):  # fmt: skip
        assert checked(package, "here") is package


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../numpy"}, {"name": "num py"}, {"name": "Numpy"}, {"name": "-numpy"}, {"version": "1;2"},
        {"build": "../../x"}, {"build": "a b"}, {"build": "other_0"}, {"filename": "/etc/numpy.conda"},
        {"filename": "numpy-2.1.3-py311h0_0.whl"}, {"sha256": "A" * 64}, {"sha256": "a" * 63}, {"md5": "x"},
        {"url": URL.replace("numpy", "scipy")}, {"url": URL + "#x"}, {"url": URL.replace("https", "ftp")},
        {"url": URL.replace("//", "//user:pw@", 1)}, {"url": URL.replace("/x/", "/../x/")}, {"url": URL + "\n"},
        {"url": URL.replace("/x/", "/$HOME/")}, {"depends": ("python\n- evil",)}, {"depends": ("$(id)",)},
    ],
)  # fmt: skip
def test_what_no_honest_channel_holds(changes: dict[str, Any]) -> None:
    with pytest.raises(ItemHostile) as caught:
        checked(a_package(**changes), "here")
    assert caught.value.message.startswith("here: package ")
    assert "\n" not in caught.value.message


def test_md5_alone_is_no_pin() -> None:
    with pytest.raises(Unpinned, match="numpy has no sha256"):
        checked(a_package(sha256=""), "here")


def test_other_platforms_and_sdists_are_refused() -> None:
    other = URL.replace("linux-64", "osx-64")
    with pytest.raises(ItemInvalid, match="osx-64"):
        checked(a_package(subdir="osx-64", url=other), "here")
    with pytest.raises(DlmBuildError, match=r"affine-2\.4\.0\.tar\.gz"):
        checked(a_wheel(filename="affine-2.4.0.tar.gz", url="https://index.example/affine-2.4.0.tar.gz"), "here")


@given(st.text(min_size=1), st.sampled_from(["name", "version", "build", "filename", "url", "sha256"]))
def test_accepted_text_is_always_plain(text: str, field: str) -> None:
    try:
        checked(a_package(**{field: text}), "here")
    except DlmBuildError:
        return
    assert text.isascii() and text.isprintable() and not set(text) & set(" \"'`$;&|<>(){}\\#")
