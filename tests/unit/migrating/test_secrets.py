"""Names and passwords in front of a host do not travel into the new item, nor into a note."""

from __future__ import annotations

import copy

import pytest

from dlm_build.migrating.secrets import without_userinfo
from tests.unit.items.samples_of_items import GOOD
from tests.unit.items.samples_of_mlm import MLM

from .items import of


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://user:pw@example.org/m.onnx", "https://example.org/m.onnx"),
        ("https://token@example.org/m.onnx", "https://example.org/m.onnx"),
        ("HTTPS://u:p@ss@example.org", "HTTPS://example.org"),
        ("s3://KEY:secret@bucket/m.onnx", "s3://bucket/m.onnx"),
        ("git clone https://me:pw@github.com/me/x && ls", "git clone https://github.com/me/x && ls"),
        ("ssh://git@example.org/me/x", "ssh://git@example.org/me/x"),
        ("ssh://git:pw@example.org/me/x", "ssh://git@example.org/me/x"),
        ("https://example.org/a@b", "https://example.org/a@b"),
        ("https://example.org/?mail=me@example.org", "https://example.org/?mail=me@example.org"),
        ("me@example.org", "me@example.org"),
        ("see https://example.org and me@example.org", "see https://example.org and me@example.org"),
        ("oci://ghcr.io/me/x@sha256:" + "ab" * 32, "oci://ghcr.io/me/x@sha256:" + "ab" * 32),
    ],
)
def test_bare_addresses(text: str, wanted: str) -> None:
    assert without_userinfo(text) == wanted


def test_it_takes_no_long() -> None:
    without_userinfo("https://" * 20_000 + "@")
    without_userinfo("x://" + "a:" * 50_000)
    without_userinfo("https://" + "a" * 100_000 + "@")


def test_a_password_is_dropped_and_said() -> None:
    item = copy.deepcopy(MLM)
    item["assets"]["model"]["href"] = "https://user:hunter2@example.org/shore.pt"
    item["links"] = [{"rel": "about", "href": "https://user:hunter2@example.org/"}]
    migrated = of(item)
    assert migrated.document["assets"]["model"]["href"] == "https://example.org/shore.pt"
    assert {"/assets/model/href", "/links/0/href"} <= {note.pointer for note in migrated.dropped}
    assert "hunter2" not in repr(migrated)


def test_nor_is_it_kept_under_dlm() -> None:
    item = copy.deepcopy(GOOD)
    item["properties"]["dlm:runtime"]["model_src_url"] = "https://user:hunter2@example.org/me/coast"
    item["properties"]["dlm:data"]["catalogue"] = ["https://user:hunter2@example.org/"]
    migrated = of(item)
    assert "hunter2" not in repr(migrated)
    assert {"/properties/dlm:runtime/model_src_url", "/properties/dlm:data/catalogue/0"} <= {
        note.pointer for note in migrated.dropped
    }
