"""A loopback server that does what it is told: drops, lies, stalls, redirects, and keeps what it was asked."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.servers import quiet

TLS = Path(__file__).parent / "tls"
Handler = Callable[["Call"], None]


class Call:
    """One request, and the means to answer it."""

    def __init__(self, raw: BaseHTTPRequestHandler, number: int) -> None:
        self.raw = raw
        self.number = number
        """How many requests this path had before."""
        self.headers = {name.lower(): value for name, value in raw.headers.items()}

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        told.setdefault("content-length", str(len(body)))
        self.raw.send_response_only(status)
        for name, value in told.items():
            self.raw.send_header(name, value)
        self.raw.end_headers()
        if self.raw.command != "HEAD":
            self.raw.wfile.write(body)

    def drip(self, times: int, length: int) -> None:
        """Promise `length` bytes, send one every twentieth of a second."""
        self.raw.send_response_only(200)
        self.raw.send_header("content-length", str(length))
        self.raw.end_headers()
        for _ in range(times):
            self.raw.wfile.write(b"x")
            time.sleep(0.05)

    def endless(self, times: int) -> None:
        """Chunks of 64 KiB, no last one."""
        self.raw.send_response_only(200)
        self.raw.send_header("transfer-encoding", "chunked")
        self.raw.end_headers()
        for _ in range(times):
            self.raw.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    def drop(self) -> None:
        """Close without a goodbye."""
        self.raw.wfile.flush()
        self.raw.close_connection = True

    def range_start(self) -> int | None:
        value = self.headers.get("range", "")
        return int(value.removeprefix("bytes=").rstrip("-")) if value else None


class Server:
    """Answers paths by the handlers it was given, and 404 for the rest."""

    def __init__(self, port: int, scheme: str) -> None:
        self.handlers: dict[str, Handler] = {}
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.port = port
        self._scheme = scheme

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    def serve(self, path: str, body: bytes, **headers: str) -> str:
        self.handlers[path] = lambda call: call.answer(200, body, **headers)
        return self.url(path)

    def on(self, path: str) -> Callable[[Handler], Handler]:
        def take(handler: Handler) -> Handler:
            self.handlers[path] = handler
            return handler

        return take

    def count(self, path: str) -> int:
        return sum(1 for _, called, _ in self.calls if called == path)


def _missing(call: Call) -> None:
    call.answer(404, b"no")


@contextmanager
def running(tls: bool = False) -> Iterator[Server]:
    lock = threading.Lock()

    class Answering(quiet.Quiet):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            with lock:
                call = Call(self, scripted.count(path))
                scripted.calls.append((self.command, path, call.headers))
            handler = scripted.handlers.get(path, _missing)
            try:
                handler(call)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                self.close_connection = True

        do_HEAD = do_GET

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
    if context:
        context.load_cert_chain(TLS / "server.pem")
    with quiet.listening(Answering, context) as port:
        scripted = Server(port, "https" if tls else "http")
        yield scripted
