"""The grammar of URLs: one reading of each, and a refusal of those that two programs could read differently."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from msgspec.structs import replace

from dlm_build.errors import DlmBuildError, ItemHostile, ItemInvalid, UsageError, shown
from dlm_build.fetching.addresses import allowing, is_oddly_numeric, is_public, public_fix
from dlm_build.records import Record

LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
"""That begins no escape."""
_ODD = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff]")
"""Half a pair of UTF-16 among them, which JSON can spell and nothing can send."""
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
_PRIVATE_NAMES = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa")
_PORTS = {"http": 80, "https": 443}


class Address(Record, frozen=True, kw_only=True):
    """A URL that may be asked, taken apart."""

    url: str
    """As it goes out: without fragment, host in lower-case punycode."""
    scheme: str
    host: str
    port: int = 0
    path: str = ""
    """For `file`: the decoded path."""
    pinned: bool = False
    """Whether the connection must go to a public address."""

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def shown(self) -> str:
        """For messages: no password, no query (tokens live there), escaped."""
        return shown_url(self.url)


def checked_url(url: str, *, trusted: bool, allow_hosts: tuple[str, ...] = ()) -> Address:
    """`url` as it may be asked.

    A trusted URL (the operator's) may be http, https or file. A stranger's must be https, without credentials, and
    lead to a public address; a host of `allow_hosts` may also be private and plain http. Raises ItemInvalid where that
    is an honest mistake, as plain http to a public host is, ItemHostile, or for a trusted URL UsageError.
    """
    wrong = UsageError if trusted else ItemInvalid
    if _ODD.search(url):
        raise (UsageError if trusted else ItemHostile)(
            f"URL {shown_url(url)} has spaces, control characters or a backslash", "percent-encode them"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        why = "" if "@" in url else f": {problem}"  # a part of a password may stand in it
        raise wrong(f"URL {shown_url(url)} cannot be read{why}", "give a URL like https://host/path") from problem
    scheme = parts.scheme.lower()
    if scheme == "file" and trusted:
        return _file(parts, url)
    if scheme not in _PORTS:
        raise _scheme_error(url, scheme, trusted)
    host = _host(parts, url, wrong)
    address = Address(url=_sent(parts, scheme, host, port), scheme=scheme, host=host, port=port or _PORTS[scheme])
    return address if trusted else _stranger(address, parts, allow_hosts)


def _stranger(address: Address, parts: SplitResult, allow_hosts: tuple[str, ...]) -> Address:
    if parts.username is not None or parts.password is not None:
        raise ItemHostile(
            f"URL {address.shown} carries credentials in front of its host", "give the plain address of the file"
        )
    if is_oddly_numeric(address.host):
        raise ItemHostile(
            f"URL {address.shown} spells its host as a number that programs read differently", "give a host name"
        )
    if {address.host, f"{address.host}:{address.port}"} & set(allow_hosts):
        return address
    if _is_private(address):
        raise ItemHostile(f"URL {address.shown} leads to an address that is not public", public_fix(address.host))
    if address.scheme != "https":
        raise ItemInvalid(
            f"URL {address.shown} is not https: what it serves could be changed on the way",
            f"publish it over https, or {allowing(address.host)}",
        )
    return replace(address, pinned=True)


def _is_private(address: Address) -> bool:
    """As far as the URL tells. Over https a name is asked, and its addresses decide; over http it is not."""
    host = address.host.removesuffix(".")
    if _is_ip(host):
        return not is_public(host)
    return address.scheme == "http" and ("." not in host or host.endswith(_PRIVATE_NAMES))


def redirected(old: Address, location: str, *, trusted: bool, allow_hosts: tuple[str, ...]) -> tuple[Address, bool]:
    """Where a redirect leads, and whether that is still the trusted server. Every hop is checked anew."""
    target = urljoin(old.url, location)
    still = trusted and _same_server(old, target)
    try:
        new = checked_url(target, trusted=still, allow_hosts=allow_hosts)
    except DlmBuildError as problem:
        hint = problem.hint if isinstance(problem, ItemHostile) else "ask for the final address instead"
        raise ItemHostile(f"URL {old.shown} redirects to a place it may not: {problem.message}", hint) from problem
    if new.scheme == "file" or (old.scheme == "https" and new.scheme != "https"):
        raise ItemHostile(
            f"URL {old.shown} redirects from https to {new.shown}, which is not protected", "use the https address"
        )
    return new, still


def _same_server(old: Address, target: str) -> bool:
    """Same host and port, or the same host moved from http to https."""
    try:
        parts = urlsplit(target)
        port = parts.port or _PORTS.get(parts.scheme.lower(), 0)
    except ValueError:
        return False
    if (parts.hostname or "").lower() != old.host:
        return False
    return port == old.port or (old.scheme, old.port, parts.scheme.lower(), port) == ("http", 80, "https", 443)


def is_beside(origin: str, url: str) -> bool:
    """Whether `url` is on the server of `origin`, and that is a plain or private one: who asks it, trusts it."""
    try:
        mine, other = urlsplit(origin), urlsplit(url)
    except ValueError:
        return False
    if mine.scheme not in ("http", "https") or (mine.scheme, mine.netloc) != (other.scheme, other.netloc):
        return False
    host = mine.hostname or ""
    return mine.scheme == "http" or host == "localhost" or ":" in host or host.rpartition(".")[2].isdigit()


def url_parts(url: str) -> SplitResult:
    """Of what no program reads as a URL, such as `https://[`, empty ones: it has no scheme, host or path."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def joined(base: str, href: str) -> str:
    """`href` as seen from `base`; as it is, where no program reads it."""
    try:
        return urljoin(base, href)
    except ValueError:
        return href


def public_url(url: str) -> str:
    """`url` without what may be secret: what stands before its host, and what is in its query; and without fragment.

    Its place is the same, and so is what is beside it.
    """
    parts = _with_port(url)
    if parts is None:
        scheme, slashes, rest = url.partition("//")
        return scheme + slashes + re.split(r"[?#]", rest.rpartition("@")[2], maxsplit=1)[0]
    if not (parts.query or "@" in parts.netloc or parts.fragment):
        return url
    return parts._replace(
        netloc=parts.netloc.rpartition("@")[2], query="…" if parts.query else "", fragment=""
    ).geturl()  # fmt: skip


def shown_url(url: str) -> str:
    """`url` for messages: without password and query, escaped and shortened."""
    return shown(public_url(url), 200)


def public_place(place: str) -> str:
    """A path as it is, or a URL without what may be secret in it."""
    return public_url(place) if place[:8].lower().startswith(("http://", "https://")) else place


def shown_place(place: str) -> str:
    """The same for messages."""
    return shown(public_place(place), 300)


def has_userinfo(url: str) -> bool:
    """Whether something stands before the host of `url`, or what may have been meant to."""
    parts = _with_port(url)
    return "@" in (url if parts is None else parts.netloc)


def _with_port(url: str) -> SplitResult | None:
    """None where a part cannot be read: a password with a slash in it makes no port."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _host(parts: SplitResult, url: str, wrong: type[DlmBuildError]) -> str:
    host = (parts.hostname or "").lower()
    if not host:
        raise wrong(f"URL {shown_url(url)} has no host", "give a URL like https://host/path")
    if ":" in host:
        if not _is_ip(host):
            raise wrong(f"URL {shown_url(url)} has a host that is no address", "give a host name")
        return host
    try:
        plain = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as problem:
        raise wrong(f"URL {shown_url(url)} has a host name that cannot be encoded", "give the plain name") from problem
    if len(plain) > 253 or not _HOST.fullmatch(plain):
        raise wrong(f"URL {shown_url(url)} has a host name that no server can have", "correct the host name")
    return plain


def _sent(parts: SplitResult, scheme: str, host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    userinfo, at, _ = parts.netloc.rpartition("@")
    netloc = f"{userinfo}{at}{name}" + (f":{port}" if port is not None else "")
    return parts._replace(scheme=scheme, netloc=netloc, path=parts.path or "/", fragment="").geturl()


def _file(parts: SplitResult, url: str) -> Address:
    if parts.netloc not in ("", "localhost"):
        raise UsageError(f"URL {shown_url(url)} names a file of another machine", "use file:///path")
    return Address(url=url, scheme="file", host="", path=unquote(parts.path))


def _scheme_error(url: str, scheme: str, trusted: bool) -> DlmBuildError:
    what = f"URL {shown_url(url)} has scheme {shown(scheme)!r}" if scheme else f"{shown(url)} is not a URL"
    if trusted:
        return UsageError(what, "use https, http or file")
    if not scheme:
        return ItemInvalid(what, "give a URL like https://host/path")
    if scheme in ("ftp", "s3", "gs", "az", "hdfs", "swift"):
        return ItemInvalid(f"{what}, which is not supported", "publish the file at an https address")
    return ItemHostile(f"{what}; only https is allowed", "publish the file at an https address")


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
