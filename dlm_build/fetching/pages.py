"""What hosts serve in place of files: how to say so, and where the file itself is, as far as that can be told."""

from __future__ import annotations

from urllib.parse import urlsplit

from dlm_build.errors import SourceGone, shown
from dlm_build.fetching.urls import shown_url
from dlm_build.hrefs import read_href
from dlm_build.magic import StandIn

_SAYS = {
    "page": "is a web page, not the file",
    "confirmation": "is a web page that asks for a confirmation (a virus scan warning), not the file",
    "login": "is a web page that asks to sign in, not the file",
    "lfs-pointer": "is a Git LFS pointer, not the file it points to",
    "annex-pointer": "is a git-annex pointer, not the file it points to",
    "xml-error": "is an error in XML, not the file",
    "json-error": "is an error in JSON, not the file",
    "empty": "is empty",
}
_FIXES = {
    "page": "publish the address behind the page's download button",
    "confirmation": "publish the file where a plain GET serves it, e.g. as a release or a deposit",
    "login": "make the file public; dlm-build sends no credentials",
    "lfs-pointer": "link the file itself: on GitHub its address with /raw/ in it, on Hugging Face with /resolve/",
    "annex-pointer": "link the file itself, where its content was uploaded",
    "xml-error": "make the object public, or correct its address",
    "json-error": "correct the address, or make the file public",
    "empty": "publish the file again, and add its file:size",
}


class StoodIn(SourceGone):
    """An answer that is surely not the file; `found` says what it is."""

    def __init__(self, message: str, hint: str, found: StandIn) -> None:
        super().__init__(message, hint)
        self.found = found


def stood_in(found: StandIn, url: str, asked: str | None = None) -> StoodIn:
    """The error for it. `url` is where it came from in the end, `asked` the address that was asked for first."""
    said = f': "{shown(found.said)}"' if found.said else ""
    way = f"{shown_url(asked)} leads to {shown_url(url)}, which" if asked and _host(asked) != _host(url) else ""
    direct = object_url(url) if found.what == "lfs-pointer" else direct_url(asked or url)
    hint = f"use {direct}" if direct else _instead(found, asked or url)
    return StoodIn(f"{way or shown_url(url)} {_SAYS[found.what]}{said}", hint, found)


def _instead(found: StandIn, url: str) -> str:
    """What the host's own rules say to link, where a page was found."""
    known = read_href(url).instead if found.what in ("page", "confirmation", "login") else ""
    return known or _FIXES[found.what]


def says(found: StandIn) -> str:
    """In words that follow the name of the file."""
    return _SAYS[found.what]


def fix_for(found: StandIn) -> str:
    return _FIXES[found.what]


def direct_url(url: str) -> str | None:
    """The address of the file that a share page, repository page or model-hub page shows."""
    meaning = read_href(url)
    return meaning.url if meaning.url not in (url, url.partition("#")[0]) else None


def object_url(url: str) -> str | None:
    """Where the object behind a Git LFS pointer at `url` is served; None where the host has no such address."""
    parts = urlsplit(url)
    segments = [part for part in parts.path.split("/") if part]
    if parts.hostname == "raw.githubusercontent.com" and len(segments) > 3:
        return f"https://media.githubusercontent.com/media{parts.path}"
    if parts.hostname == "huggingface.co" and "raw" in segments[1:4]:
        return parts._replace(path=parts.path.replace("/raw/", "/resolve/", 1)).geturl()
    if any(f"/raw/{by}/" in parts.path for by in ("branch", "commit", "tag")):
        return parts._replace(path=parts.path.replace("/raw/", "/media/", 1)).geturl()
    return None


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
