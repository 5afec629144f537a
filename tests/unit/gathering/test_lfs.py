"""A Git LFS pointer behind the model's address: followed to the object that it names by digest, or said to be one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dlm_build.errors import HashMismatch, SourceGone
from dlm_build.fetching.pages import stood_in
from dlm_build.gathering import Outside, gather
from dlm_build.magic import stand_in
from dlm_build.progress import silent
from dlm_build.records import Materials
from dlm_build.store import Store, Stored
from tests.unit.gathering.made import FakeFetcher, NoPrograms, asset, item

DATA = b"\x80\x02 weights"
SHA = hashlib.sha256(DATA).hexdigest()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA}\nsize {len(DATA)}\n".encode()
RAW = "https://raw.githubusercontent.com/o/r/v1/net.pth"
MEDIA = "https://media.githubusercontent.com/media/o/r/v1/net.pth"


class Seeing(FakeFetcher):
    """Tells what stands in for a file, as the door to the network does."""

    def download(self, url: str, store: Store, **more: Any) -> Stored:
        if found := stand_in(self.pages.get(url, DATA)):
            raise stood_in(found, url)
        return super().download(url, store, **more)


def gathered(tmp_path: Path, url: str, pages: Mapping[str, bytes], **promised: Any) -> Materials:
    given = item(asset(url, **promised), origin="https://items.example/i.json")
    return gather(given, Outside(Seeing(pages), NoPrograms(), Store(tmp_path / "store"), silent))


@pytest.mark.parametrize("promised", [{}, {"sha256": SHA}])
def test_the_object_is_fetched_and_told(tmp_path: Path, promised: dict[str, Any]) -> None:
    materials = gathered(tmp_path, RAW, {RAW: POINTER, MEDIA: DATA}, **promised)
    assert materials.archive.sha256 == SHA
    assert [member.path for member in materials.archive.members] == ["net.pth"]
    (told,) = materials.findings
    assert (told.code, told.pointer, told.hint) == ("lfs-pointer-followed", "/assets/model/href", f'write "{MEDIA}"')


def test_another_object_than_the_pointer_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HashMismatch):
        gathered(tmp_path, RAW, {RAW: POINTER, MEDIA: b"\x80 other"})


def test_a_promise_of_something_else_is_not_followed(tmp_path: Path) -> None:
    with pytest.raises(HashMismatch, match=f"pointer to sha256 {SHA}") as caught:
        gathered(tmp_path, RAW, {RAW: POINTER, MEDIA: DATA}, sha256=hashlib.sha256(POINTER).hexdigest())
    assert "never of the pointer" in caught.value.hint


def test_a_host_without_an_address_of_the_object(tmp_path: Path) -> None:
    url = "https://files.example/net.pth"
    with pytest.raises(SourceGone, match="Git LFS pointer"):
        gathered(tmp_path, url, {url: POINTER})


def test_other_pages_are_not_followed(tmp_path: Path) -> None:
    with pytest.raises(SourceGone, match="web page"):
        gathered(tmp_path, RAW, {RAW: b"<!DOCTYPE html><html>"})
