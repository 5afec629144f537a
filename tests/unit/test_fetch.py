"""The door to the network against a loopback server that drops, lies, stalls, redirects and serves the wrong thing."""

from __future__ import annotations

import hashlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dlm_build.config import Network, Settings
from dlm_build.errors import (
    AccessRefused,
    DlmBuildError,
    HashMismatch,
    InfraError,
    ItemHostile,
    ResourceExceeded,
    SourceGone,
    UsageError,
)
from dlm_build.fetch import Fetcher, HttpFetcher, Response
from dlm_build.fetching.patience import Patience, retry_after
from dlm_build.fetching.urls import checked_url
from dlm_build.fetching.wire import proxy_for, tls_context
from dlm_build.progress import Event, silent
from dlm_build.store import Store, Stored
from tests.unit.fetching.server import TLS, Call, Server, running

pytestmark = pytest.mark.loopback

BODY = random.Random(1).randbytes(3 << 20)
TAG = '"v1"'


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture
def tls_server() -> Iterator[Server]:
    with running(tls=True) as started:
        yield started


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


class Hurried:
    """A fetcher that does not sleep and keeps what it would have slept."""

    def __init__(self, settings: Settings | None = None, **patience: float) -> None:
        self.slept: list[float] = []
        self.told: list[str] = []
        given = Patience(connect=2.0, read=2.0)
        for name, value in patience.items():
            given = Patience(**{**{f: getattr(given, f) for f in given.__struct_fields__}, name: value})
        self.fetch: Fetcher = HttpFetcher(
            settings or Settings(),
            patience=given,
            sleep=self.slept.append,
            notify=lambda event: self.told.append(event.text),
        )

    def download(self, url: str, store: Store, expect: str | None = None, size: int | None = None) -> Stored:
        return self.fetch.download(url, store, expect=expect, size=size, notify=silent, trusted=True)


def bytes_in(store: Store, stored: Stored) -> bytes:
    return store.path(stored.sha256).read_bytes()


def nothing_kept(store: Store) -> bool:
    return not [p for p in (store.root / "objects").rglob("*") if p.is_file()]


# --- small answers


def test_get_gives_status_headers_body_and_place(server: Server) -> None:
    url = server.serve("/x", b"hello", X_Test="1")
    assert Hurried().fetch.get(url, limit=10, trusted=True) == Response(
        status=200, headers={"x-test": "1", "content-length": "5"}, body=b"hello", url=url
    )


def test_get_asks_for_plain_bytes_and_says_who_asks(server: Server) -> None:
    Hurried().fetch.get(server.serve("/x", b""), limit=10, headers={"Accept": "application/json"}, trusted=True)
    sent = server.calls[0][2]
    assert sent["accept-encoding"] == "identity" and sent["accept"] == "application/json"
    assert sent["user-agent"].startswith("dlm-build/")


def test_head_has_no_body(server: Server) -> None:
    answer = Hurried().fetch.head(server.serve("/x", b"hello"), trusted=True)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "5")


def test_a_missing_page_is_the_caller_s_to_judge(server: Server) -> None:
    answer = Hurried().fetch.get(server.url("/nowhere"), limit=10, trusted=True)
    assert answer.status == 404
    with pytest.raises(SourceGone, match=r"/nowhere.*not there \(404\)"):
        answer.found()
    assert Response(status=200, url="x").found().status == 200


def test_a_longer_answer_than_allowed_is_cut_off(server: Server) -> None:
    with pytest.raises(ResourceExceeded, match="longer than 10 bytes"):
        Hurried().fetch.get(server.serve("/x", b"x" * 11), limit=10, trusted=True)


def test_an_endless_answer_is_cut_off(server: Server) -> None:
    server.on("/endless")(lambda call: call.endless(10_000))

    with pytest.raises(ResourceExceeded):
        Hurried().fetch.get(server.url("/endless"), limit=1 << 20, trusted=True)


def test_a_drip_does_not_hold_us_for_ever(server: Server) -> None:
    server.on("/drip")(lambda call: call.drip(40, 1000))

    with pytest.raises(InfraError, match="no whole answer"):
        Hurried(answer=0.2, attempts=2).fetch.get(server.url("/drip"), limit=2000, trusted=True)


def test_compressed_although_not_asked_is_refused(server: Server) -> None:
    with pytest.raises(InfraError, match="compresses"):
        Hurried().fetch.get(server.serve("/x", b"\x1f\x8b", Content_Encoding="gzip"), limit=99, trusted=True)


# --- trying again


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(server: Server, status: int) -> None:
    server.handlers["/x"] = lambda call: call.answer(status) if call.number < 3 else call.answer(200, b"at last")
    hurried = Hurried()
    assert hurried.fetch.get(server.url("/x"), limit=99, trusted=True).body == b"at last"
    assert len(hurried.slept) == 3


def test_what_does_not_pass_ends_as_infra(server: Server) -> None:
    server.handlers["/x"] = lambda call: call.answer(503)
    hurried = Hurried()
    with pytest.raises(InfraError, match=r"503 \(6 tries\)"):
        hurried.fetch.get(server.url("/x"), limit=99, trusted=True)
    assert server.count("/x") == 6


def test_retry_after_is_honoured_and_bounded(server: Server) -> None:
    server.handlers["/x"] = lambda call: call.answer(429, retry_after="7") if call.number < 1 else call.answer(200)
    hurried = Hurried()
    hurried.fetch.get(server.url("/x"), limit=99, trusted=True)
    assert hurried.slept[0] >= 7
    server.handlers["/y"] = lambda call: call.answer(429, retry_after="86400")
    with pytest.raises(InfraError, match="asks to wait 86400 s"):
        hurried.fetch.get(server.url("/y"), limit=99, trusted=True)
    assert server.count("/y") == 1


def test_a_long_wait_is_told_and_a_short_one_is_not(server: Server) -> None:
    server.handlers["/x"] = lambda call: call.answer(200 if call.number else 429, retry_after="400")
    server.handlers["/y"] = lambda call: call.answer(200 if call.number else 503)
    hurried = Hurried()
    for path in ("/x", "/y"):
        hurried.fetch.get(server.url(path), limit=99, trusted=True)
    assert hurried.told == [f"{server.url('/x')}: the server answers 429; asking again in 400 s"]


def test_retry_after_as_a_date_is_read_against_the_server_s_clock() -> None:
    date, later = "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:30 GMT"
    assert retry_after({"retry-after": later, "date": date}) == 30
    assert retry_after({"retry-after": date, "date": later}) == 0
    assert retry_after({"retry-after": later}) is None
    assert retry_after({"retry-after": "soon", "date": date}) is None
    assert retry_after({"retry-after": "9" * 40}) == float("inf")
    assert retry_after({"retry-after": "Mon, 01 Jan 2021 00:00:00 +99999999999999999999999", "date": date}) is None
    assert retry_after({"retry-after": "²", "date": date}) is None  # a digit, as Latin-1 has it, and no number


def test_pauses_grow_with_jitter_up_to_a_limit() -> None:
    patience = Patience()
    assert all(0 <= patience.pause(n) <= min(60.0, 0.5 * 2**n) for n in range(30) for _ in range(20))
    assert len({patience.pause(3) for _ in range(10)}) > 1


def test_nobody_listens_is_infra_with_what_to_set() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    hurried = Hurried()
    with pytest.raises(InfraError, match=f"127.0.0.1:{port}.*cannot be reached") as caught:
        hurried.fetch.get(f"http://127.0.0.1:{port}/", limit=1, trusted=True)
    assert "HTTPS_PROXY" in caught.value.hint and "mirror" in caught.value.hint
    assert len(hurried.slept) == 2


def test_an_unknown_host_is_infra(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(InfraError, match=r"no-such-host\.invalid"):
        Hurried().fetch.get("http://no-such-host.invalid/", limit=1, trusted=True)


def test_silence_is_infra(server: Server) -> None:
    server.handlers["/x"] = lambda call: time.sleep(1.0)
    with pytest.raises(InfraError, match="connection broke"):
        Hurried(read=0.2, attempts=2).fetch.get(server.url("/x"), limit=1, trusted=True)


# --- downloads


def test_a_download_is_hashed_into_the_store(server: Server, store: Store) -> None:
    stored = Hurried().download(server.serve("/m", BODY), store)
    assert stored == Stored(sha256=sha(BODY), size=len(BODY))
    assert bytes_in(store, stored) == BODY
    assert not list((store.root / "partial").iterdir())


def test_what_is_there_is_not_asked_for(server: Server, store: Store) -> None:
    store.add_bytes(BODY)
    assert Hurried().download(server.url("/nowhere"), store, expect=sha(BODY)).size == len(BODY)
    assert server.calls == []


def test_the_same_url_again_is_asked_but_not_sent(server: Server, store: Store) -> None:
    server.handlers["/m"] = lambda call: (
        call.answer(304) if call.headers.get("if-none-match") == TAG else call.answer(200, BODY, etag=TAG)
    )
    first = Hurried().download(server.url("/m"), store)
    assert Hurried().download(server.url("/m"), store) == first
    assert server.calls[1][2]["if-none-match"] == TAG


def test_a_changed_file_is_fetched_anew(server: Server, store: Store) -> None:
    server.handlers["/m"] = lambda call: (
        call.answer(200, b"old", etag='"1"') if call.number == 0 else call.answer(200, b"new", etag='"2"')
    )
    assert Hurried().download(server.url("/m"), store).sha256 == sha(b"old")
    assert Hurried().download(server.url("/m"), store).sha256 == sha(b"new")


def test_another_digest_than_promised(server: Server, store: Store) -> None:
    with pytest.raises(HashMismatch, match=f"{sha(BODY)}.*promised was {'0' * 64}"):
        Hurried().download(server.serve("/m", BODY), store, expect="0" * 64)
    assert nothing_kept(store) and not list((store.root / "partial").iterdir())


@pytest.mark.parametrize("size", [10, len(BODY) + 1])
def test_another_size_than_promised_is_not_even_read(server: Server, store: Store, size: int) -> None:
    with pytest.raises(HashMismatch, match=f"has {len(BODY)} bytes, promised were {size}"):
        Hurried().download(server.serve("/m", BODY), store, size=size)
    assert nothing_kept(store)


def test_more_bytes_than_promised_where_no_length_is_told(server: Server, store: Store) -> None:
    @server.on("/m")
    def chunked(call: Call) -> None:
        call.raw.send_response_only(200)
        call.raw.send_header("transfer-encoding", "chunked")
        call.raw.end_headers()
        call.raw.wfile.write(b"4\r\nabcd\r\n0\r\n\r\n")

    with pytest.raises(HashMismatch, match="more bytes come than the promised 3"):
        Hurried().download(server.url("/m"), store, size=3)


def dropping(server: Server, at: list[int], *, ranges: bool = True, tag: str = TAG) -> str:
    """Serves BODY and closes after at[n] bytes of the n-th answer."""

    @server.on("/m")
    def drop(call: Call) -> None:
        start = call.range_start() if ranges and call.headers.get("if-range") == tag else None
        body = BODY[start or 0 :]
        call.raw.send_response_only(206 if start is not None else 200)
        if start is not None:
            call.raw.send_header("content-range", f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        call.raw.send_header("content-length", str(len(body)))
        call.raw.send_header("etag", tag)
        call.raw.end_headers()
        call.raw.wfile.write(body[: at[call.number]] if call.number < len(at) else body)
        if call.number < len(at):
            call.drop()

    return server.url("/m")


@pytest.mark.parametrize("at", [[0], [1], [1 << 20], [len(BODY) - 1], [700_000, 0, 900_000, 1]])
def test_a_dropped_connection_is_resumed_at_any_byte(server: Server, store: Store, at: list[int]) -> None:
    stored = Hurried().download(dropping(server, at), store)
    assert bytes_in(store, stored) == BODY
    asked = [call[2].get("range") for call in server.calls]
    assert asked[-1] == (f"bytes={sum(at)}-" if sum(at) else None)


def test_without_ranges_it_starts_over(server: Server, store: Store) -> None:
    assert bytes_in(store, Hurried().download(dropping(server, [900_000, 5], ranges=False), store)) == BODY


def test_a_weak_tag_proves_nothing(server: Server, store: Store) -> None:
    stored = Hurried().download(dropping(server, [900_000], tag='W/"v1"'), store)
    assert bytes_in(store, stored) == BODY
    assert [call[2].get("range") for call in server.calls] == [None, None]


def test_dropping_for_ever_ends_as_infra_and_keeps_the_part(server: Server, store: Store) -> None:
    with pytest.raises(InfraError, match="connection broke"):
        Hurried().download(dropping(server, [1000] + [0] * 50), store)
    assert server.count("/m") == 6
    assert [p.stat().st_size for p in (store.root / "partial").iterdir()] == [1000]


def test_a_file_that_changes_with_every_drop_ends_as_infra(server: Server, store: Store) -> None:
    @server.on("/m")
    def change(call: Call) -> None:
        call.raw.send_response_only(200)
        call.raw.send_header("content-length", str(len(BODY)))
        call.raw.send_header("etag", f'"{call.number}"')
        call.raw.end_headers()
        call.raw.wfile.write(BODY[: 2 << 20])
        call.drop()

    with pytest.raises(InfraError):
        Hurried().download(server.url("/m"), store)
    assert server.count("/m") <= 12


@pytest.mark.parametrize(
    "lie",
    ["bytes 5-{last}/{size}", "bytes 0-{last}/{size}", "bytes {at}-{last}/99", "items {at}-{last}/{size}", ""],
)
def test_a_206_that_lies_is_not_believed(server: Server, store: Store, lie: str) -> None:
    @server.on("/m")
    def answer(call: Call) -> None:
        start = call.range_start()
        if call.number == 0:
            call.raw.send_response_only(200)
            call.raw.send_header("content-length", str(len(BODY)))
            call.raw.send_header("etag", TAG)
            call.raw.end_headers()
            call.raw.wfile.write(BODY[:1000])
            call.drop()
        elif start is not None:
            said = lie.format(at=start, last=len(BODY) - 1, size=len(BODY))
            call.answer(206, BODY[5:], content_range=said, etag=TAG)
        else:
            call.answer(200, BODY, etag=TAG)

    assert bytes_in(store, Hurried().download(server.url("/m"), store)) == BODY


def test_a_206_of_another_file_is_not_believed(server: Server, store: Store) -> None:
    url = dropping(server, [1000])
    first = server.handlers["/m"]

    @server.on("/m")
    def other(call: Call) -> None:
        if (start := call.range_start()) is not None:
            told = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
            call.answer(206, bytes(len(BODY) - start), content_range=told, etag='"v2"')
        else:
            first(call)

    assert bytes_in(store, Hurried().download(url, store)) == BODY


def test_range_not_satisfiable_starts_over(server: Server, store: Store) -> None:
    url = dropping(server, [1000])
    first = server.handlers["/m"]
    server.handlers["/m"] = lambda call: call.answer(416) if call.range_start() is not None else first(call)
    assert bytes_in(store, Hurried().download(url, store)) == BODY


def part_left_behind(server: Server, store: Store, spoil: bool = False) -> str:
    url = dropping(server, [1 << 20])
    with pytest.raises(InfraError):
        Hurried(attempts=1).download(url, store)
    (part,) = (store.root / "partial").iterdir()
    if spoil:
        part.write_bytes(b"x" * part.stat().st_size)
    return url


def test_a_later_process_takes_up_the_part(server: Server, store: Store) -> None:
    url = part_left_behind(server, store)
    assert bytes_in(store, Hurried().download(url, Store(store.root), expect=sha(BODY))) == BODY
    assert server.calls[-1][2]["range"] == f"bytes={1 << 20}-"


def test_a_damaged_part_is_noticed_and_thrown_away(server: Server, store: Store) -> None:
    url = part_left_behind(server, store, spoil=True)
    assert bytes_in(store, Hurried().download(url, store, expect=sha(BODY))) == BODY
    assert server.count("/m") == 3


def test_a_stalled_line_is_given_up(server: Server, store: Store) -> None:
    server.on("/m")(lambda call: call.drip(30, 100_000))

    with pytest.raises(InfraError, match="bytes came in"):
        Hurried(window=0.3, attempts=2).download(server.url("/m"), store)


def test_threads_that_want_the_same_url_ask_once(server: Server, store: Store) -> None:
    url = server.serve("/m", BODY)
    hurried = Hurried()
    with ThreadPoolExecutor(4) as pool:
        got = set(pool.map(lambda _: hurried.download(url, store, expect=sha(BODY)).sha256, range(4)))
    assert got == {sha(BODY)} and server.count("/m") == 1


def test_what_came_before_a_token_expired_is_kept_for_the_next_one(server: Server, store: Store) -> None:
    url = dropping(server, [700_000])
    whole = server.handlers["/m"]
    server.handlers["/m"] = lambda call: (
        whole(call) if call.number == 0 or call.headers["authorization"] == "new" else call.answer(401)
    )
    hurried = Hurried()

    def download(token: str) -> Stored:
        headers = {"authorization": token}
        return hurried.fetch.download(url, store, expect=None, size=None, notify=silent, trusted=True, headers=headers)

    with pytest.raises(AccessRefused):
        download("old")
    assert bytes_in(store, download("new")) == BODY
    assert [call[2].get("range") for call in server.calls] == [None, "bytes=700000-", "bytes=700000-"]


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_gone(server: Server, store: Store, status: int) -> None:
    server.handlers["/m"] = lambda call: call.answer(status)
    with pytest.raises(SourceGone, match=f"not there \\({status}\\)"):
        Hurried().download(server.url("/m"), store)


@pytest.mark.parametrize("status", [401, 403])
def test_a_file_behind_a_login(server: Server, store: Store, status: int) -> None:
    server.handlers["/m"] = lambda call: call.answer(status)
    with pytest.raises(SourceGone, match="refused") as caught:
        Hurried().download(server.url("/m"), store)
    assert "public" in caught.value.hint


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><html>Sign in</html>", b"\n\n<html><body>"])
def test_a_web_page_in_place_of_the_file(server: Server, store: Store, page: bytes) -> None:
    with pytest.raises(SourceGone, match=r"web page.*, not the file"):
        Hurried().download(server.serve("/m", page), store)
    assert nothing_kept(store)


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 12345\n".encode()
STAND_INS = {
    "drive": (
        b"<!DOCTYPE html><html><title>Google Drive - Virus scan warning</title>",
        "confirmation.*Virus scan",
    ),
    "login": (b"<html><head><title>Log in | Portal</title>", "asks to sign in"),
    "pointer": (POINTER, "Git LFS pointer"),
    "s3": (
        b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>No</Message></Error>',
        "AccessDenied No",
    ),
    "json": (
        b'{"message": "Not Found", "documentation_url": "https://x", "status": "404"}',
        'error in JSON.*"Not Found"',
    ),
    "annex": (b"/annex/objects/MD5E-s3--900150983cd24fb0d6963f7d28e17f72.pth\n", "git-annex pointer"),
}


@pytest.mark.parametrize("name", sorted(STAND_INS))
@pytest.mark.parametrize("promised", ["nothing", "size", "digest"])
def test_what_stands_in_for_the_file_is_said_whatever_was_promised(
    server: Server, store: Store, name: str, promised: str
) -> None:
    """The declared media type does not matter, and neither does a promise that would fail too."""
    body, said = STAND_INS[name]
    url = server.serve("/m.pth", body, content_type="application/zip")
    with pytest.raises(SourceGone, match=said) as caught:
        Hurried().download(
            url, store, expect="0" * 64 if promised == "digest" else None, size=99 if promised == "size" else None
        )
    assert caught.value.hint
    assert nothing_kept(store)


def test_an_error_s_fields_among_others_are_a_file(server: Server, store: Store) -> None:
    for n, body in enumerate((b'{"message": "hi", "classes": []}', b'{"a": 1}', b"[1]", b"<kml/>", b"{")):
        assert bytes_in(store, Hurried().download(server.serve(f"/{n}", body), store)) == body


def test_a_page_that_comes_in_crumbs_is_seen(server: Server, store: Store) -> None:
    @server.on("/m")
    def crumbs(call: Call) -> None:
        call.raw.send_response_only(200)
        call.raw.send_header("content-length", "15")
        call.raw.end_headers()
        for n in b"<!DOCTYPE html>":
            call.raw.wfile.write(bytes([n]))
            call.raw.wfile.flush()
            time.sleep(0.002)

    with pytest.raises(SourceGone, match="web page"):
        Hurried().download(server.url("/m"), store)


def test_a_full_disk_is_seen_before_the_first_byte(
    server: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.serve("/m", BODY)
    free = type("Usage", (), {"free": 1000})()
    monkeypatch.setattr("shutil.disk_usage", lambda path: free)
    with pytest.raises(InfraError, match=f"needs {len(BODY)} more bytes, 1000 are free"):
        Hurried().download(url, store)


def test_progress_is_told(server: Server, store: Store) -> None:
    body = bytes(20 << 20)
    events: list[Event] = []
    HttpFetcher(Settings()).download(
        server.serve("/m", body), store, expect=None, size=len(body), notify=events.append, trusted=True
    )
    assert events and all(event.total == len(body) for event in events)


# --- file URLs


def test_file_urls_are_served_to_the_operator_alone(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "a b.json"
    path.write_bytes(b"{}")
    hurried = Hurried()
    assert hurried.fetch.get(path.as_uri(), limit=9, trusted=True).body == b"{}"
    assert hurried.fetch.head(path.as_uri(), trusted=True).headers["content-length"] == "2"
    assert hurried.fetch.get((tmp_path / "x").as_uri(), limit=9, trusted=True).status == 404
    assert hurried.download(path.as_uri(), store, expect=sha(b"{}")).size == 2
    with pytest.raises(ItemHostile):
        hurried.fetch.get(path.as_uri(), limit=9)
    with pytest.raises(SourceGone):
        hurried.download((tmp_path / "x").as_uri(), store)
    with pytest.raises(HashMismatch, match=r"a%20b\.json"):
        hurried.download(path.as_uri(), store, expect="1" * 64)
    with pytest.raises(HashMismatch, match="2 bytes"):
        hurried.download(path.as_uri(), store, size=5)


# --- strangers


def test_a_stranger_cannot_reach_this_machine(server: Server, store: Store) -> None:
    url = server.serve("/m", b"secret")
    for call in (
        lambda: Hurried().fetch.get(url, limit=9),
        lambda: Hurried().fetch.head(url),
        lambda: Hurried().fetch.download(url, store, expect=None, size=None, notify=silent),
        lambda: Hurried().fetch.get(url.replace("http:", "https:").replace("127.0.0.1", "localhost"), limit=9),
    ):
        with pytest.raises(ItemHostile):
            call()
    assert server.calls == []


def test_an_allowed_host_can_be_reached_by_a_stranger(server: Server, store: Store) -> None:
    settings = Settings(network=Network(allow_hosts=(f"127.0.0.1:{server.port}",)))
    hurried = Hurried(settings)
    stored = hurried.fetch.download(server.serve("/m", b"ok"), store, expect=None, size=None, notify=silent)
    assert bytes_in(store, stored) == b"ok"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_and_the_last_place_is_told(server: Server, status: int) -> None:
    server.handlers["/a"] = lambda call: call.answer(status, location="/b")
    last = server.serve("/b", b"here")
    answer = Hurried().fetch.get(server.url("/a"), limit=9, trusted=True)
    assert (answer.body, answer.url) == (b"here", last)


def test_thirty_redirects_are_too_many(server: Server) -> None:
    for n in range(30):
        server.handlers[f"/{n}"] = lambda call, n=n: call.answer(302, location=f"/{n + 1}")  # type: ignore[misc]
    with pytest.raises(InfraError, match="more than 5 redirects"):
        Hurried().fetch.get(server.url("/0"), limit=9, trusted=True)
    assert len(server.calls) == 6


def test_a_redirect_to_a_private_place_is_refused(server: Server) -> None:
    """The operator's server at one port may not lead to another of this machine; no item is blamed for it."""
    with running() as inner:
        secret = inner.serve("/secret", b"secret")
        server.handlers["/a"] = lambda call: call.answer(302, location=secret)
        with pytest.raises(InfraError, match="redirects"):
            Hurried().fetch.get(server.url("/a"), limit=99, trusted=True)
        assert inner.calls == []


def test_a_stranger_s_redirect_to_a_private_place_is_hostile(server: Server) -> None:
    settings = Settings(network=Network(allow_hosts=(f"127.0.0.1:{server.port}",)))
    server.handlers["/a"] = lambda call: call.answer(302, location="https://169.254.169.254/latest/meta-data")
    with pytest.raises(ItemHostile, match="redirects"):
        Hurried(settings).fetch.get(server.url("/a"), limit=99)


def test_credentials_stay_with_their_host(server: Server) -> None:
    with running() as other:
        target = other.serve("/b", b"there")
        settings = Settings(network=Network(allow_hosts=(f"127.0.0.1:{other.port}",)))
        server.handlers["/a"] = lambda call: call.answer(302, location=target)
        headers = {"Authorization": "Bearer x", "Accept": "text/x"}
        answer = Hurried(settings).fetch.get(server.url("/a"), limit=9, headers=headers, trusted=True)
        assert answer.body == b"there"
        assert server.calls[0][2]["authorization"] == "Bearer x"
        assert "authorization" not in other.calls[0][2] and other.calls[0][2]["accept"] == "text/x"


# --- TLS and pinned addresses


def pinned(server: Server, *addresses: str, ca: Path | None = TLS / "ca.pem", attempts: int = 1) -> HttpFetcher:
    environment = {"SSL_CERT_FILE": str(ca)} if ca else {}
    return HttpFetcher(
        Settings(environment=environment),
        patience=Patience(attempts=attempts, connect_attempts=attempts, connect=2.0, read=2.0),
        sleep=lambda _: None,
        find=lambda host, port: addresses,
    )


def test_the_checked_address_is_connected_to_and_the_name_is_verified(tls_server: Server) -> None:
    tls_server.serve("/m", b"by name")
    answer = pinned(tls_server, "127.0.0.1").get(tls_server.url("/m", "files.example"), limit=99)
    assert answer.body == b"by name"
    assert tls_server.calls[0][2]["host"] == f"files.example:{tls_server.port}"


def test_the_next_address_is_tried(tls_server: Server) -> None:
    tls_server.serve("/m", b"second")
    answer = pinned(tls_server, "127.0.0.2", "127.0.0.1").get(tls_server.url("/m", "files.example"), limit=99)
    assert answer.body == b"second"


def test_a_certificate_of_another_name_is_refused(tls_server: Server) -> None:
    with pytest.raises(InfraError, match="certificate is not trusted") as caught:
        pinned(tls_server, "127.0.0.1").get(tls_server.url("/m", "other.example"), limit=99)
    assert "SSL_CERT_FILE" in caught.value.hint


def test_an_unknown_authority_is_refused_at_once(tls_server: Server) -> None:
    with pytest.raises(InfraError, match="certificate is not trusted"):
        pinned(tls_server, "127.0.0.1", ca=None, attempts=6).get(tls_server.url("/m", "files.example"), limit=99)
    assert tls_server.calls == []


def test_what_the_resolver_refuses_is_not_connected_to(tls_server: Server) -> None:
    def refuse(host: str, port: int) -> tuple[str, ...]:
        raise ItemHostile(f"{host} is private", "hint")

    fetch = HttpFetcher(Settings(environment={"SSL_CERT_FILE": str(TLS / "ca.pem")}), find=refuse)
    with pytest.raises(ItemHostile, match="private"):
        fetch.get(tls_server.url("/m", "files.example"), limit=99)
    assert tls_server.calls == []


def test_a_missing_certificate_file_names_its_variable(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"REQUESTS_CA_BUNDLE=.*nowhere\.pem"):
        tls_context({"REQUESTS_CA_BUNDLE": str(tmp_path / "nowhere.pem")})


# --- proxies


def test_requests_go_through_the_proxy(server: Server) -> None:
    """A forward proxy is asked for the whole URL."""
    seen: list[str] = []

    @server.on("http://upstream.example/x")
    def proxied(call: Call) -> None:
        seen.append(call.raw.path)
        call.answer(200, b"via proxy")

    settings = Settings(environment={"HTTP_PROXY": f"127.0.0.1:{server.port}"})
    answer = Hurried(settings).fetch.get("http://upstream.example/x", limit=99, trusted=True)
    assert answer.body == b"via proxy" and seen == ["http://upstream.example/x"]


def test_a_dead_proxy_is_infra() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(InfraError, match="cannot be reached"):
        Hurried(Settings(environment={"https_proxy": proxy})).fetch.get("https://files.example/", limit=1, trusted=True)


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [("https://a.example/", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
     ("https://a.example/", {"HTTPS_PROXY": "p:1"}, "http://p:1"),
     ("http://a.example/", {"HTTPS_PROXY": "http://p:1"}, None),
     ("https://a.example/", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example"}, None),
     ("https://a.example/", {"HTTPS_PROXY": "http://p:1", "no_proxy": ".example"}, None),
     ("https://a.example/", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
     ("https://a.example/", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "b.example"}, "http://p:1"),
     ("http://localhost:5000/", {"HTTP_PROXY": "http://p:1"}, None),
     ("http://127.0.0.1:5000/", {"HTTP_PROXY": "http://p:1"}, None)],
)  # fmt: skip
def test_which_proxy_is_used(url: str, environment: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(checked_url(url, trusted=True), environment) == proxy


def test_the_process_environment_is_not_looked_at(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert Hurried().fetch.get(server.serve("/x", b"direct"), limit=9, trusted=True).body == b"direct"


# --- kills

DOWNLOADING = """
import sys
from pathlib import Path
from dlm_build.config import Settings
from dlm_build.fetch import HttpFetcher
from dlm_build.progress import silent
from dlm_build.store import Store
stored = HttpFetcher(Settings()).download(
    sys.argv[1], Store(Path(sys.argv[2])), expect=None, size=None, notify=silent, trusted=True
)
print(stored.sha256)
"""


@pytest.mark.programs
def test_kill_in_the_middle_and_resume(server: Server, store: Store) -> None:
    half = threading.Event()

    @server.on("/m")
    def slow(call: Call) -> None:
        start = call.range_start()
        if start is None:
            call.raw.send_response_only(200)
            call.raw.send_header("content-length", str(len(BODY)))
            call.raw.send_header("etag", TAG)
            call.raw.end_headers()
            call.raw.wfile.write(BODY[: 2 << 20])
            call.raw.wfile.flush()
            half.set()
            time.sleep(5)
        else:
            told = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
            call.answer(206, BODY[start:], content_range=told, etag=TAG)

    child = subprocess.Popen([sys.executable, "-c", DOWNLOADING, server.url("/m"), store.root])
    try:
        assert half.wait(30)
        for _ in range(200):
            parts = list((store.root / "partial").glob("*.part"))
            if parts and parts[0].stat().st_size >= 1 << 20:
                break
            time.sleep(0.02)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=10)
    assert nothing_kept(store)
    stored = Hurried().download(server.url("/m"), store)
    assert bytes_in(store, stored) == BODY
    assert "range" in server.calls[-1][2]


def test_errors_of_the_door_are_ours(server: Server) -> None:
    """Whatever a server does, what comes out is in the tree of errors."""
    odd = {
        "/status": b"HTTP/1.1 abc OK\r\n\r\n",
        "/garbage": b"\x00\x01\x02\r\n\r\n",
        "/huge-header": b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000 + b"\r\n\r\n",
        "/bad-length": b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
        "/two-lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "/bad-chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "/nothing": b"",
    }
    for path, raw in odd.items():

        def answer(call: Call, raw: bytes = raw) -> None:
            call.raw.wfile.write(raw)
            call.drop()

        server.handlers[path] = answer
        with pytest.raises(DlmBuildError):
            Hurried(attempts=1).fetch.get(server.url(path), limit=1 << 20, trusted=True)
