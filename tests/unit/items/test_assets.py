"""Assets: their shapes, where their hrefs lead, what their checksums say."""

from __future__ import annotations

import pytest

from dlm_build.errors import ItemInvalid

from .samples_of_items import ASSET, GOOD, SHA, codes, found, read, read_spoiled, spoiled

MODEL = GOOD["assets"]["model"]


def test_a_list_of_one_key_objects() -> None:
    item = read(spoiled("assets", [{"asset": MODEL}, {"asset": {"href": "https://example.org/b"}}]))
    assert [(a.key, a.pointer) for a in item.assets] == [("asset", "/assets/0/asset"), ("asset-2", "/assets/1/asset")]
    assert codes(item) == {"assets-not-an-object", "asset-key-repeated"}


def test_a_list_of_assets() -> None:
    item = read(spoiled("assets", [MODEL]))
    assert [(a.key, a.pointer) for a in item.assets] == [("asset-0", "/assets/0")]
    assert codes(item) == {"assets-not-an-object"}


@pytest.mark.parametrize("assets", [{}, [], None, ..., {"a": {}}, {"a": {"href": ""}}, {"a": {"href": 5}}])
def test_no_assets(assets: object) -> None:
    item = read_spoiled("assets", assets)
    assert item.assets == ()
    assert found(item, "no-assets").severity == "error"


@pytest.mark.parametrize("assets", [{"model": "https://example.org/m.mar"}, [["x"]], {"model": ["x"]}, [5]])
def test_an_asset_that_is_no_object(assets: object) -> None:
    with pytest.raises(ItemInvalid, match="must be an object, but is") as caught:
        read_spoiled("assets", assets)
    assert '"href"' in caught.value.hint


def test_a_bare_href_gets_a_fix_to_paste() -> None:
    with pytest.raises(ItemInvalid) as caught:
        read_spoiled("assets/model", "https://example.org/m.mar")
    assert caught.value.hint == 'write {"href": "https://example.org/m.mar"}'


@pytest.mark.parametrize(
    ("roles", "read"),
    [
        (["Model_Artefact", "data"], ("model artefact", "data")),
        ("mlm:model", ("mlm:model",)),
        ([], ()),
        (5, ()),
        ([None, 3], ("3",)),
    ],
)
def test_roles(roles: object, read: tuple[str, ...]) -> None:
    assert read_spoiled(f"{ASSET}roles", roles).assets[0].roles == read


def test_role_and_roles_that_disagree() -> None:
    item = read_spoiled(f"{ASSET}role", ["metadata"])
    assert item.assets[0].roles == ("model artefact",)
    assert found(item, "contradiction-spellings").pointer == "/assets/model/role"


@pytest.mark.parametrize(
    ("origin", "href", "resolved"),
    [
        ("item.json", "m.mar", "m.mar"),
        ("a/item.json", "./m.mar", "a/m.mar"),
        ("/a/b/item.json", "../m.mar", "/a/m.mar"),
        ("-", "./m.mar", "./m.mar"),
        ("https://example.org/x/item.json?v=1", "m.mar", "https://example.org/x/m.mar"),
        ("https://example.org/x/item.json", "../m.mar", "https://example.org/m.mar"),
        ("https://example.org/x/item.json", "/m.mar", "https://example.org/m.mar"),
        ("https://example.org/x/item.json", "//other.org/m.mar", "https://other.org/m.mar"),
        ("a/item.json", "https://example.org/m.mar", "https://example.org/m.mar"),
        ("a/item.json", "~/m.mar", "~/m.mar"),
        ("https://example.org/x/item.json", "~me/m.mar", "~me/m.mar"),
        ("a/item.json", "${MODELS}/m.mar", "${MODELS}/m.mar"),
        ("a/item.json", "~backup.mar", "a/~backup.mar"),
        ("a/item.json", "www.example.org/m.mar", "https://www.example.org/m.mar"),
        ("a/item.json", "oci://example.org/m", "oci://example.org/m"),
        ("a/item.json", "file:///etc/passwd", "file:///etc/passwd"),
    ],
)
def test_hrefs_are_read_as_seen_from_the_item(origin: str, href: str, resolved: str) -> None:
    assert read(spoiled(f"{ASSET}href", href), origin).assets[0].href == resolved


@pytest.mark.parametrize(
    ("href", "read", "code"),
    [
        ("  https://example.org/m.mar\n", "https://example.org/m.mar", "surrounding-spaces"),
        (".\\sub\\m.mar", "sub/m.mar", "backslash-in-path"),
        ("https://example.org/my model.mar", "https://example.org/my%20model.mar", "space-in-href"),
        ("/home/me/m.mar", "/home/me/m.mar", "href-is-a-local-path"),
        ("C:/me/m.mar", "C:/me/m.mar", "href-is-a-local-path"),
        ("~/m.mar", "~/m.mar", "href-is-a-local-path"),
    ],
)
def test_odd_hrefs(href: str, read: str, code: str) -> None:
    item = read_spoiled(f"{ASSET}href", href)
    assert item.assets[0].href == read
    assert found(item, code).pointer == "/assets/model/href"


@pytest.mark.parametrize(
    "href",
    [
        "https://a.org/x, https://b.org/y",
        "https://a.org/x\nhttps://b.org/y",
        "https://a.org/x\r\nAsk the author for the rest.",
        "Open data.\r\nHeights of the town.",
        "x" * 5000,
    ],
)
def test_hrefs_that_are_not_one_address_are_left_out(href: str) -> None:
    item = read_spoiled(f"{ASSET}href", href)
    assert item.assets == ()
    assert "href-unreadable" in codes(item)


def test_a_web_archive_address_is_one_address() -> None:
    href = "https://web.archive.org/web/2020/https://example.org/m.mar"
    assert read_spoiled(f"{ASSET}href", href).assets[0].href == href


@pytest.mark.parametrize(
    ("written", "sha256", "code"),
    [
        (f"1220{SHA}", SHA, None),
        (f"1220{SHA.upper()}", SHA, None),
        (SHA, SHA, "checksum-not-multihash"),
        (f"sha256:{SHA}", SHA, "checksum-not-multihash"),
        (f"1114{'a' * 40}", None, "checksum-unknown"),
        (f"1220{SHA[:-2]}", None, "checksum-unknown"),
        ("d41d8cd98f00b204e9800998ecf8427e", None, "checksum-unknown"),
        (5, None, "checksum-unknown"),
    ],
)
def test_checksums(written: object, sha256: str | None, code: str | None) -> None:
    item = read_spoiled(f"{ASSET}file:checksum", written)
    assert item.assets[0].sha256 == sha256
    assert codes(item) == ({code} if code else set())


def test_the_older_name_of_the_checksum() -> None:
    item = spoiled(f"{ASSET}file:checksum")
    item["assets"]["model"]["checksum:multihash"] = f"1220{SHA}"
    assert read(item).assets[0].sha256 == SHA
    assert codes(read(item)) == {"other-spelling"}


@pytest.mark.parametrize("size", [-1, 1.5, "5", 2**51])
def test_sizes_that_cannot_be(size: object) -> None:
    item = read_spoiled(f"{ASSET}file:size", size)
    assert item.assets[0].size is None
    assert codes(item) == {"size-unreadable"}


def test_a_thousand_twins_take_no_time_and_few_findings() -> None:
    item = read(spoiled("assets", [{"a": {"href": "x"}}] * 1900))
    assert len({asset.key for asset in item.assets}) == 1900
    assert len(item.findings) < 60
    assert any(finding.message == "and 1849 more like this" for finding in item.findings)
