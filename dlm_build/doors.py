"""What the operator asked for, and everything outside this process: handed in once, passed down the story."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import msgspec

from dlm_build.config import Settings
from dlm_build.progress import Notify
from dlm_build.records import Record

if TYPE_CHECKING:
    from dlm_build.building.docker_engine import DockerEngine
    from dlm_build.fetch import Fetcher
    from dlm_build.planning.plan import Tables
    from dlm_build.proc import Programs
    from dlm_build.registry import Registry
    from dlm_build.store import Store


class Options(Record, frozen=True, kw_only=True):
    """What the operator asked for on the command line."""

    item_id: str | None = None
    """Which item of a catalogue, a collection or an answer."""
    collection: str | None = None
    """In which collection of an API."""
    to: tuple[Literal["docker", "sif"], ...] = ("docker",)
    """What is made: an image in the Docker engine, a SIF file, or both."""
    compression: str | None = None
    """Of the SIF, e.g. `zstd:4`."""
    handoff: tuple[Literal["slurm", "lmod"], ...] = ()
    """Files that run the SIF, written beside it."""
    output: str | None = None
    tag: str | None = None
    gpu: bool | None = None
    base: str | None = None
    as_of: str = "item"
    lock: str | None = None
    update: bool = False
    verify: bool = True
    allow_shell: bool = False
    allow_unpinned: bool = False
    force: bool = False


class Doors(msgspec.Struct, frozen=True, kw_only=True):
    """Everything outside this process, handed in once."""

    settings: Settings
    programs: Programs
    fetch: Fetcher
    registry: Registry
    store: Store
    engine: DockerEngine
    tables: Tables
    notify: Notify
    clock: Callable[[], float]
    stdin: Callable[[], bytes]

    def at_engine(self) -> Settings:
        """The settings with the address of the very engine that builds; it may come from the user's Docker context."""
        environment = {**self.settings.environment, "DOCKER_HOST": self.engine.host()}
        return msgspec.structs.replace(self.settings, environment=environment)
