"""What is said when servers are asked: a loopback server that serves, refuses, lies, stalls and redirects."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dlm_build.checking import check_text
from dlm_build.checking.asking import Wanted, asked, served_sha256
from dlm_build.checking.images import StrangersWeb
from dlm_build.checking.online import AT_ONCE, MOST, PER_HOST
from dlm_build.checking.online import online_findings as all_findings
from dlm_build.config import Network, Registry, Settings
from dlm_build.errors import InfraError, ItemHostile
from dlm_build.fetch import HttpFetcher
from dlm_build.fetching.patience import Patience
from dlm_build.fetching.peek import HURRIED, Peeker
from dlm_build.magic import HEAD
from dlm_build.proc import Programs, RealPrograms
from dlm_build.records import ArchiveEntry, Asset, DeclaredDocker, DeclaredSample, Finding, Item, Runtime
from dlm_build.store import Store
from tests.unit.checking.made import changed
from tests.unit.fetching.server import Call, Server, running
from tests.unit.gathering.made import NoPrograms, asset, item
from tests.unit.gathering.repos import PATH, Repo

pytestmark = pytest.mark.loopback
SHA = "ab" * 32
BODY = bytes(range(256)) * 100
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA}\nsize 9\n".encode()


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as started:
        yield started


class Doors:
    """What asking needs, on this machine alone."""

    def __init__(self, folder: Path, *hosts: str, programs: Programs | None = None) -> None:
        self.settings = Settings(network=Network(allow_hosts=hosts))
        self.programs: Programs = programs or NoPrograms()
        self.store = Store(folder / "store")


def online_findings(given: Item, doors: Doors) -> tuple[Finding, ...]:
    """Without the word that the server of these tests is asked by leave of the settings only."""
    return tuple(finding for finding in all_findings(given, doors) if finding.code != "allowed-here")


def told(given: Item, tmp_path: Path, server: Server) -> list[Finding]:
    return list(online_findings(given, Doors(tmp_path, f"127.0.0.1:{server.port}")))


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def remote(*assets: Asset, **more: Any) -> Item:
    return item(*assets, origin="https://items.example/i.json", **more)


# --- addresses


def test_a_file_that_is_there_needs_no_word(server: Server, tmp_path: Path) -> None:
    url = server.serve("/m.mar", BODY, etag=f'"{SHA}"')
    assert told(remote(asset(url, sha256=SHA, size=len(BODY))), tmp_path, server) == []
    assert server.calls[0][2]["range"] == f"bytes=0-{HEAD - 1}" and len(server.calls) == 1


@pytest.mark.parametrize(
    ("status", "said"), [(404, r"is not there \(404\)"), (410, "is not there"), (403, r"is refused \(403\)"),
                         (401, "is refused"), (400, "is answered with 400")],
)  # fmt: skip
def test_what_is_not_served(server: Server, tmp_path: Path, status: int, said: str) -> None:
    server.handlers["/m.mar"] = lambda call: call.answer(status, b"<html>")
    (finding,) = told(remote(asset(server.url("/m.mar"))), tmp_path, server)
    assert (finding.code, finding.severity, finding.pointer) == ("model-not-served", "error", "/assets/model/href")
    assert re.search(said, finding.message) and finding.hint


def test_what_is_not_the_model_is_less_grave(server: Server, tmp_path: Path) -> None:
    model = asset(server.serve("/m.mar", BODY), roles=("mlm:model",))
    findings = told(remote(model, asset(server.url("/gone.tif"), "sample", ("data",))), tmp_path, server)
    assert [(f.code, f.severity, f.pointer) for f in findings] == [
        ("asset-not-served", "warning", "/assets/sample/href")
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"<!DOCTYPE html><title>Google Drive - Virus scan warning</title>", "asks for a confirmation"),
     (b"<html><title>Sign in</title>", "asks to sign in"), (POINTER, "Git LFS pointer"),
     (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "AccessDenied"),
     (b'{"error": "not found"}', 'in JSON, not the file: "not found"'), (b"", "is empty")],
)  # fmt: skip
def test_another_thing_than_the_file_whatever_its_type_says(
    server: Server, tmp_path: Path, body: bytes, said: str
) -> None:
    url = server.serve("/m.pth", body, content_type="application/octet-stream")
    (finding,) = told(remote(asset(url, sha256=SHA, size=77)), tmp_path, server)
    assert finding.code == "model-is-another-thing" and finding.severity == "error" and finding.hint
    assert re.search(said, finding.message)


def test_a_page_is_right_where_people_are_meant(server: Server, tmp_path: Path) -> None:
    page = server.serve("/card", b"<!DOCTYPE html><html>")
    model = asset(server.serve("/m.mar", BODY), roles=("mlm:model",))
    docs = asset(page, "docs", ("documentation",))
    card = asset(page + "?x", "card", ("data",), media_type="text/html; charset=utf-8")
    assert told(remote(model, docs, card), tmp_path, server) == []
    assert codes(told(remote(model, asset(page, "x", ("data",))), tmp_path, server)) == ["asset-is-another-thing"]


def test_a_redirect_to_a_sign_in_page_names_both_places(server: Server, tmp_path: Path) -> None:
    server.handlers["/m.mar"] = lambda call: call.answer(302, location=server.url("/login"))
    server.serve("/login", b"<html><title>Log in</title>")
    (finding,) = told(remote(asset(server.url("/m.mar"))), tmp_path, server)
    assert "/m.mar" in finding.message and f"leads to {server.url('/login')}, which is a web page" in finding.message


def test_a_size_and_a_digest_that_are_not_the_promised_ones(server: Server, tmp_path: Path) -> None:
    url = server.serve("/m.mar", BODY, etag=f'"{"cd" * 32}"')
    findings = told(remote(asset(url, sha256=SHA, size=5)), tmp_path, server)
    assert codes(findings) == ["size-differs", "checksum-differs"]
    assert f'"file:size": {len(BODY)}' in findings[0].hint and f"1220{'cd' * 32}" in findings[1].hint


def test_the_size_of_a_file_told_in_parts(server: Server, tmp_path: Path) -> None:
    @server.on("/m.mar")
    def part(call: Call) -> None:
        call.answer(206, BODY[:HEAD], content_range=f"bytes 0-{HEAD - 1}/{len(BODY)}")

    url = server.url("/m.mar")
    assert told(remote(asset(url, size=len(BODY))), tmp_path, server) == []
    assert codes(told(remote(asset(url, size=HEAD)), tmp_path, server)) == ["size-differs"]


def test_an_endless_file_is_left_in_the_middle(server: Server, tmp_path: Path) -> None:
    done = threading.Event()

    @server.on("/endless")
    def endless(call: Call) -> None:
        try:
            call.endless(2000)
        finally:
            done.set()

    started = time.monotonic()
    assert told(remote(asset(server.url("/endless"))), tmp_path, server) == []
    assert time.monotonic() - started < 5 and done.wait(5)


def test_an_empty_file_that_refuses_ranges(server: Server, tmp_path: Path) -> None:
    server.handlers["/e"] = lambda call: call.answer(416 if "range" in call.headers else 200)
    assert codes(told(remote(asset(server.url("/e"))), tmp_path, server)) == ["model-is-another-thing"]


@pytest.mark.parametrize(
    ("headers", "sha256"),
    [({"etag": f'"{SHA}"'}, SHA), ({"etag": f'W/"{SHA}"'}, SHA), ({"etag": '"d41d8cd98f00b204e9800998ecf8427e"'}, None),
     ({"x-linked-etag": f'"{SHA}"'}, SHA), ({"digest": "sha-256=q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="}, SHA),
     ({"repr-digest": "sha-256=:q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=:"}, SHA), ({"digest": "md5=x"}, None),
     ({"x-amz-checksum-sha256": "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="}, SHA), ({}, None)],
)  # fmt: skip
def test_the_digest_that_a_server_tells(headers: dict[str, str], sha256: str | None) -> None:
    assert served_sha256(headers) == sha256


# --- no answer, and addresses that are not asked


@pytest.mark.parametrize("trouble", ["busy", "drops", "nobody"])
def test_no_answer_is_not_the_item_s_fault(server: Server, tmp_path: Path, trouble: str) -> None:
    server.handlers["/busy"] = lambda call: call.answer(503)
    server.handlers["/drops"] = lambda call: call.drop()
    url = server.url(f"/{trouble}") if trouble != "nobody" else "http://127.0.0.1:9/m"
    doors = Doors(tmp_path, "127.0.0.1")
    (finding,) = online_findings(remote(asset(url)), doors)
    assert (finding.code, finding.severity) == ("could-not-be-asked", "info")
    assert server.count("/busy") <= 2 and server.count("/drops") <= 2


def test_a_server_that_drips_is_left(server: Server) -> None:
    server.on("/drip")(lambda call: call.drip(60, 9000))

    hurried = Patience(attempts=1, connect_attempts=1, connect=1, read=1, answer=0.3)
    peeker = Peeker(Settings(), patience=hurried)
    started = time.monotonic()
    with pytest.raises(InfraError, match="do not come"):
        peeker.peek(server.url("/drip"), trusted=True)
    assert time.monotonic() - started < 2
    peeker.close()


def test_patience_is_bounded() -> None:
    once = HURRIED.connect + HURRIED.read + HURRIED.answer
    assert HURRIED.attempts * once + HURRIED.longest_wait <= 65


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/m", "https://10.0.0.7/m.mar", "https://u:p@h.example/m.mar"])
def test_forbidden_addresses_are_not_asked(tmp_path: Path, url: str) -> None:
    (finding,) = online_findings(remote(asset(url)), Doors(tmp_path))
    assert (finding.code, finding.severity) == ("address-not-allowed", "error")
    assert "u:p" not in f"{finding}"


def test_what_a_build_does_not_ask_for_stops_nothing(tmp_path: Path) -> None:
    """Code and thumbnails are for people; git is asked for the code, and only where it is run."""
    weights = replace(asset("https://10.0.0.7/m.onnx"), roles=("mlm:model",))
    code = replace(asset("https://10.0.0.7/o/r/tree/main", "code"), roles=("mlm:source code",))
    view = replace(asset("https://10.0.0.7/v.png", "thumbnail"), roles=("thumbnail",))
    found = online_findings(remote(weights, code, view), Doors(tmp_path))
    assert [(f.code, f.severity) for f in found] == [
        ("address-not-allowed", "error"), ("aside-not-allowed", "info"), ("aside-not-allowed", "info"),
    ]  # fmt: skip


def test_the_place_of_the_code_is_told_once(tmp_path: Path) -> None:
    weights, code = asset("m.onnx"), asset("https://10.0.0.7/o/r", "code", ("mlm:source code",))
    given = remote(weights, code, runtime=Runtime(source_url=code.href, source_commit=SHA[:40]))
    given = replace(given, pointers=replace(given.pointers, source=f"{code.pointer}/href"))
    (finding,) = online_findings(given, Doors(tmp_path))
    assert (finding.code, finding.severity) == ("source-not-there", "error")


def test_a_redirect_to_a_private_place_is_not_followed(server: Server, tmp_path: Path) -> None:
    server.handlers["/m"] = lambda call: call.answer(302, location="http://127.0.0.2:9/secret")
    assert codes(told(remote(asset(server.url("/m"))), tmp_path, server)) == ["address-not-allowed"]


def test_a_token_in_an_address_is_not_shown(server: Server, tmp_path: Path) -> None:
    (finding,) = told(remote(asset(server.url("/gone?token=geheim"))), tmp_path, server)
    assert "geheim" not in f"{finding}"


# --- many, and their order


def test_the_order_is_the_item_s_whoever_answers_first(server: Server, tmp_path: Path) -> None:
    def slow(seconds: float) -> Callable[[Call], None]:
        def answer(call: Call) -> None:
            time.sleep(seconds)
            call.answer(404)

        return answer

    for n in range(6):
        server.handlers[f"/{n}"] = slow(0.05 * (6 - n))
    assets = [asset(server.url(f"/{n}"), f"a{n}", ("data",)) for n in range(6)]
    findings = told(remote(*assets), tmp_path, server)
    assert [f.pointer for f in findings] == [f"/assets/a{n}/href" for n in range(6)]
    assert findings == told(remote(*assets), tmp_path, server)


def test_few_at_a_time_of_one_host(server: Server, tmp_path: Path) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def answer(call: Call) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.03)
        with lock:
            now[0] -= 1
        call.answer(200, BODY)

    for n in range(10):
        server.handlers[f"/{n}"] = answer
    assets = [asset(server.url(f"/{n}"), f"a{n}", ("data",)) for n in range(10)]
    assert told(remote(*assets), tmp_path, server) == []
    assert most[0] == PER_HOST < AT_ONCE


def test_an_item_of_thousands_asks_a_hundred(server: Server, tmp_path: Path) -> None:
    url = server.serve("/x", BODY)
    assets = [asset(f"{url}?{n}", f"a{n}", ("data",)) for n in range(MOST + 20)]
    (finding,) = told(remote(*assets), tmp_path, server)
    assert finding.code == "not-all-asked" and str(MOST + 20) in finding.message
    assert server.count("/x") == MOST


def test_an_address_given_twice_is_told_at_both_places(server: Server, tmp_path: Path) -> None:
    url = server.url("/gone")
    findings = told(remote(asset(url, "a", ("data",)), asset(url, "b", ("data",))), tmp_path, server)
    assert [f.pointer for f in findings] == ["/assets/a/href", "/assets/b/href"]


def test_an_environment_file_behind_a_link(server: Server, tmp_path: Path) -> None:
    given = remote(runtime=Runtime(requirement_file=server.url("/requirements.txt")))
    (finding,) = told(given, tmp_path, server)
    assert finding.pointer == "/properties/dlm:runtime/requirement_file"


@pytest.mark.parametrize("there", [True, False])
def test_what_this_site_allows_is_not_called_unasked(server: Server, tmp_path: Path, there: bool) -> None:
    """A build here asks it, and others do not; the grade is that of the item everywhere."""
    url = server.serve("/model.zip", BODY) if there else server.url("/model.zip")
    document = changed(assets__model__href=url)
    document["properties"]["dlm:runtime"] |= {"model_src_url": None, "model_commit_hash": None}
    text = json.dumps(document)
    doors = Doors(tmp_path, f"127.0.0.1:{server.port}")
    plain, here = check_text(text, "item.json"), check_text(text, "item.json", lambda item: all_findings(item, doors))
    assert "address-not-allowed" in codes(list(plain.findings))
    told_here = codes(list(here.findings))
    assert "allowed-here" in told_here and "address-not-allowed" not in told_here
    assert ("model-not-served" in told_here) is not there
    assert plain.grade == here.grade


@pytest.mark.parametrize("body", [None, b"<!doctype html><title>x</title>"])
def test_what_a_build_needs_besides_the_model_blocks_it_where_it_is_not_there(
    server: Server, tmp_path: Path, body: bytes | None
) -> None:
    """The sample, its expected output and the environment; not where the archive has them, nor another asset."""
    model = asset(server.serve("/m.mar", BODY), "model", ("model",))
    keys = ("in", "out", "env", "inside", "other")
    urls = {key: server.serve(f"/{key}", body) if body else server.url(f"/{key}") for key in keys}
    assets = [asset(url, key, ("data",)) for key, url in urls.items()]
    sample = DeclaredSample(input="in", expected="out", pointer="/properties")
    runtime = Runtime(requirement_file="env")
    found = told(remote(model, *assets, runtime=runtime, sample=sample), tmp_path, server)
    assert {f.pointer.split("/")[2]: f.severity for f in found} == {
        "in": "error", "out": "error", "env": "error", "inside": "warning", "other": "warning",
    }  # fmt: skip
    archive = (ArchiveEntry(name="data/inside"),)
    sample = DeclaredSample(input="inside", pointer="/properties")
    listed = told(remote(model, *assets, archive=archive, sample=sample), tmp_path, server)
    assert {f.severity for f in listed} == {"warning"}


# --- files of this machine


def test_files_beside_a_local_item_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "m.mar").write_bytes(BODY)
    (tmp_path / "p.pth").write_bytes(POINTER)
    origin = str(tmp_path / "i.json")
    good = item(asset(str(tmp_path / "m.mar"), size=len(BODY)), origin=origin)
    assert online_findings(good, Doors(tmp_path)) == ()
    for name, code in (("gone.mar", "model-not-served"), ("p.pth", "model-is-another-thing")):
        (finding,) = online_findings(item(asset(str(tmp_path / name)), origin=origin), Doors(tmp_path))
        assert finding.code == code
    (finding,) = online_findings(item(asset(str(tmp_path / "m.mar"), size=3), origin=origin), Doors(tmp_path))
    assert finding.code == "size-differs"


@pytest.mark.parametrize("name", ["pipe", "/dev/zero"])
def test_what_could_be_read_for_ever_is_not_looked_at(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    local = item(asset(str(tmp_path / name)), origin=str(tmp_path / "i.json"))
    (finding,) = online_findings(local, Doors(tmp_path))
    assert finding.code == "model-not-served" and "is a pipe or a device here" in finding.message


def test_a_remote_item_s_paths_are_not_looked_at(tmp_path: Path) -> None:
    assert online_findings(remote(asset("/etc/passwd")), Doors(tmp_path)) == ()
    assert online_findings(remote(asset("file:///etc/passwd")), Doors(tmp_path)) == ()


@pytest.mark.parametrize("href", ["upon request", "torchvision.models.resnet18", "s3://b/", "https://["])
def test_what_is_no_address_is_not_asked(tmp_path: Path, href: str) -> None:
    assert {finding.code for finding in online_findings(remote(asset(href)), Doors(tmp_path))} <= {
        "address-not-allowed"
    }


# --- images


def serve_manifest(server: Server) -> str:
    body = b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}'
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    server.serve("/v2/me/model/manifests/1.0", body)
    server.serve(f"/v2/me/model/manifests/{digest}", body)
    return digest


def with_image(name: str, tag: str | None = None) -> Item:
    return remote(runtime=Runtime(docker=DeclaredDocker(image_name=name, tag=tag)))


def test_a_tag_is_told_with_its_digest(server: Server, tmp_path: Path) -> None:
    digest = serve_manifest(server)
    name = f"127.0.0.1:{server.port}/me/model"
    (finding,) = told(with_image(name, "1.0"), tmp_path, server)
    assert (finding.code, finding.severity) == ("image-digest", "info")
    assert finding.pointer == "/properties/dlm:runtime/docker/image_name"
    assert finding.hint == f'write "{name}@{digest}"'
    assert told(with_image(f"{name}@{digest}"), tmp_path, server) == []


def test_images_among_the_assets_are_asked_for_too(server: Server, tmp_path: Path) -> None:
    serve_manifest(server)
    image = asset(f"127.0.0.1:{server.port}/me/model:1.0", "image", ("mlm:inference runtime",))
    (finding,) = told(remote(image), tmp_path, server)
    assert (finding.code, finding.pointer) == ("image-digest", "/assets/image/href")


def test_an_image_that_is_gone(server: Server, tmp_path: Path) -> None:
    (finding,) = told(with_image(f"127.0.0.1:{server.port}/me/other", "2"), tmp_path, server)
    assert (finding.code, finding.severity) == ("image-gone", "warning")


def test_a_registry_that_does_not_answer(server: Server, tmp_path: Path) -> None:
    server.handlers["/v2/me/model/manifests/1.0"] = lambda call: call.answer(503)
    assert codes(told(with_image(f"127.0.0.1:{server.port}/me/model", "1.0"), tmp_path, server)) == [
        "could-not-be-asked"
    ]


def test_a_stranger_s_registry_name_reaches_no_private_place(server: Server, tmp_path: Path) -> None:
    """The operator's own registries may be private; an item cannot name one."""
    serve_manifest(server)
    (finding,) = online_findings(with_image(f"127.0.0.1:{server.port}/me/model", "1.0"), Doors(tmp_path))
    assert (finding.code, finding.severity) == ("image-not-asked", "info") and server.calls == []
    assert "is not there" not in finding.message


def test_only_the_operator_s_mirrors_are_trusted(server: Server) -> None:
    mirrors = Registry(mirrors=(server.url("/mirror"),))
    settings = Settings(registries={"docker.io": mirrors})
    web = StrangersWeb(HttpFetcher(settings, patience=HURRIED), settings)
    server.serve("/mirror/v2/x", b"{}")
    assert web.get(server.url("/mirror/v2/x"), limit=9, trusted=True).status == 200
    for url in (server.url("/mirrored"), server.url("/other/v2/x")):
        with pytest.raises(ItemHostile):
            web.get(url, limit=9, trusted=True)


# --- the source


def with_source(url: str, commit: str | None = None) -> Item:
    return item(origin="/items/i.json", runtime=Runtime(source_url=url, source_commit=commit))


@pytest.mark.programs
def test_a_commit_is_looked_for_in_the_history(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    first, last = repo.commit({"a": "1"}), repo.commit({"a": "2"})
    doors = Doors(tmp_path, programs=RealPrograms({"PATH": PATH}))
    url = repo.bare.as_uri()
    assert online_findings(with_source(url, first), doors) == ()
    assert online_findings(with_source(url, last), doors) == ()
    (gone,) = online_findings(with_source(url, "1" * 40), doors)
    assert (gone.code, gone.severity) == ("source-not-there", "error") and "1" * 40 in gone.message
    (branch,) = online_findings(with_source(url, "main"), doors)
    assert branch.code == "source-stands-at" and last in branch.hint and "main is" in branch.message
    (nothing,) = online_findings(with_source(url), doors)
    assert nothing.code == "source-stands-at" and last in nothing.hint
    (missing,) = online_findings(with_source((tmp_path / "nowhere").as_uri(), last), doors)
    assert missing.code == "source-not-there"


@pytest.mark.programs
@pytest.mark.parametrize(("file", "unused"), [(None, True), ("env.yml", False)])
def test_code_that_nothing_runs_may_be_gone(tmp_path: Path, file: str | None, unused: bool) -> None:
    repo = Repo(tmp_path)
    repo.commit({"a.py": "1"})
    runtime = Runtime(source_url=repo.bare.as_uri(), source_commit="ab" * 20, requirement_file=file)
    weights = asset(str(tmp_path / "m.onnx"))
    (tmp_path / "m.onnx").write_bytes(b"\x08\x07")
    doors = Doors(tmp_path, programs=RealPrograms({"PATH": PATH}))
    (finding,) = online_findings(item(weights, origin=str(tmp_path / "i.json"), runtime=runtime), doors)
    told = ("unused-source-not-there", "info") if unused else ("source-not-there", "error")
    assert (finding.code, finding.severity) == told


def test_a_source_that_cannot_be_asked(tmp_path: Path) -> None:
    for url, code in (
        ("https://doi.org/10.5281/zenodo.1", "source-not-there"), ("ext::sh -c id", "source-not-there"),
        ("https://127.0.0.1/o/r", "source-not-there"),
    ):  # fmt: skip
        (finding,) = online_findings(with_source(url, SHA), Doors(tmp_path))
        assert finding.code == code


@pytest.mark.programs
def test_no_network_is_not_the_source_s_fault(tmp_path: Path) -> None:
    given = with_source("http://127.0.0.1:9/o/r", SHA[:40])
    doors = Doors(tmp_path, "127.0.0.1", programs=RealPrograms({"PATH": PATH}))
    (finding,) = online_findings(given, doors)
    assert (finding.code, finding.severity) == ("could-not-be-asked", "info")


def test_nothing_named_is_nothing_asked(tmp_path: Path) -> None:
    assert online_findings(remote(), Doors(tmp_path)) == ()


def test_one_address_alone() -> None:
    peeker = Peeker(Settings())
    (finding,) = asked(Wanted(href="ftp://h.example/m", pointer="/x"), peeker)
    assert finding.code == "address-not-allowed"
    peeker.close()
