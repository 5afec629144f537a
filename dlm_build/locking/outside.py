"""What locking reaches outside this process."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from dlm_build.config import Settings
from dlm_build.locking.fetching import Downloads
from dlm_build.proc import Programs
from dlm_build.progress import Notify
from dlm_build.records import BaseImage
from dlm_build.store import Store


class Resolver(Protocol):
    """The part of `registry.Registry` that is needed here."""

    def resolve(self, image: BaseImage) -> BaseImage: ...


class Outside(NamedTuple):
    """The doors of one lock, handed in once."""

    fetch: Downloads
    programs: Programs
    registry: Resolver
    store: Store
    settings: Settings
    notify: Notify
