"""Git's own HTTP server (`git http-backend`) for one folder of bare repositories, on loopback, read only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import quiet


def backend() -> Path:
    """Where git keeps its server."""
    said = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True, timeout=20)
    return Path(said.stdout.strip()) / "git-http-backend"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address below which the repositories of `folder` are. Requests are kept to smart HTTP's own."""
    program = str(backend())

    class Answering(quiet.Quiet):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            env = {
                "PATH": os.environ.get("PATH", os.defpath),
                "GIT_PROJECT_ROOT": str(folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_NOSYSTEM": "1",
                "HOME": str(folder),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("content-type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
                "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
            }
            done = subprocess.run([program], input=body, env=env, capture_output=True, check=False, timeout=60)
            head, _, rest = done.stdout.partition(b"\r\n\r\n")
            fields = [line.partition(": ")[::2] for line in head.decode("latin-1").split("\r\n")]
            status = next((value for name, value in fields if name == "Status"), "200 OK")
            self.send_response_only(int(status.split()[0]))
            for name, value in fields:
                if name != "Status":
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(rest)

        do_POST = do_GET

    with quiet.serving(Answering) as address:
        yield address
