"""What is asked of `docker buildx build`, and what its JSON progress says. No side effects."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from dlm_build.config import Settings
from dlm_build.context_layout import BUILD_ARGS, DOCKERFILE
from dlm_build.progress import Event, Notify
from dlm_build.records import BaseImage, Context, Lock

_BUILDKIT = "https://mobyproject.org/buildkit@v1#metadata"
KEPT_LINES = 40
"""Lines of each step's talk kept for error messages."""


def build_argv(context: Context, folder: Path, packages: Path, tag: str, metadata: Path) -> tuple[str, ...]:
    """The whole build, without network in any step. The built-in frontend is used: nothing names another."""
    return (
        "docker", "buildx", "build", "--builder", "default", "--progress", "rawjson", "--network", "none",
        *digest_args(context),
        "--build-context", f"packages={packages}",
        "--file", str(folder / DOCKERFILE),
        "--metadata-file", str(metadata),
        "--tag", tag,
    )  # fmt: skip


def digest_args(context: Context) -> tuple[str, ...]:
    """The arguments that decide the digest, from the context itself: by hand or driven, they are the same."""
    return tuple(context.text_of(BUILD_ARGS).splitlines())


def mirror_args(lock: Lock, settings: Settings, known: Sequence[str]) -> tuple[str, ...]:
    """Send BuildKit to the site's mirrors for the bases, but not where the engine has one of them (`known`) itself."""
    made = [_mirror_arg(base, settings, known) for base in dict.fromkeys((lock.base, lock.installer_base))]
    return tuple(argument for pair in made for argument in pair)


def _mirror_arg(base: BaseImage, settings: Settings, known: Sequence[str]) -> tuple[str, ...]:
    host, _, repository = base.repository.partition("/")
    mirrors = [_place(url) for url in settings.registries[host].mirrors] if host in settings.registries else []
    engines = [_place(url) for url in known] if host == "docker.io" else []
    if not mirrors or set(mirrors) & set(engines):
        return ()
    return ("--build-context", f"{base.reference}=docker-image://{mirrors[0]}/{repository}@{base.digest}")


def _place(url: str) -> str:
    return re.sub(r"^[a-z]+://", "", url).rstrip("/")


# --- progress ----------------------------------------------------------------------------------------------------


class _Vertex(msgspec.Struct):
    digest: str
    name: str = ""
    started: str | None = None
    completed: str | None = None
    cached: bool = False
    error: str = ""


class _Status(msgspec.Struct):
    id: str
    vertex: str = ""
    current: int = 0
    total: int = 0
    completed: str | None = None


class _Log(msgspec.Struct):
    vertex: str
    data: str = ""


class _Line(msgspec.Struct):
    vertexes: list[_Vertex] | None = None
    statuses: list[_Status] | None = None
    logs: list[_Log] | None = None


_STEPS = (
    (re.compile(r"\[context packages\] load from client"), "packages handed over"),
    (re.compile(r"\[internal\] load build context"), "folder handed over"),
    (re.compile(r"\[[^]]*\] FROM (?:docker\.io/)?(\S+?)@sha256:([0-9a-f]{12})"), r"base \1@\2"),
    (re.compile(r"\[[^]]*\] RUN "), "environment installed"),
    (re.compile(r"\[[^]]*\] COPY --from=env "), "layer: environment"),
    (re.compile(r"\[[^]]*\] COPY ([a-z]+)-[0-9a-f]{32}/"), r"layer: \1"),
    (re.compile(r"exporting to image"), "image written"),
)
_TRANSFERS = {"transferring": "handing over", "extracting": "unpacking a base", "sha256:": "fetching a base"}


def in_words(vertex: str) -> str | None:
    """A step of BuildKit's as a person would name it; None for its household chores."""
    for grammar, words in _STEPS:
        if found := grammar.match(vertex):
            return found.expand(words)
    return None


class Progress:
    """Hears stderr line by line: JSON becomes events, the rest is kept for errors."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify
        self._talk: dict[str, list[str]] = {}
        self._said: set[tuple[str, bool]] = set()
        self.failed: str | None = None
        """Digest of the step that failed."""
        self.error = ""
        self.plain: list[str] = []

    def hear(self, line: str) -> None:
        try:
            told = msgspec.json.decode(line, type=_Line)
        except (msgspec.DecodeError, msgspec.ValidationError):
            if line.strip():
                self.plain = [*self.plain[-KEPT_LINES:], line]
            return
        for vertex in told.vertexes or ():
            self._hear_vertex(vertex)
        for status in told.statuses or ():
            self._hear_status(status)
        for log in told.logs or ():
            self._hear_log(log)

    def talk(self) -> list[str]:
        """What the failed step printed last."""
        return self._talk.get(self.failed or "", [])

    def _hear_vertex(self, vertex: _Vertex) -> None:
        if vertex.error and self.failed is None:
            self.failed, self.error = vertex.digest, vertex.error
        if vertex.started is None:
            return
        done = vertex.completed is not None
        if (vertex.digest, done) not in self._said and (done or not vertex.cached):
            self._said.add((vertex.digest, done))
            self._say(vertex.name, 1 if done else 0, " (as before)" if vertex.cached else "")

    def _say(self, name: str, done: int, note: str) -> None:
        text = in_words(name)
        if text is not None:
            self._notify(Event(step="build", text=text + note, done=done, total=1, unit="steps"))

    def _hear_status(self, status: _Status) -> None:
        name = next((words for start, words in _TRANSFERS.items() if status.id.startswith(start)), None)
        if name and (status.current or status.total):
            total = status.total or (status.current if status.completed else None)
            self._notify(Event(step="build", text=name, done=status.current, total=total))

    def _hear_log(self, log: _Log) -> None:
        text = base64.b64decode(log.data).decode("utf-8", "replace")
        kept = self._talk.setdefault(log.vertex, [])
        kept.extend(text.splitlines())
        del kept[:-KEPT_LINES]


# --- results -----------------------------------------------------------------------------------------------------


def used_digests(metadata: dict[str, Any]) -> frozenset[str]:
    """Digests of the images the build says it started from, `sha256:…`."""
    materials = metadata.get("buildx.build.provenance", {}).get("materials", [])
    return frozenset(
        f"sha256:{entry['digest']['sha256']}" for entry in materials if "sha256" in entry.get("digest", {})
    )


def has_foreign_compression(metadata: dict[str, Any]) -> bool:
    """Whether a layer of ours went into the image as an earlier, plain `docker build` had compressed it.

    BuildKit takes a cached layer in whatever compression was made first, and then the digest is another. Layers of
    the base stay as they were pulled: they are the shortest stack that the whole image's begins with.
    """
    told = metadata.get("buildx.build.provenance", {}).get("metadata", {}).get(_BUILDKIT, {}).get("layers", {})
    stacks = [[layer["mediaType"] for layer in stack] for stacks in told.values() for stack in stacks]
    whole = max(stacks, key=len, default=[])
    base = min((len(stack) for stack in stacks if stack == whole[: len(stack)]), default=0)
    return any(not kind.endswith("+zstd") for kind in whole[base:])
