"""Programs that do what a watched one must not, so that the watch is seen to notice."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path


def writes_outside() -> None:
    outside = Path(sys.argv[1])
    (outside / "a").write_text("x")
    (outside / "b").mkdir()
    (outside / "a").rename(outside / "c")
    os.truncate(outside / "c", 0)
    (outside / "c").unlink()


def writes_through_a_link() -> None:
    Path("link").symlink_to(sys.argv[1])
    Path("link/d").write_text("x")


def writes_inside() -> None:
    Path("x").write_text("x")
    (Path.home() / "y").mkdir()


def reads_outside() -> None:
    Path("/etc/hostname").exists()
    Path("/etc/passwd").read_bytes()


def connects() -> None:
    for address in (("127.0.0.1", 9), ("192.0.2.1", 443)):
        try:
            socket.create_connection(address, timeout=1)
        except OSError:
            continue
        raise AssertionError("connected")


def starts_a_program() -> None:
    subprocess.run(["true"], check=True)


def fails() -> None:
    raise ValueError("a bug")


def eats() -> None:
    kept = bytearray(300 << 20)
    kept[:: 1 << 12] = b"x" * len(kept[:: 1 << 12])
    del kept


def spins() -> None:
    while os.times().user < 2.5:
        pass
