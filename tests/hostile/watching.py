"""What a process asks of the world, told by the interpreter: files it writes and reads, servers, programs.

An audit hook sees these before they happen and cannot be taken off again, so it belongs in a process that ends soon.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.mkdir": 1, "os.rename": 2, "os.link": 2, "os.symlink": 2, "os.remove": 1, "os.rmdir": 1, "os.truncate": 1,
    "os.chmod": 1, "os.chown": 1, "os.utime": 1, "os.setxattr": 1, "os.removexattr": 1, "sqlite3.connect": 1,
}  # fmt: skip
"""Events that change files, and how many of their first arguments are paths."""
_QUESTIONS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_CONNECTIONS = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg")
_PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty")


class Seen(msgspec.Struct):
    """What was seen, each as one line."""

    wrote: list[str] = []
    """Outside of the scratch folder."""
    read: list[str] = []
    """Neither there nor where programs are installed."""
    asked: list[str] = []
    started: list[str] = []


def watch(scratch: Path, reads: tuple[str, ...]) -> Seen:
    """From now on. What lies below `scratch` may be written, what begins with one of `reads` may be read.

    No address is found and no connection made, as on a machine without a network; no program is started.
    """
    seen = Seen()
    own = f"{scratch.resolve()}{os.sep}"

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            _note_open(seen, args, own, reads)
        elif count := _CHANGES.get(event):
            outside = [path for path in map(_whole, args[:count]) if path and not path.startswith(own)]
            seen.wrote += [f"{event} {path}" for path in outside]
        elif event in _QUESTIONS or event in _CONNECTIONS:
            seen.asked.append(f"{event} {args[0] if event in _QUESTIONS else args[1]}")
            raise OSError(errno.ENETUNREACH, "the network is not reached")
        elif event in _PROGRAMS:
            seen.started.append(f"{event} {args[:2]}")
            raise PermissionError(errno.EPERM, "no program is started")

    sys.addaudithook(hook)
    return seen


def _note_open(seen: Seen, args: tuple[Any, ...], own: str, reads: tuple[str, ...]) -> None:
    path, mode, flags = args
    name = _whole(path)
    if not name or name == os.devnull:
        return
    if (flags or 0) & _WRITES or any(letter in (mode or "") for letter in "wxa+"):
        seen.wrote += [] if name.startswith(own) else [f"open {name}"]
    elif not name.startswith((own, *reads)):
        seen.read.append(name)


def _whole(path: object) -> str:
    """As the kernel finds it: absolute, its folder without links. Empty for a file that is open already."""
    if not isinstance(path, str | bytes | os.PathLike):
        return ""
    name = Path(os.fsdecode(path)).absolute()
    return str(name.parent.resolve() / name.name)
