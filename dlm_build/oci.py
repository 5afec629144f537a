"""How images are named, pinned and configured, as the OCI specifications spell it: one grammar for all who read it."""

from __future__ import annotations

import hashlib
import re

import msgspec

DIGEST = r"sha256:[0-9a-f]{64}"
TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_COMPONENT = r"[a-z0-9]++(?:(?:[._]|__|-++)[a-z0-9]++)*+"
PATH = rf"{_COMPONENT}(?:/{_COMPONENT})*+"
"""A repository without its registry."""
HOST = r"[a-z0-9]++(?:(?:\.|-++)[a-z0-9]++)*+(?::[0-9]{1,5})?"
"""A registry, with its port."""
_REFERENCE = re.compile(rf"(?P<repository>(?:{HOST}/)?{PATH})(?::(?P<tag>{TAG}))?(?:@(?P<digest>{DIGEST}))?")
_DIGEST = re.compile(DIGEST)
LONGEST_REFERENCE = 400
PRELOADS = ("LD_PRELOAD", "LD_AUDIT")
"""Variables that load code into every program: nothing is made on a base that sets one."""
BASE_DIGEST = "org.opencontainers.image.base.digest"
"""The label, or annotation, with the digest of the image that another was built on."""


def parse_reference(text: str) -> re.Match[str] | None:
    """`repository[:tag][@digest]` with groups of these names, or None for what is no reference."""
    return _REFERENCE.fullmatch(text) if len(text) <= LONGEST_REFERENCE else None


def qualified(reference: str) -> str:
    """With its registry, as Docker reads it: `me/x:1` is `docker.io/me/x:1`, `ubuntu` is `docker.io/library/ubuntu`."""
    head, slash, rest = reference.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        return f"docker.io/{rest}" if head in ("index.docker.io", "registry-1.docker.io") else reference
    return f"docker.io/{reference}" if slash else f"docker.io/library/{reference}"


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def content_digest(content: bytes) -> str:
    """What a registry calls these bytes by."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class _Variables(msgspec.Struct, frozen=True):
    variables: list[str] | None = msgspec.field(name="Env", default=None)


class ImageConfig(msgspec.Struct, frozen=True):
    """What is read of an image's configuration; all else in it is passed over."""

    config: _Variables = _Variables()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the image sets."""
        pairs = (variable.partition("=") for variable in self.config.variables or ())
        return {name: value for name, _, value in pairs}
