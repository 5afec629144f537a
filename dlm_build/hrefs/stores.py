"""Object stores: their own schemes, their consoles, and addresses signed for a time."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from dlm_build.hrefs.record import Href, Web

_PUBLIC = "publish the file at an https address that needs no account"
_OBJECT = re.compile(
    r"(s3a?n?|gs|gcs|az|azure|abfss?|wasbs?|adl|oss|swift|hdfs|b2)://([^/?#]+)/?([^?#]*)", re.IGNORECASE
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,2}-\d{1,2}")
_SIGNED = frozenset({"x-amz-signature", "x-goog-signature", "signature", "sig", "x-oss-signature", "se"})


def object_scheme(text: str) -> Href | None:
    """`s3://bucket/key` and its like; None for other schemes."""
    found = _OBJECT.fullmatch(text)
    if found is None:
        return None
    scheme, bucket, key = found[1].lower(), found[2], found[3]
    if key and not key.endswith("/"):
        if scheme.startswith("s3") and (url := _s3(bucket, key)):
            return Href(kind="store", url=url, reason="an object of S3", instead=_PUBLIC)
        if scheme in ("gs", "gcs"):
            return Href(kind="store", url=_google(bucket, key), reason="an object of Google Cloud", instead=_PUBLIC)
        if url := _azure(bucket, key):
            return Href(kind="store", url=url, reason="an object of Azure", instead=_PUBLIC)
    return Href(kind="store", reason=f"an address of {scheme}, which nobody else can open", instead=_PUBLIC)


def _s3(bucket: str, key: str, region: str = "") -> str | None:
    """The object's https address, which serves it where it is public. A dotted bucket has no certificate of its own."""
    if not _BUCKET.fullmatch(bucket):
        return None
    place = f"s3.{region}.amazonaws.com" if _REGION.fullmatch(region) else "s3.amazonaws.com"
    host = f"{place}/{bucket}" if "." in bucket else f"{bucket}.{place}"
    return f"https://{host}/{_quoted(key)}"


def _google(bucket: str, key: str) -> str:
    return f"https://storage.googleapis.com/{quote(bucket)}/{_quoted(key)}"


def _azure(place: str, key: str) -> str | None:
    """`abfss://container@account.dfs.core.windows.net/key`."""
    container, at, host = place.partition("@")
    account = host.partition(".")[0]
    if not at or not host.endswith(".core.windows.net") or not re.fullmatch(r"[a-z0-9]{3,24}", account):
        return None
    return f"https://{account}.blob.core.windows.net/{quote(container)}/{_quoted(key)}"


def _quoted(key: str) -> str:
    return quote(unquote(key), safe="/~!$&'()*+,=:@-._")


def amazon_console(web: Web) -> Href | None:
    """The S3 console's page about an object names bucket, key and region."""
    if web.segments[:2] != ("s3", "object") or not web.at(2):
        return Href(kind="page", reason="a page of Amazon's console, which asks for an account", instead=_PUBLIC)
    url = _s3(web.at(2), web.query.get("prefix", ""), web.query.get("region", "")) if web.query.get("prefix") else None
    return Href(kind="page", url=url, reason="the S3 console's page about an object", instead=_PUBLIC)


def google_console(web: Web) -> Href | None:
    """console.cloud.google.com/storage/browser/_details/BUCKET/KEY, storage.cloud.google.com/BUCKET/KEY."""
    parts = web.segments
    if web.host == "storage.cloud.google.com":
        parts = ("storage", "browser", "_details", *parts)
    if parts[:3] == ("storage", "browser", "_details") and len(parts) > 4:
        key = "/".join(parts[4:]).partition(";")[0]
        url = _google(parts[3], key)
        return Href(kind="page", url=url, reason="Google's page about an object, which asks for an account")
    return Href(kind="page", reason="a page of Google's console, which asks for an account", instead=_PUBLIC)


def is_signed(web: Web) -> bool:
    """Whether the address holds a signature, which ends after hours or days."""
    names = {name.lower() for name in web.query}
    return bool(names & _SIGNED) and bool(names & {"expires", "x-amz-expires", "x-goog-expires", "se", "x-amz-date"})
