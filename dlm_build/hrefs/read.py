"""Which table reads an href: by its scheme, then its host, then the shape of its path."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from msgspec.structs import replace

from dlm_build.hrefs import deposits, images, models, repositories, shares, stores, words
from dlm_build.hrefs.record import Href, Web, is_commit, may_move, plain_ref, taken_apart

Reader = Callable[[Web], Href | None]
"""None where the address is a plain one."""

_HOSTS: dict[str, Reader] = {
    "github.com": repositories.github,
    "raw.githubusercontent.com": repositories.github_raw,
    "media.githubusercontent.com": repositories.github_raw,
    "gist.github.com": repositories.gist,
    "gitlab.com": repositories.gitlab,
    "bitbucket.org": repositories.bitbucket,
    "huggingface.co": models.huggingface,
    "hf.co": models.huggingface,
    "kaggle.com": models.kaggle,
    "modelscope.cn": models.modelscope,
    "tfhub.dev": models.tfhub,
    "arxiv.org": models.other_page,
    "paperswithcode.com": models.other_page,
    "wandb.ai": models.other_page,
    "colab.research.google.com": models.other_page,
    "nbviewer.org": models.other_page,
    "catalog.ngc.nvidia.com": models.other_page,
    "readthedocs.org": models.other_page,
    "medium.com": models.other_page,
    "zenodo.org": deposits.zenodo,
    "sandbox.zenodo.org": deposits.zenodo,
    "figshare.com": deposits.figshare,
    "hydroshare.org": deposits.hydroshare,
    "osf.io": deposits.osf,
    "data.mendeley.com": deposits.other_record,
    "datadryad.org": deposits.other_record,
    "doi.pangaea.de": deposits.other_record,
    "doi.org": deposits.doi_host,
    "dx.doi.org": deposits.doi_host,
    "drive.google.com": shares.google_drive,
    "docs.google.com": shares.google_drive,
    "drive.usercontent.google.com": shares.google_content,
    "dropbox.com": shares.dropbox,
    "1drv.ms": shares.onedrive,
    "onedrive.live.com": shares.onedrive,
    "app.box.com": shares.box,
    "box.com": shares.box,
    "mega.nz": shares.other_share,
    "mega.io": shares.other_share,
    "wetransfer.com": shares.other_share,
    "we.tl": shares.other_share,
    "pan.baidu.com": shares.other_share,
    "u.pcloud.link": shares.other_share,
    "mediafire.com": shares.other_share,
    "icloud.com": shares.other_share,
    "s3.console.aws.amazon.com": stores.amazon_console,
    "console.aws.amazon.com": stores.amazon_console,
    "console.cloud.google.com": stores.google_console,
    "storage.cloud.google.com": stores.google_console,
    "hub.docker.com": images.docker_hub,
    "quay.io": images.quay,
}
_DOMAINS: tuple[tuple[str, Reader], ...] = (
    (".figshare.com", deposits.figshare),
    (".sharepoint.com", shares.onedrive),
    (".box.com", shares.box),
    (".readthedocs.io", models.documentation),
    (".console.aws.amazon.com", stores.amazon_console),
)
_ENDS = tuple(end for end, _ in _DOMAINS)
_SHAPES: tuple[Reader, ...] = (
    repositories.gitlab, repositories.gitea, repositories.at_commit, deposits.dataverse, shares.nextcloud,
    models.package_index,
)  # fmt: skip
"""Software that many run under names of their own, told by the shape of its paths."""
_HTTP = re.compile(r"https?://", re.IGNORECASE)
_BARE_HOST = re.compile(r"((?:[a-z0-9][a-z0-9-]*+\.)++([a-z]{2,6}))/[^/]", re.IGNORECASE)
_SURELY_HOSTS = frozenset({"com", "org", "net", "edu", "gov", "int", "io", "eu"})
"""Ends of hosts' names, and of no folder's."""
_SSH = re.compile(
    r"(?:(?:git\+)?ssh://(?:[\w.-]{1,64}@)?([\w.-]{1,200})(?::\d{1,5})?/|[\w.-]{1,64}@([\w-]{1,100}\.[\w.-]{1,100}):)"
    r"([\w./~-]{1,300})"
)
_TWINS = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})
"""Hosts that serve the same repositories over https."""
_REF_BEHIND = re.compile(
    r"(https?://(?:[^/?#@]*@)?[^/?#@]+/[^@?#]*[^@?#/])@([A-Za-z0-9_][A-Za-z0-9._/-]{0,254})", re.IGNORECASE
)
"""As pip and others write it. No name of a repository has an `@` in it."""
_COMMIT_BEHIND = re.compile(r"(https?://[^?#]+?)/?(?:\?(?:ref|commit|rev|sha)=|#)([0-9a-f]{40}(?:[0-9a-f]{24})?)",
                            re.IGNORECASE)  # fmt: skip
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}:")


@lru_cache(maxsize=256)
def read_href(text: str, *, image: bool = False) -> Href:
    """What `text` is. `image` is whether the publisher says that it is a container image. Never raises.

    A relative path beside the item is kind `local` with itself as `url`. Kept for a while, since whoever reads an
    item asks for the same few addresses again and again.
    """
    text = text.strip()
    if words.several(text):
        return Href(kind="several", reason="more than one address", instead="give one address per asset")
    if link := words.linked(text):
        return _said_around(link, "a link in Markdown, not an address")
    if found := words.placeholder(text):
        return found
    if _HTTP.match(text):
        return _web(text)
    if ("@" in text or text.startswith(("git+", "ssh:"))) and (repository := _repository(text)):
        return repository
    for read in (deposits.doi, stores.object_scheme):
        if found := read(text):
            return found
    if text.startswith("hf://"):
        return models.hub_scheme(text)
    if found := images.image_reference(text, said=image) or words.local(text) or words.other_scheme(text):
        return found
    if _SCHEME.match(text) and "://" in text:
        return Href(kind="store", reason="an address that no plain GET opens", instead="publish it at an https address")
    if _names_a_host(text):
        return _said_around(f"https://{text}", "an address without https://")
    return words.spoken(text) or Href(kind="local", url=text, reason="a path beside the item")


def _names_a_host(text: str) -> bool:
    found = _BARE_HOST.match(text)
    if found is None:
        return False
    host, end = found[1].lower(), found[2].lower()
    return host.startswith("www.") or end in _SURELY_HOSTS or host in _HOSTS


def _said_around(url: str, reason: str) -> Href:
    """What `url` is, which was published in other words; those words are no path beside the item."""
    found = words.placeholder(url) or _web(url)
    kind = found.kind if found.kind in ("repository", "record", "image", "store") else "text"
    return replace(found, kind=kind, reason=reason if found.kind == "file" else found.reason)


def _web(text: str) -> Href:
    if ("@" in text or "#" in text or "?" in text) and (repository := _with_ref(text)):
        return repository
    web = taken_apart(text)
    if web is None:
        return Href(kind="text", reason="no address that can be read", instead="give a URL like https://host/path")
    found = next((href for read in _readers(web) if (href := read(web))), None)
    if found is None and not web.segments and not web.query:
        found = Href(kind="page", reason="a whole web site, not a file", instead="link the file")
    found = found or Href(kind="file", url=text)
    return replace(found, ends=True) if stores.is_signed(web) else found


def _readers(web: Web) -> tuple[Reader, ...]:
    named = _HOSTS.get(web.host)
    if named is None and web.host.endswith(_ENDS):
        named = next(read for end, read in _DOMAINS if web.host.endswith(end))
    return (named,) if named else _SHAPES


def _with_ref(text: str, *, surely: bool = False) -> Href | None:
    """A repository with a ref behind its address: `…@ref`, `….git#commit`, `…?ref=commit`.

    `surely`: whether it is one at any host. What is signed in before the host stays so, and is refused for that.
    """
    found = _REF_BEHIND.fullmatch(text.partition("#")[0]) or _COMMIT_BEHIND.fullmatch(text)
    if found is None:
        return None
    home, ref = found.groups()
    inner = _web(home)
    is_one = inner.kind == "repository" or (
        inner.kind == "file" and (surely or (home.endswith(".git") and is_commit(ref)))
    )
    if not is_one:
        return None
    repository = home if "@" in home else inner.repository or home
    reason = "a repository, not a file of it"
    return replace(
        inner, kind="repository", url=None, reason=reason, repository=repository, ref=plain_ref(ref),
        moves=may_move(ref),
    )  # fmt: skip


def _repository(text: str) -> Href | None:
    """`git+https://…`, `git@host:owner/name` and `ssh://`."""
    if text.lower().startswith(("git+http://", "git+https://")):
        plain = text[4:]
        whole = plain.partition("#")[0]
        if pinned := _with_ref(plain, surely=True):
            return pinned
        inner, signed_in = _web(plain), "@" in plain
        return replace(inner, kind="repository", url=None, repository=whole if signed_in else inner.repository or whole)
    if found := _SSH.fullmatch(text):
        host, path = (found[1] or found[2]).lower(), found[3].removesuffix("/")
        home = f"https://{host}/{path}" if host in _TWINS else None
        return Href(
            kind="repository", reason="an address that needs somebody's ssh key", repository=home, keyed=True,
            instead="give the repository's https address",
        )  # fmt: skip
    return None
