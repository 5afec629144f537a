"""``python channel_server.py PORT FOLDER``: the conda channel over HTTP on loopback."""

from __future__ import annotations

import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class ChannelHandler(SimpleHTTPRequestHandler):
    """Files of the channel, with "not modified" answers that say of what, as rattler's cache demands."""

    protocol_version = "HTTP/1.1"

    def send_response(self, code: int, message: str | None = None) -> None:
        """Start an answer; "not modified" gets the date that the base class leaves out."""
        super().send_response(code, message)
        if code == HTTPStatus.NOT_MODIFIED:
            modified = Path(self.translate_path(self.path)).stat().st_mtime
            self.send_header("Last-Modified", self.date_time_string(int(modified)))

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: the log is for errors."""


def make_server(port: int, folder: Path) -> ThreadingHTTPServer:
    """A server of ``folder`` on a loopback port; 0 picks a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(ChannelHandler, directory=str(folder)))


if __name__ == "__main__":
    make_server(int(sys.argv[1]), Path(sys.argv[2])).serve_forever()
