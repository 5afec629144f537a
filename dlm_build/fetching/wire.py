"""One HTTP exchange, redirects included: TLS, proxies, and connections only to addresses that were checked.

A stranger's URL is resolved once per connection, every address is checked, and the connection goes to a checked
address while TLS still asks for the host by name; so a name that changes between check and connect gains nothing.
Behind a proxy it is the proxy that connects: then the name is checked here as far as it can be resolved, and the
proxy's own rules guard the rest.
"""

from __future__ import annotations

import ssl
import urllib.request
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

import httpcore
import httpx

from dlm_build import __version__
from dlm_build.errors import InfraError, ItemHostile, UsageError
from dlm_build.fetching.patience import Patience
from dlm_build.fetching.urls import Address, checked_url, redirected

Find = Callable[[str, int], tuple[str, ...]]
"""Host and port to addresses that may be connected to; raises ItemHostile or InfraError."""
Body = Callable[[], Iterable[bytes]]
"""What is sent, made anew for each server that a redirect leads to."""

REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_SECRET = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
_CA_FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CORE_PROBLEMS = (
    httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError,
    httpcore.UnsupportedProtocol, httpcore.ConnectionNotAvailable,
)  # fmt: skip


class Trouble(Exception):
    """An exchange that failed on the way: worth another try, unless `lasting`."""

    def __init__(self, message: str, hint: str, *, unreached: bool = False, lasting: bool = False) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint
        self.unreached, self.lasting = unreached, lasting
        self.wait: float | None = None


class Answer:
    """Status and headers (names in lower case) of an open response; its body comes in chunks."""

    def __init__(self, response: httpx.Response, address: Address) -> None:
        self.status = response.status_code
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.address = address
        self._response = response

    def chunks(self) -> Iterator[bytes]:
        """The bytes as sent. Raises Trouble when they stop early."""
        if self.headers.get("content-encoding", "identity").lower() != "identity":
            raise Trouble(
                f"{self.address.shown}: the server compresses its answer although asked not to",
                "ask its operator, or use a mirror",
                lasting=True,
            )
        with translated(self.address):
            yield from self._response.iter_raw()  # as they come: a larger chunk would hide a stall


class Wire:
    """Holds the connections. Safe for threads."""

    def __init__(self, environment: Mapping[str, str], allow_hosts: tuple[str, ...], patience: Patience, find: Find):
        self._environment, self._allow_hosts = environment, allow_hosts
        self._patience, self._find = patience, find
        self._clients: dict[tuple[str | None, bool], httpx.Client] = {}
        self._lock = Lock()
        self._tls: ssl.SSLContext | None = None
        weakref.finalize(self, _close_all, self._clients)

    def close(self) -> None:
        with self._lock:
            _close_all(self._clients)

    @contextmanager
    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], trusted: bool, body: Body | None = None
    ) -> Iterator[Answer]:
        """The answer at the end of all redirects, each of which is checked as the first URL was."""
        address = checked_url(url, trusted=trusted, allow_hosts=self._allow_hosts)
        still, sent = trusted, dict(headers)
        with ExitStack() as stack:
            for _ in range(REDIRECTS + 1):
                response = stack.enter_context(self._sent(method, address, sent, body))
                location = response.headers.get("location")
                if response.status_code not in _MOVED or not location:
                    yield Answer(response, address)
                    return
                stack.pop_all().close()
                with _blamed(trusted):
                    new, still = redirected(address, location, trusted=still, allow_hosts=self._allow_hosts)
                if new.origin != address.origin:
                    sent = {name: value for name, value in sent.items() if name.lower() not in _SECRET}
                address = new
        raise Trouble(f"{address.shown}: more than {REDIRECTS} redirects", "ask for the final address", lasting=True)

    @contextmanager
    def _sent(
        self, method: str, address: Address, headers: Mapping[str, str], body: Body | None
    ) -> Iterator[httpx.Response]:
        client = self._client(address)
        request = client.build_request(method, address.url, headers=dict(headers), content=body() if body else None)
        if body:  # the server may have much to hash before it answers
            request.extensions["timeout"]["read"] = self._patience.answer
        with ExitStack() as stack:
            with translated(address):
                response = client.send(request, stream=True)
            stack.callback(response.close)
            yield response

    def _client(self, address: Address) -> httpx.Client:
        proxy = proxy_for(address, self._environment)
        if proxy and address.pinned:
            with suppress(InfraError):
                self._find(address.host, address.port)
        with self._lock:
            key = (proxy, address.pinned)
            if key not in self._clients:
                self._clients[key] = self._new_client(proxy, address.pinned)
            return self._clients[key]

    def _new_client(self, proxy: str | None, pinned: bool) -> httpx.Client:
        self._tls = self._tls or tls_context(self._environment)
        waits = self._patience
        return httpx.Client(
            transport=httpx.HTTPTransport(verify=self._tls, proxy=proxy, trust_env=False)
            if proxy
            else _Transport(self._tls, _CheckedBackend(self._find) if pinned else None),
            timeout=httpx.Timeout(waits.read, connect=waits.connect),
            headers={"user-agent": f"dlm-build/{__version__}", "accept": "*/*", "accept-encoding": "identity"},
            trust_env=False,
        )


def _close_all(clients: dict[tuple[str | None, bool], httpx.Client]) -> None:
    while clients:
        clients.popitem()[1].close()


@contextmanager
def _blamed(trusted: bool) -> Iterator[None]:
    """Where the operator's own server redirects to a forbidden place, no item is to blame."""
    try:
        yield
    except ItemHostile as problem:
        raise (InfraError(problem.message, problem.hint) if trusted else problem) from problem


def proxy_for(address: Address, environment: Mapping[str, str]) -> str | None:
    """The proxy that the environment names for `address`; this machine itself is never asked through one."""
    name = f"{address.scheme}_proxy"
    proxy = environment.get(name) or environment.get(name.upper())
    exempt = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if not proxy or address.host in ("localhost", "::1") or address.host.startswith("127."):
        return None
    bypassed = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]
    if bypassed(f"{address.host}:{address.port}", {"no": exempt}):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def tls_context(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Certificates from where the environment says, else the system's and certifi's. Raises UsageError."""
    named = next((name for name in _CA_FILES if environment.get(name)), None)
    folder = environment.get("SSL_CERT_DIR") or None
    try:
        if named or folder:
            given = environment[named] if named else None
            if given and Path(given).is_dir():
                given, folder = None, given
            return ssl.create_default_context(cafile=given, capath=folder)
        import certifi

        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
    except OSError as problem:  # ssl.SSLError is one
        name = named or "SSL_CERT_DIR"
        raise UsageError(
            f"{name}={environment.get(name, '')}: certificates cannot be read from there: {problem.strerror}",
            f"point {name} at a PEM file, or unset it",
        ) from problem
    return context


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """Foreign exceptions become Trouble, with what the operator can set."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, *_CORE_PROBLEMS) as problem:
        raise _trouble(address, problem) from problem


def _trouble(address: Address, problem: Exception) -> Trouble:
    where, text = address.shown, str(problem) or type(problem).__name__
    if "CERTIFICATE_VERIFY_FAILED" in text:
        hint = "behind a proxy that inspects TLS, set SSL_CERT_FILE to its certificates"
        return Trouble(f"{where}: the server's certificate is not trusted: {text}", hint, lasting=True)
    if isinstance(problem, httpx.InvalidURL | httpx.UnsupportedProtocol | httpcore.UnsupportedProtocol):
        return Trouble(f"{where}: cannot be asked: {text}", "give a URL like https://host/path", lasting=True)
    unreached = isinstance(
        problem,
        httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError
        | httpcore.ConnectError | httpcore.ConnectTimeout | httpcore.ProxyError,
    )  # fmt: skip
    hint = "check the network; behind a proxy set HTTPS_PROXY, on a closed site name a mirror in the settings"
    what = "cannot be reached" if unreached else "the connection broke"
    return Trouble(f"{where}: {what}: {text}", hint, unreached=unreached)


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects only to addresses that were checked, and to nothing else by another name."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._find(host, port)
        for n, address in enumerate(addresses):
            try:
                return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if n + 1 == len(addresses):
                    raise
        raise httpcore.ConnectError(f"{host} has no address")


class _Stream(httpx.SyncByteStream):
    def __init__(self, inner: Iterable[bytes]) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        yield from self._inner

    def close(self) -> None:
        close = getattr(self._inner, "close", None)
        if close is not None:
            close()


class _Transport(httpx.BaseTransport):
    """httpx over an httpcore pool whose connections we choose; its exceptions are translated with the others."""

    def __init__(self, tls: ssl.SSLContext, backend: httpcore.NetworkBackend | None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            network_backend=backend,
            max_connections=32,
            max_keepalive_connections=8,
            keepalive_expiry=5,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=url,
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(response.stream, Iterable)
        return httpx.Response(
            response.status, headers=response.headers, stream=_Stream(response.stream), extensions=response.extensions
        )

    def close(self) -> None:
        self._pool.close()
