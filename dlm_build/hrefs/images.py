"""Container images where an href stands: references with and without a scheme, and registries' pages."""

from __future__ import annotations

import re

from dlm_build.hrefs.record import Href, Web
from dlm_build.oci import parse_reference, qualified

_SCHEMES = ("oci://", "docker://", "docker-image://", "oras://", "podman://")
_HOSTS = re.compile(
    r"(docker\.io|ghcr\.io|quay\.io|nvcr\.io|gcr\.io|[a-z0-9-]+\.gcr\.io|[a-z0-9-]+\.pkg\.dev|mcr\.microsoft\.com|"
    r"public\.ecr\.aws|[a-z0-9.-]+\.amazonaws\.com|[a-z0-9-]+\.azurecr\.io|registry\.[a-z0-9.-]+|"
    r"harbor\.[a-z0-9.-]+|[a-z0-9.-]+:[0-9]{2,5}|index\.docker\.io|registry-1\.docker\.io)/"
)
_VERSION_TAG = re.compile(r"latest|v?[0-9][\w.-]*")
_INSTEAD = "link the weights; the image goes into the runtime, by digest"


def image_reference(text: str, *, said: bool = False) -> Href | None:
    """`text` as an image, or None. `said` is whether its asset says that it is one, by role or media type."""
    scheme = next((scheme for scheme in _SCHEMES if text.startswith(scheme)), None)
    bare = text.removeprefix(scheme) if scheme else text
    found = parse_reference(bare)
    if found is None or (scheme is None and not said and not _is_surely(bare)):
        return None
    return Href(kind="image", image=qualified(bare), reason="a container image", instead=_INSTEAD)


def _is_surely(bare: str) -> bool:
    """A known registry, a digest, or a slash and a tag; a lone `a:b` may be a function of a module."""
    if _HOSTS.match(bare) or "@sha256:" in bare:
        return True
    name, colon, tag = bare.rpartition(":")
    return bool(colon) and "." not in name.rpartition("/")[2] and ("/" in name or bool(_VERSION_TAG.fullmatch(tag)))


def docker_hub(web: Web) -> Href | None:
    if web.at(0) == "r" and web.at(2):
        image = f"docker.io/{web.at(1)}/{web.at(2)}"
    elif web.at(0) == "_" and web.at(1):
        image = f"docker.io/library/{web.at(1)}"
    else:
        image = None
    return Href(kind="page", image=image, reason="Docker Hub's page about an image", instead=_INSTEAD)


def quay(web: Web) -> Href | None:
    image = f"quay.io/{web.at(1)}/{web.at(2)}" if web.at(0) == "repository" and web.at(2) else None
    return Href(kind="page", image=image, reason="Quay's page about an image", instead=_INSTEAD)
