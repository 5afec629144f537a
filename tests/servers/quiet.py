"""HTTP servers of the tests' own on loopback, which say nothing on stderr."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Quiet(BaseHTTPRequestHandler):
    """To be filled with `do_GET` and the like."""

    timeout = 30

    def log_message(self, *_args: object) -> None:
        """Nothing to say."""


class _Files(Quiet, SimpleHTTPRequestHandler):
    """A plain file server."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args: object) -> None:
        """A client that hangs up is what many tests are about."""


@contextmanager
def listening(handler: Callable[..., BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port at which `handler` answers meanwhile."""
    server = _Server(("127.0.0.1", 0), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address at which `handler` answers meanwhile."""
    with listening(handler) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def serving_files(folder: Path) -> Iterator[str]:
    """The address of a plain file server of `folder`."""
    with serving(partial(_Files, directory=str(folder))) as address:
        yield address
