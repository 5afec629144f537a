from __future__ import annotations

import time

import msgspec
import pytest

from dlm_build.oci import ImageConfig, is_digest, parse_reference, qualified

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("python", ("python", None, None)),
        ("nvidia/cuda:12.4.1-base-ubuntu22.04", ("nvidia/cuda", "12.4.1-base-ubuntu22.04", None)),
        ("localhost:5000/a/b__c-d.e:T_1", ("localhost:5000/a/b__c-d.e", "T_1", None)),
        (f"docker.io/library/python@{DIGEST}", ("docker.io/library/python", None, DIGEST)),
        (f"reg.example.org/m:1@{DIGEST}", ("reg.example.org/m", "1", DIGEST)),
    ],
)
def test_references(text: str, parts: tuple[str | None, ...]) -> None:
    found = parse_reference(text)
    assert found and found.group("repository", "tag", "digest") == parts


@pytest.mark.parametrize(
    "text",
    ["", "Python", "a//b", "a/", "/a", "a:", "a: b", "a\n", "-a", "a..b", "a___b", "a:-t", "a@sha256:ab", "a b", "a;b",
     "a$(b)", f"a@{DIGEST}0", f"a@{DIGEST.upper()}", "a:" + "t" * 129, "a" * 401],
)  # fmt: skip
def test_what_is_no_reference(text: str) -> None:
    assert parse_reference(text) is None


def test_only_whole_lower_case_sha256_is_a_digest() -> None:
    assert is_digest(DIGEST)
    assert not any(map(is_digest, (DIGEST[7:], DIGEST + "0", DIGEST[:-1], DIGEST + "\n", DIGEST.upper(), "sha512:ab")))


@pytest.mark.parametrize("text", ["a-" * 199 + "!", "a/" * 199 + "!", "a.a_" * 99 + "!", "-" * 399, "a:" * 199])
def test_hostile_references_are_refused_quickly(text: str) -> None:
    started = time.perf_counter()
    assert parse_reference(text) is None
    assert time.perf_counter() - started < 0.05


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("python", "docker.io/library/python"), ("nvidia/cuda", "docker.io/nvidia/cuda"),
        ("docker.io/nvidia/cuda", "docker.io/nvidia/cuda"), ("nvcr.io/nvidia/cuda", "nvcr.io/nvidia/cuda"),
        ("index.docker.io/me/x", "docker.io/me/x"), ("localhost/x", "localhost/x"),
        ("localhost:5000/x", "localhost:5000/x"),
    ],
)  # fmt: skip
def test_names_as_docker_reads_them(short: str, full: str) -> None:
    assert qualified(short) == full


@pytest.mark.parametrize(
    ("raw", "variables"),
    [
        (b'{"config": {"Env": ["PATH=/bin", "A=b=c", "NONE="], "User": ""}}', {"PATH": "/bin", "A": "b=c", "NONE": ""}),
        (b'{"config": {"Env": null}}', {}),
        (b'{"config": {}, "os": "linux"}', {}),
        (b"{}", {}),
    ],
)  # fmt: skip
def test_variables_of_an_image(raw: bytes, variables: dict[str, str]) -> None:
    assert msgspec.json.decode(raw, type=ImageConfig).environment == variables
