"""Share pages of file-hosting services: which of them have an address of the file itself."""

from __future__ import annotations

import re

from dlm_build.hrefs.record import Href, Web

_PUBLISH = "publish the file where a plain GET serves it, e.g. as a release or a deposit"
_DRIVE_ID = re.compile(r"[\w-]{4,120}")
_CLOUD_TOKEN = re.compile(r"[A-Za-z0-9]{10,20}")


def google_drive(web: Web) -> Href | None:
    """drive.google.com and docs.google.com. The file's address is certain; large files may ask for a confirmation."""
    parts = web.segments
    if "folders" in parts or "drive" in parts[:1]:
        return Href(kind="folder", reason="a shared folder of Google Drive", instead=_PUBLISH)
    number = parts[parts.index("d") + 1] if "d" in parts[:-1] else web.query.get("id", "")
    if not _DRIVE_ID.fullmatch(number) or parts[:1] not in (("file",), ("open",), ("uc",), ("u",), ("a",)):
        return Href(kind="page", reason="a page of Google Drive", instead=_PUBLISH)
    url = f"https://drive.usercontent.google.com/download?id={number}&export=download&confirm=t"
    key = web.query.get("resourcekey", "")
    url = f"{url}&resourcekey={key}" if re.fullmatch(r"[\w-]{1,80}", key) else url
    return Href(kind="share", url=url, reason="a share page of Google Drive", instead=_PUBLISH, asks=True)


def google_content(web: Web) -> Href | None:
    """drive.usercontent.google.com, where large files ask for a confirmation unless it is given in the address."""
    number = web.query.get("id", "")
    if web.at(0) not in ("download", "uc") or not _DRIVE_ID.fullmatch(number):
        return None
    if "confirm" in web.query:
        return Href(kind="file", url=web.text, reason="a shared file of Google Drive", instead=_PUBLISH, asks=True)
    url = f"https://drive.usercontent.google.com/download?id={number}&export=download&confirm=t"
    return Href(kind="share", url=url, reason="a shared file of Google Drive", instead=_PUBLISH, asks=True)


def dropbox(web: Web) -> Href | None:
    """A file's share page serves the file with `dl=1`; a folder's packs it anew each time."""
    if web.at(0) in ("sh", "scl") and web.at(1) != "fi":
        return Href(kind="folder", reason="a shared folder of Dropbox, packed anew each time", instead=_PUBLISH)
    if web.at(0) not in ("s", "scl") or len(web.segments) < 3:
        return Href(kind="page", reason="a page of Dropbox", instead=_PUBLISH)
    if web.query.get("dl") == "1" or web.query.get("raw") == "1":
        return Href(kind="file", url=web.text, reason="a shared file of Dropbox")
    bare, _, query = web.text.partition("?")
    kept = [pair for pair in query.split("&") if pair and not re.match(r"(dl|raw)=", pair)]
    return Href(kind="share", url=f"{bare}?{'&'.join([*kept, 'dl=1'])}", reason="a share page of Dropbox")


def onedrive(web: Web) -> Href | None:
    if web.query.get("download") == "1" or web.at(0) == "download":
        return Href(kind="file", url=web.text, reason="a shared file of OneDrive", asks=True)
    return Href(kind="share", reason="a share page of OneDrive or SharePoint, whose file has no lasting address",
                instead=f"try the same link with download=1 in its query, or {_PUBLISH}")  # fmt: skip


def nextcloud(web: Web) -> Href | None:
    """Any Nextcloud or ownCloud, by `/s/<token>`; `/download` after it serves a file, or packs a folder."""
    parts = web.segments[1:] if web.at(0) == "index.php" else web.segments
    if len(parts) != 2 or parts[0] != "s" or not _CLOUD_TOKEN.fullmatch(parts[1]):
        return None
    return Href(kind="share", reason="a share page of Nextcloud", instead=f"link {web.text.rstrip('/')}/download")


def box(web: Web) -> Href | None:
    if "static" in web.segments:
        return None
    return Href(kind="share", reason="a share page of Box", instead="link its direct link: .../shared/static/<name>")


def other_share(web: Web) -> Href | None:
    """Services whose links need a browser, a program of theirs, or an account, or that end after days."""
    return Href(kind="share", reason=f"a share page of {web.host}, which no plain GET opens", instead=_PUBLISH)
