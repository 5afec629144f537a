"""Where an item's files really are: inferred addresses, what follows a branch, what names no file at all."""

from __future__ import annotations

from typing import Any

import pytest

from dlm_build.items import read_item
from dlm_build.records import Asset, Item, from_json, to_json

from .samples_of_items import ASSET, GOOD, RUNTIME, SHA, codes, found, read, read_spoiled, spoiled

COMMIT = "61efd2e2c4df7ebe3bd03002ebbaeaa3cfe9885a"
PAGE = f"https://github.com/o/r/blob/{COMMIT}/net.mar"
RAW = f"https://github.com/o/r/raw/{COMMIT}/net.mar"
DRIVE = "https://drive.google.com/file/d/1PYyZVgH95454sb9/view?usp=sharing"


def of(*assets: dict[str, Any], origin: str = "item.json") -> Item:
    return read(spoiled("assets", {f"a{n}": asset for n, asset in enumerate(assets)}), origin)


def test_the_raw_address_is_fetched_and_the_published_one_is_kept() -> None:
    item = read_spoiled(f"{ASSET}href", PAGE)
    assert (item.assets[0].href, item.assets[0].published) == (RAW, PAGE)
    told = found(item, "raw-url-inferred")
    assert (told.severity, told.pointer, told.evidence) == ("info", "/assets/model/href", PAGE)
    assert told.hint == f'write "{RAW}"' and RAW in told.message and "GitHub's page about a file" in told.message
    assert codes(item) == {"raw-url-inferred"}


def test_a_record_of_before_is_still_read() -> None:
    old = Asset(key="m", href="m.mar", pointer="/assets/m")
    assert from_json(Asset, to_json(old).replace(b'"published":null,', b"")) == old


def test_an_address_of_the_file_itself_is_left_alone() -> None:
    item = read(GOOD)
    assert (item.assets[0].published, codes(item)) == (None, set())


@pytest.mark.parametrize(
    ("href", "url", "what"),
    [("[net](https://example.org/net.mar)", "https://example.org/net.mar", "a link in Markdown"),
     ("www.example.org/net.mar", "https://www.example.org/net.mar", "without https://")],
)  # fmt: skip
def test_an_address_in_other_words_is_inferred(href: str, url: str, what: str) -> None:
    item = read_spoiled(f"{ASSET}href", href)
    assert (item.assets[0].href, item.assets[0].published) == (url, href)
    told = found(item, "raw-url-inferred")
    assert what in told.message and told.hint == f'write "{url}"'


def test_a_share_page_is_told_as_uncertain() -> None:
    item = read_spoiled(f"{ASSET}href", DRIVE)
    told = found(item, "share-url-inferred")
    assert told.severity == "warning" and told.evidence == DRIVE and "release" in told.hint
    assert item.assets[0].href.startswith("https://drive.usercontent.google.com/download?id=1PYyZVgH95454sb9&")


@pytest.mark.parametrize(
    ("href", "what"),
    [("https://huggingface.co/o/r", "a model card"), ("https://zenodo.org/records/12", "record of Zenodo"),
     ("10.5281/zenodo.12", "record of Zenodo"), ("ghcr.io/o/r:1", "a container image"),
     ("oci://ghcr.io/o/r:1", "a container image"), ("torchvision.models.resnet18", "a name in a program"),
     ("available upon request", "a text"), ("https://github.com/o/r/tree/main/x", "a folder"),
     ("https://1drv.ms/u/x", "share page"), ("hdfs://n/x", "an address of hdfs")],
)  # fmt: skip
def test_a_model_without_an_address_blocks_the_build(href: str, what: str) -> None:
    for origin in ("item.json", "https://example.org/x/item.json"):
        item = read(spoiled(f"{ASSET}href", href), origin)
        told = found(item, "model-has-no-address")
        assert (told.severity, told.pointer, told.evidence) == ("error", "/assets/model/href", href)
        assert what in told.message and told.hint
        assert item.assets[0].href == href, "it is no path beside the item"


def test_the_address_that_an_object_store_documents() -> None:
    item = read_spoiled(f"{ASSET}href", "s3://my-bucket/a/net.mar")
    assert item.assets[0].href == "https://my-bucket.s3.amazonaws.com/a/net.mar"
    assert codes(item) == {"raw-url-inferred"}


def test_a_page_is_right_where_people_are_meant() -> None:
    model = {"href": "https://example.org/net.mar", "roles": ["mlm:model"], "file:checksum": f"1220{SHA}"}
    code = {"href": f"https://github.com/o/r/blob/{COMMIT}/net.py#L7", "roles": ["mlm:source_code", "code"]}
    card = {"href": "https://huggingface.co/o/r", "roles": ["documentation"]}
    item = of(model, code, card)
    assert [asset.published for asset in item.assets] == [None] * 3
    assert not codes(item)


def test_words_in_an_asset_that_is_not_the_model_do_not_block_it() -> None:
    model = {"href": "https://example.org/net.mar", "roles": ["mlm:model"], "file:checksum": f"1220{SHA}"}
    item = of(model, {"href": "TBD", "roles": ["data"]})
    assert found(item, "href-names-no-file").severity == "info"


def test_one_good_address_among_several_models_is_enough() -> None:
    page = {"href": "https://huggingface.co/o/r", "roles": ["mlm:model"]}
    assert "model-has-no-address" not in codes(of(page, {"href": "https://example.org/n.pt", "roles": ["mlm:model"]}))
    assert "model-has-no-address" in codes(of(page, {"href": "https://example.org/n.txt", "roles": ["data"]}))


@pytest.mark.parametrize(
    ("href", "ref"),
    [("https://huggingface.co/o/r/resolve/main/n.mar", "main"), ("https://github.com/o/r/blob/main/n.mar", "main"),
     ("https://github.com/o/r/releases/latest/download/n.mar", "the latest release")],
)  # fmt: skip
def test_a_branch_under_the_model_without_a_checksum(href: str, ref: str) -> None:
    item = spoiled(f"{ASSET}href", href)
    assert "href-moves" not in codes(read(item)), "a checksum says what was meant"
    told = found(read(spoiled(f"{ASSET}file:checksum", item=item)), "href-moves")
    assert told.severity == "warning" and ref in told.message


def test_a_signed_address_is_told_without_its_signature() -> None:
    href = "https://b.s3.amazonaws.com/n.mar?X-Amz-Signature=geheim&X-Amz-Expires=60"
    item = read_spoiled(f"{ASSET}href", href)
    assert item.assets[0].href == href
    told = found(item, "href-ends")
    assert "geheim" not in f"{told}"


def test_a_commit_in_the_source_s_address_pins_it() -> None:
    bare = spoiled(f"{RUNTIME}model_commit_hash")
    item = read(spoiled(f"{RUNTIME}model_src_url", f"https://github.com/o/r/tree/{COMMIT}/src", bare))
    assert item.runtime.source_commit == COMMIT
    told = found(item, "commit-from-url")
    assert told.evidence == COMMIT and told.hint == f'write "model_commit_hash": "{COMMIT}"'
    assert codes(item) == {"commit-from-url"}
    branch = read(spoiled(f"{RUNTIME}model_src_url", "https://github.com/o/r/tree/main", bare))
    assert branch.runtime.source_commit is None and "source-not-pinned" in codes(branch)


def test_two_commits_are_a_contradiction() -> None:
    item = read_spoiled(f"{RUNTIME}model_src_url", f"https://github.com/o/r/tree/{COMMIT}")
    assert item.runtime.source_commit == GOOD["properties"]["dlm:runtime"]["model_commit_hash"]
    assert codes(item) == {"contradiction-commit"}


@pytest.mark.parametrize("url", ["https://doi.org/10.5281/x.1", "https://zenodo.org/records/1", "TBD", "a.Network"])
def test_a_source_that_is_no_repository(url: str) -> None:
    told = found(read_spoiled(f"{RUNTIME}model_src_url", url), "source-has-no-repository")
    assert told.evidence == url and "github.com" in told.hint


def test_an_environment_file_behind_a_page() -> None:
    page = "https://github.com/o/r/blob/v1/environment.yml"
    item = read_spoiled(f"{RUNTIME}requirement_file", page)
    assert item.runtime.requirement_file == "https://github.com/o/r/raw/v1/environment.yml"
    assert found(item, "raw-url-inferred").pointer == "/properties/dlm:runtime/requirement_file"


def test_inference_needs_no_network_and_stays_once_done() -> None:
    item = read_spoiled(f"{ASSET}href", PAGE)
    again = read_item('{"type":"Feature","id":"x","properties":{"dlm:runtime":{"framework":"ONNX","version":"1.2.3"}},'
                      f'"assets":{{"model":{{"href":"{item.assets[0].href}"}}}}}}', "item.json")  # fmt: skip
    assert again.assets[0].href == item.assets[0].href and again.assets[0].published is None
