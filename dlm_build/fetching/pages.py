"""Web pages served in place of files: the addresses where publishers most often take one for the other."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from dlm_build.errors import SourceGone
from dlm_build.fetching.urls import shown_url


def web_page(url: str) -> SourceGone:
    """The error for an HTML page where a file was expected, with the file's own address where it can be told."""
    fixed = direct_url(url)
    hint = f"use {fixed}" if fixed else "publish the address behind the page's download button"
    return SourceGone(f"{shown_url(url)} is a web page, not the file", hint)


def direct_url(url: str) -> str | None:
    """The address of the file that a share page, repository page or model-hub page shows."""
    parts = urlsplit(url)
    host, path = (parts.hostname or "").lower().removeprefix("www."), parts.path
    if host == "drive.google.com" and (found := re.match(r"/file/d/([\w-]+)", path) or _query_id(parts.query)):
        return f"https://drive.usercontent.google.com/download?id={found.group(1)}&export=download&confirm=t"
    if host == "github.com" and (found := re.match(r"/([^/]+/[^/]+)/blob/(.+)", path)):
        return f"https://raw.githubusercontent.com/{found.group(1)}/{found.group(2)}"
    if host == "huggingface.co" and (found := re.match(r"(/.+?)/blob/(.+)", path)):
        return f"https://huggingface.co{found.group(1)}/resolve/{found.group(2)}"
    if host == "dropbox.com" and "dl=0" in parts.query:
        return parts._replace(query=parts.query.replace("dl=0", "dl=1")).geturl()
    if found := re.match(r"(/.+)/-/blob/(.+)", path):
        return parts._replace(path=f"{found.group(1)}/-/raw/{found.group(2)}", query="", fragment="").geturl()
    if host == "bitbucket.org" and (found := re.match(r"(/[^/]+/[^/]+)/src/(.+)", path)):
        return f"https://bitbucket.org{found.group(1)}/raw/{found.group(2)}"
    return None


def _query_id(query: str) -> re.Match[str] | None:
    return re.search(r"(?:^|&)id=([\w-]+)", query)
