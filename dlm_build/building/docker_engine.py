"""Docker with BuildKit: builds contexts without network, and looks at what came out through the Docker SDK."""

from __future__ import annotations

import json
import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dlm_build.building.build_errors import build_problem
from dlm_build.building.buildx import Progress, build_argv, has_foreign_compression, mirror_args, used_digests
from dlm_build.building.export import Exported, take_in
from dlm_build.building.folder import package_folder
from dlm_build.building.pushing import EnginePush, PushTalk
from dlm_build.config import Settings
from dlm_build.context_layout import CONTEXT
from dlm_build.disk import temporary_folder
from dlm_build.docker_client import DEFAULT_ADDRESS, connected, id_of
from dlm_build.errors import InfraError, ItemHostile, UsageError, shown
from dlm_build.oci import BASE_DIGEST, PRELOADS, parse_reference
from dlm_build.proc import Programs
from dlm_build.progress import Event, Notify
from dlm_build.records import Context, Image, Lock, Record
from dlm_build.store import Store

if TYPE_CHECKING:
    from docker import DockerClient

BUILD_SECONDS = 4 * 3600.0
ANSWER_SECONDS = 300
"""How long the engine may take for one answer; a layer of many gigabytes is read before it is sent."""
OLDEST_BUILDX = "0.13"
"""The first whose builds can be heard as JSON."""
_BUILT = "images"
"""Notes in the store on what was built, by the image's digest."""


class Built(Record, frozen=True, kw_only=True):
    """A build gave this image, and it passed."""

    context_digest: str


class EngineInfo(Record, frozen=True, kw_only=True):
    """What this machine's Docker is and can do."""

    host: str
    server: str
    """Version of the engine."""
    api: str
    buildx: str | None
    """Version, or None where buildx is missing."""
    containerd_store: bool
    """Images have manifest digests, so that equal builds can be seen to be equal."""
    rootless: bool


class DockerEngine:
    """One Docker engine. Every method raises InfraError when the engine is missing, forbidden or away."""

    def __init__(self, programs: Programs, settings: Settings) -> None:
        self._programs = programs
        self._settings = settings
        self._asked: str | None = None

    def greet(self) -> None:
        """Raises InfraError where nobody answers."""
        with self._client() as client:
            client.ping()

    def describe(self) -> EngineInfo:
        with self._client() as client:
            info, version = client.info(), client.version()
        return EngineInfo(
            host=self.host(),
            server=str(version.get("Version", "")),
            api=str(version.get("ApiVersion", "")),
            buildx=self._buildx_version(),
            containerd_store=any("containerd" in str(value) for _, value in info.get("DriverStatus") or ()),
            rootless="name=rootless" in (info.get("SecurityOptions") or ()),
        )

    def image(self, reference: str) -> Image | None:
        """The image `name:tag`, or None where the engine has no such image."""
        from docker.errors import ImageNotFound

        with self._client() as client:
            try:
                found = client.images.get(reference)
                history = found.history()
            except ImageNotFound:
                return None
        return _image(reference, found.attrs, history)

    def build(self, lock: Lock, context: Context, folder: Path, store: Store, tag: str, notify: Notify) -> Image:
        """The image of `context` (written at `folder`), tagged; nothing is done where the engine has it already.

        A tag and a label do not tell that: `docker commit`, or another Dockerfile on top, hands the labels on.
        Raises InfraError, SourceGone when a base is no more, HashMismatch or ItemInvalid for a bad package.
        """
        check_tag(tag)
        built = Built(context_digest=context.digest)
        if (there := self.image(tag)) and store.noted(_BUILT, there.digest, Built) == built:
            notify(Event(step="build", text=f"{tag} is in the engine already"))
            return there
        seconds, used = self._run_build(lock, context, folder, store, tag, notify)
        image = self.image(tag)
        if image is None:
            raise InfraError(f"Docker built {tag} and lost it", "run again; another process may remove images")
        try:
            self._verify(image, lock, context, used)
        except Exception:
            self.remove(tag)
            raise
        store.note(_BUILT, image.digest, built)
        return msgspec.structs.replace(image, seconds=seconds)

    def remove(self, reference: str) -> None:
        """Take the tag off; the image goes with its last tag."""
        from docker.errors import ImageNotFound

        with self._client() as client:
            try:
                client.images.remove(reference)
            except ImageNotFound:
                return

    def export(self, reference: str, folder: Path, notify: Notify) -> Exported:
        """The image's layers as files in `folder`, which must be empty; also raises HashMismatch and OSError."""
        with self._client() as client:
            return take_in(client.api.get_image(reference), folder, notify)

    def push(self, image: Image, repository: str, tag: str, credentials: dict[str, str], notify: Notify) -> EnginePush:
        """Push the image under another name, which is not left in the engine. What the registry refuses is told.

        It is the very image, wherever its tag leads by now. Also raises UsageError where the engine has it no more.
        """
        name, talk = f"{repository}:{tag}", PushTalk(notify)
        had = self.image(name)
        with self._client() as client:
            found = id_of(client, image)
            if found is None:
                raise UsageError(f"the engine no longer has {image.reference}", "run `dlm-build build` again")
            client.api.tag(found, repository, tag, force=True)
            try:
                for row in client.api.push(repository, tag, stream=True, decode=True, auth_config=credentials):
                    talk.hear(row)
            finally:
                if had is None:
                    client.images.remove(name)
        return talk.ended()

    def _run_build(
        self, lock: Lock, context: Context, folder: Path, store: Store, tag: str, notify: Notify
    ) -> tuple[float, frozenset[str]]:
        """Seconds it took, and the digests of the images it started from."""
        packages = package_folder(lock.installer + lock.packages, store)
        mirrors = mirror_args(lock, self._settings, self._mirrors())
        with temporary_folder() as scratch:
            metadata = scratch / "metadata.json"
            argv = (*build_argv(context, folder, packages, tag, metadata), *mirrors, str(folder))
            seconds = self._run_buildx(argv, notify)
            told = json.loads(metadata.read_text("utf-8"))
            if has_foreign_compression(told):
                notify(
                    Event(step="build", text="some layers are cached in another compression; building without cache")
                )
                seconds += self._run_buildx((*argv[:-1], "--no-cache", argv[-1]), notify)
            return seconds, used_digests(told)

    def _run_buildx(self, argv: tuple[str, ...], notify: Notify) -> float:
        progress = Progress(notify)
        ended = self._programs.run(argv, env=self._program_env(), timeout=BUILD_SECONDS, on_line=progress.hear)
        if ended.timed_out:
            raise InfraError(f"the build took longer than {BUILD_SECONDS:.0f} s", "try again on a faster machine")
        if ended.status != 0:
            raise build_problem(progress, ended.tail())
        return ended.seconds

    def _verify(self, image: Image, lock: Lock, context: Context, used: frozenset[str]) -> None:
        """The image is of this context, on the pinned base, and its variables do not load code into programs."""
        if used and lock.base.digest not in used:
            raise InfraError(
                f"{image.reference} was built from {', '.join(sorted(used))}, not from the pinned {lock.base.digest}",
                "a mirror serves another image under that name; correct the mirrors in the settings",
            )
        if image.context_digest != context.digest:
            raise InfraError(f"{image.reference} was replaced while it was built", "do not build one tag twice at once")
        with self._client() as client:
            variables = client.images.get(image.reference).attrs["Config"].get("Env") or []
        if loaded := [name for name in variables if name.partition("=")[0] in PRELOADS]:
            raise ItemHostile(f"the base image sets {shown(loaded[0])}", "use a base that does not; see --base")

    def _mirrors(self) -> tuple[str, ...]:
        """Of Docker Hub, which the engine itself uses."""
        with self._client() as client:
            return tuple((client.info().get("RegistryConfig") or {}).get("Mirrors") or ())

    def _buildx_version(self) -> str | None:
        ended = self._programs.run(("docker", "buildx", "version"), env=self._program_env(), timeout=60)
        found = re.search(r"\bv?(\d+(?:\.\d+)+)", ended.stdout)
        return found[1] if ended.status == 0 and found else None

    def _program_env(self) -> dict[str, str]:
        """Program and SDK talk to one engine, whatever contexts the user's Docker configuration names."""
        return {"DOCKER_HOST": self.host(), "BUILDX_METADATA_PROVENANCE": "max"}

    def host(self) -> str:
        """DOCKER_HOST, else the setting, else the user's current Docker context, else the default socket."""
        if named := self._settings.environment.get("DOCKER_HOST") or self._settings.docker.host:
            return named
        if self._asked is None:
            argv = ("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
            ended = self._programs.run(argv, timeout=60)
            self._asked = (ended.stdout.strip() if ended.status == 0 else "") or DEFAULT_ADDRESS
        return self._asked

    def _client(self) -> AbstractContextManager[DockerClient]:
        return connected({**self._settings.environment, "DOCKER_HOST": self.host()}, ANSWER_SECONDS)


def check_tag(tag: str) -> None:
    """Raises UsageError where --tag names no image."""
    found = parse_reference(tag)
    if not found or not found["tag"] or found["digest"] or len(tag) > 255:
        raise UsageError(f"--tag {shown(tag)} is not an image name with a tag", "write it as name:tag in lower case")


def _image(reference: str, attrs: dict[str, Any], history: list[dict[str, Any]]) -> Image:
    """Only the containerd image store knows manifests; elsewhere the image's id, its config's digest, must do."""
    told = attrs.get("Descriptor") or {}
    known = (attrs.get("Config") or {}).get("Labels") or {}
    return Image(
        reference=reference,
        digest=str(told.get("digest") or attrs["Id"]),
        config_digest=str((told.get("annotations") or {}).get("config.digest") or attrs["Id"]),
        size=sum(int(layer.get("Size", 0)) for layer in history),
        base_digest=str(known.get(BASE_DIGEST, "")),
        context_digest=str(known.get(CONTEXT, "")),
        layers=tuple(attrs.get("RootFS", {}).get("Layers") or ()),
    )
