"""What gathering reaches outside this process."""

from __future__ import annotations

from typing import NamedTuple

from dlm_build.fetch import Fetcher
from dlm_build.proc import Programs
from dlm_build.progress import Notify
from dlm_build.store import Store


class Outside(NamedTuple):
    """The doors of one gathering, handed in once."""

    fetch: Fetcher
    programs: Programs
    store: Store
    notify: Notify
    allow_hosts: tuple[str, ...] = ()
    """Of the settings: hosts in here from which a source may come."""
