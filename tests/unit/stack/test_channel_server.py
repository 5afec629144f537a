"""The channel's server keeps to what rattler's cache asks of one."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.channel_server import make_server

pytestmark = pytest.mark.loopback


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[http.client.HTTPConnection]:
    (tmp_path / "repodata.json").write_text("{}")
    with make_server(0, tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        link = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
        yield link
        link.close()
        server.shutdown()
        thread.join()


def test_not_modified_names_the_date_and_keeps_the_connection(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/repodata.json")
    first = connection.getresponse()
    assert (first.status, first.read()) == (200, b"{}")
    date = first.headers["Last-Modified"]
    connection.request("GET", "/repodata.json", headers={"If-Modified-Since": date})
    second = connection.getresponse()
    assert (second.status, second.read(), second.headers["Last-Modified"]) == (304, b"", date)
    connection.request("GET", "/absent")
    assert connection.getresponse().status == 404
