"""Where something is pushed to: registry, repository and tag, as the operator wrote them."""

from __future__ import annotations

import re

from dlm_build.config import Settings
from dlm_build.errors import UsageError, shown
from dlm_build.oci import parse_reference
from dlm_build.records import Record
from dlm_build.registry import base_url

FORM = "write registry/path:tag in lower case, e.g. ghcr.io/you/model:1.0"
_TOOL = re.compile(r"(docker|oras|https?)://")


class Target(Record, frozen=True, kw_only=True):
    host: str
    """The registry, with its port."""
    name: str
    """The repository without its registry."""
    tag: str
    base: str
    """URL of the registry."""

    @property
    def repository(self) -> str:
        return f"{self.host}/{self.name}"

    @property
    def plain_http(self) -> bool:
        return self.base.startswith("http://")

    @property
    def api(self) -> str:
        """What every URL of the repository begins with."""
        return f"{self.base}/v2/{self.name}"

    def sif_tag(self) -> str:
        """The SIF's own tag, so that image and SIF share a repository."""
        return self.tag if self.tag.endswith("-sif") else f"{self.tag}-sif"


def parse_target(text: str, default_tag: str, settings: Settings) -> Target:
    """`registry/path[:tag]`. Raises UsageError; a registry is demanded, so that nothing goes to Docker Hub unasked."""
    found = parse_reference(_TOOL.sub("", text, count=1))
    if not found or found["digest"]:
        raise UsageError(f"{shown(text)} is no place to push to", FORM)
    host, _, name = found["repository"].partition("/")
    if not (re.search(r"[.:]", host) or host == "localhost"):
        raise UsageError(f"{shown(text)} names no registry", f"{FORM}, or docker.io/you/model for Docker Hub")
    if not name:
        raise UsageError(f"{shown(text)} names a registry and no repository in it", FORM)
    tag = found["tag"] or default_tag
    if len(tag) > 124:
        raise UsageError(f"the tag {shown(tag)} is too long", "use at most 124 characters: the SIF's gets -sif")
    return Target(host=host, name=name, tag=tag, base=base_url(host, settings))
