"""What every step after the lock works on, handed down the story as one."""

from __future__ import annotations

from typing import NamedTuple

from dlm_build.doors import Doors, Options
from dlm_build.journal import Journal
from dlm_build.records import Lock, Plan
from dlm_build.workfolder import WorkFolder


class Job(NamedTuple):
    """One item, locked, and its work folder, held."""

    folder: WorkFolder
    lock: Lock
    options: Options
    doors: Doors
    journal: Journal

    @property
    def plan(self) -> Plan:
        return self.lock.plan
