"""What URLs and addresses a stranger may name. Pure: nothing is resolved or asked."""

from __future__ import annotations

import socket

import pytest

from dlm_build.errors import DlmBuildError, InfraError, ItemHostile, ItemInvalid, UsageError
from dlm_build.fetching.addresses import is_oddly_numeric, is_public, public_addresses
from dlm_build.fetching.pages import direct_url, object_url, stood_in
from dlm_build.fetching.urls import (
    checked_url,
    has_userinfo,
    is_beside,
    public_place,
    public_url,
    redirected,
    shown_url,
)
from dlm_build.magic import StandIn

GOOD = "https://files.example/m.mar"


def test_a_plain_https_url_passes_and_is_pinned() -> None:
    address = checked_url("HTTPS://Files.Example/a%20b?x=1#frag", trusted=False)
    assert address.url == "https://files.example/a%20b?x=1"
    assert (address.host, address.port, address.pinned) == ("files.example", 443, True)


def test_an_international_host_is_asked_and_shown_in_punycode() -> None:
    address = checked_url("https://müller.example/x", trusted=False)
    assert address.url == "https://xn--mller-kva.example/x"


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "FILE:///etc/passwd", "data:text/plain,x", "jar:https://x!/y", "gopher://x/", "javascript:1",
     "ext::sh -c id", "http://10.0.0.1/", "http://localhost/", "http://metadata/", "http://vault.internal/",
     "http://user:pw@files.example/", "http://2130706433/", "https://github.com@evil.example/", "https://user:pw@host.example/",
     "https://host.example\\@evil.example/", "https://host.example/\r\nHost: evil", "https://host.example/\0",
     "https:// host.example/", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
     "https://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "https://100.64.0.1/", "https://2130706433/",
     "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/", "https://0/", "https://[64:ff9b::7f00:1]/",
     "https://[2002:7f00:1::]/", "https://224.0.0.1/", "https://1.2.3.4.0x5/", "https://host.example/\ud800",
     "https://host.example/?q=\udfff"],
)  # fmt: skip
def test_attacks_are_hostile(url: str) -> None:
    with pytest.raises(ItemHostile):
        checked_url(url, trusted=False)


@pytest.mark.parametrize("url", ["http://files.example/m.zip", "http://1.1.1.1/m.zip", "HTTP://files.example:8080/"])
def test_plain_http_to_a_public_host_is_an_honest_mistake(url: str) -> None:
    with pytest.raises(ItemInvalid, match="is not https") as caught:
        checked_url(url, trusted=False)
    assert "publish it over https" in caught.value.hint and "network.allow_hosts" in caught.value.hint


def test_who_reads_an_item_from_a_plain_server_trusts_that_server() -> None:
    assert is_beside("http://site.example/item.json", "http://site.example/m.zip")
    assert not is_beside("http://site.example/item.json", "http://other.example/m.zip")
    assert not is_beside("https://site.example/item.json", "https://site.example/m.zip")
    assert not is_beside("/srv/item.json", "http://site.example/m.zip")


@pytest.mark.parametrize(
    "url", ["", "model.mar", "https://", "https:///x", "ftp://host/x", "s3://bucket/x", "https://exa%6dple.com/",
            "https://-x.example/", "https://a..b/", "https://host:99999/", "https://[::zz]/", "https://" + "a" * 300]
)  # fmt: skip
def test_honest_mistakes_are_invalid(url: str) -> None:
    with pytest.raises(ItemInvalid):
        checked_url(url, trusted=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:5000/v2/", "http://mirror.local/x", "https://u:p@host/x"])
def test_the_operator_may_name_what_a_stranger_may_not(url: str) -> None:
    assert not checked_url(url, trusted=True).pinned


@pytest.mark.parametrize("url", ["gopher://x/", "/some/path", "http://a b/", "file://other-host/x"])
def test_the_operator_s_mistakes_are_usage_errors(url: str) -> None:
    with pytest.raises(UsageError):
        checked_url(url, trusted=True)


def test_a_trusted_file_url_is_a_path() -> None:
    address = checked_url("file:///srv/my%20channel/x.conda", trusted=True)
    assert (address.scheme, address.path) == ("file", "/srv/my channel/x.conda")


def test_an_allowed_host_may_be_private_and_plain() -> None:
    for allowed in (("10.0.0.7",), ("10.0.0.7:8080",)):
        assert not checked_url("http://10.0.0.7:8080/x", trusted=False, allow_hosts=allowed).pinned
    with pytest.raises(ItemHostile):
        checked_url("http://10.0.0.7:8080/x", trusted=False, allow_hosts=("10.0.0.7:9090",))


def test_a_message_has_neither_password_nor_token() -> None:
    text = shown_url("https://user:hunter2@host.example/x?token=abc\x1b[2J")
    assert "hunter2" not in text and "abc" not in text and "\x1b" not in text and "host.example" in text


@pytest.mark.parametrize(
    ("url", "public", "userinfo"),
    [
        ("https://h.example/a/item.json", "https://h.example/a/item.json", False),
        ("https://h.example/" + "a" * 900 + "/é b?", "https://h.example/" + "a" * 900 + "/é b?", False),
        ("https://h.example/@me/item.json?f=json&sig=1#x", "https://h.example/@me/item.json?…", False),
        ("https://u:hunter2@h.example:8/item.json", "https://h.example:8/item.json", True),
        ("https://u@h.example/", "https://h.example/", True),
        ("https://u:hun@ter2@h.example/", "https://h.example/", True),
        ("https://u:hun/ter2@h.example/x?sig=1", "https://h.example/x", True),
        ("https://u:hun?ter2@h.example/x#y", "https://h.example/x", True),
        ("https://u:hunter2@[h.example/x", "https://[h.example/x", True),
        ("https://[h.example/x", "https://[h.example/x", False),
    ],
)
def test_what_is_public_of_a_url(url: str, public: str, userinfo: bool) -> None:
    assert (public_url(url), has_userinfo(url)) == (public, userinfo)
    assert public_url(public) == public


def test_a_path_is_no_url() -> None:
    assert public_place("/a/b?c@d#e") == "/a/b?c@d#e" and public_place("-") == "-"
    assert public_place("HTTPS://u:p@h/x?y") == "https://h/x?…"


@pytest.mark.parametrize(
    "rest", ["hun ter2@h.example/", "hun/ter2@h.example/", "hunter2@[h.example/", "h.example/ ?t=ter2"]
)
@pytest.mark.parametrize("trusted", [True, False])
def test_a_url_that_cannot_be_read_tells_no_password(rest: str, trusted: bool) -> None:
    with pytest.raises(DlmBuildError) as caught:
        checked_url(f"https://u:{rest}" if "@" in rest else f"https://{rest}", trusted=trusted)
    assert "hun" not in caught.value.message and "ter2" not in caught.value.message


@pytest.mark.parametrize(
    ("address", "public"),
    [("93.184.216.34", True), ("2606:2800:220:1::1", True), ("127.0.0.1", False), ("10.1.2.3", False),
     ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("255.255.255.255", False),
     ("224.0.0.1", False), ("240.0.0.1", False), ("::", False), ("::1", False), ("fe80::1%eth0", False),
     ("fc00::1", False), ("ff02::1", False), ("::ffff:10.0.0.1", False), ("::ffff:93.184.216.34", True),
     ("64:ff9b::a9fe:a9fe", False), ("2002:0a00:0001::", False), ("2001:db8::1", False), ("nonsense", False)],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("host", "odd"),
    [("example.com", False), ("1.2.3.4", False), ("::1", False), ("3com.example", False), ("1.2.3", True),
     ("0x1", True), ("1.2.3.0x4", True), ("2130706433", True), ("0177.0.0.1", True), ("1.2.3.4.", True)],
)  # fmt: skip
def test_odd_spellings_of_numbers(host: str, odd: bool) -> None:
    assert is_oddly_numeric(host) is odd


def test_one_private_address_among_public_ones_is_refused() -> None:
    with pytest.raises(ItemHostile, match=r"10\.0\.0\.1") as caught:
        public_addresses("rebind.example", 443, lambda host, port: ("93.184.216.34", "10.0.0.1"))
    assert "allow_hosts" in caught.value.hint
    assert caught.value.hint.startswith("give a public address")  # the one that lifts the item itself


def test_a_name_that_does_not_resolve_is_infra() -> None:
    def none(host: str, port: int) -> tuple[str, ...]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(InfraError, match=r"nowhere\.example.*not known"):
        public_addresses("nowhere.example", 443, none)


# --- redirects


def hop(old: str, new: str, *, trusted: bool = False, allow: tuple[str, ...] = ()) -> tuple[str, bool]:
    start = checked_url(old, trusted=trusted, allow_hosts=allow)
    address, still = redirected(start, new, trusted=trusted, allow_hosts=allow)
    return address.url, still


def test_redirects_within_the_rules() -> None:
    assert hop(GOOD, "/other") == ("https://files.example/other", False)
    assert hop(GOOD, "https://cdn.example/x") == ("https://cdn.example/x", False)
    assert hop("http://mirror.local/x", "/y", trusted=True) == ("http://mirror.local/y", True)
    assert hop("http://mirror.local/x", "https://mirror.local/x", trusted=True) == ("https://mirror.local/x", True)
    assert hop("http://10.0.0.7/x", "http://10.0.0.7/y", allow=("10.0.0.7",)) == ("http://10.0.0.7/y", False)


@pytest.mark.parametrize(
    "target",
    ["http://files.example/x", "https://127.0.0.1/x", "file:///etc/passwd", "https://169.254.169.254/", "//10.0.0.1/x",
     "https://u:p@evil.example/", "gopher://x/"],
)  # fmt: skip
def test_redirects_out_of_the_rules(target: str) -> None:
    with pytest.raises(ItemHostile, match="redirects"):
        hop(GOOD, target)


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "http://127.0.0.1:2375/containers/json", "http://other.local/"]
)
def test_a_trusted_server_cannot_pass_its_trust_on(target: str) -> None:
    with pytest.raises(ItemHostile, match="redirects"):
        hop("http://127.0.0.1:5000/v2/", target, trusted=True)


# --- web pages


@pytest.mark.parametrize(
    ("page", "file"),
    [("https://drive.google.com/file/d/1PYyZVgH95454sb9/view?usp=sharing",
      "https://drive.usercontent.google.com/download?id=1PYyZVgH95454sb9&export=download&confirm=t"),
     ("https://drive.google.com/open?id=abc-1", "https://drive.usercontent.google.com/download?id=abc-1&export=download&confirm=t"),
     ("https://github.com/o/r/blob/main/a/m.mar", "https://github.com/o/r/raw/main/a/m.mar"),
     ("https://huggingface.co/o/r/blob/main/m.onnx", "https://huggingface.co/o/r/resolve/main/m.onnx"),
     ("https://git.example/g/r/-/blob/v1/m.mar?ref=x", "https://git.example/g/r/-/raw/v1/m.mar"),
     ("https://www.dropbox.com/s/x/m.mar?dl=0", "https://www.dropbox.com/s/x/m.mar?dl=1"),
     ("https://bitbucket.org/o/r/src/main/m.mar", "https://bitbucket.org/o/r/raw/main/m.mar"),
     ("https://files.example/m.mar", None)],
)  # fmt: skip
def test_the_file_behind_a_page(page: str, file: str | None) -> None:
    assert direct_url(page) == file
    assert (file or "download button") in stood_in(StandIn(what="page"), page).hint


@pytest.mark.parametrize(
    ("pointer", "file"),
    [("https://raw.githubusercontent.com/o/r/main/a/w.pth", "https://media.githubusercontent.com/media/o/r/main/a/w.pth"),
     ("https://huggingface.co/o/r/raw/main/w.pth", "https://huggingface.co/o/r/resolve/main/w.pth"),
     ("https://git.example/o/r/raw/branch/main/w.pth", "https://git.example/o/r/media/branch/main/w.pth"),
     ("https://files.example/w.pth", None)],
)  # fmt: skip
def test_the_object_behind_a_pointer(pointer: str, file: str | None) -> None:
    assert object_url(pointer) == file
    assert (file or "/resolve/") in stood_in(StandIn(what="lfs-pointer"), pointer).hint


def test_a_page_at_the_end_of_a_redirect_names_both_addresses() -> None:
    problem = stood_in(StandIn(what="login", said="Sign in"), "https://login.example/x?t=1", "https://h.example/m.pth")
    assert problem.message.startswith("https://h.example/m.pth leads to https://login.example/x?…, which is a web page")
    assert problem.message.endswith('asks to sign in, not the file: "Sign in"')
