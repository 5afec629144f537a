from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest

from dlm_build.config import Bases, Settings
from dlm_build.errors import InfraError, UsageError
from dlm_build.planning.bases import check_bases, list_bases, resolve_base
from dlm_build.progress import Event, silent
from dlm_build.records import BaseImage
from tests.unit.planning.inputs import tables

OTHER = "sha256:" + "0123456789abcdef" * 4


@dataclass
class Told:
    """A registry that has what it was told, and answers nothing else."""

    alive: set[str] = field(default_factory=set)
    reachable: bool = True
    settings: Settings = field(default_factory=Settings)
    asked: list[str] = field(default_factory=list)

    def state(self, repository: str, digest: str) -> Literal["alive", "dead"]:
        self.asked.append(f"{repository}@{digest}")
        if not self.reachable:
            raise InfraError("no route", "set a mirror")
        return "alive" if digest in self.alive else "dead"

    def resolve(self, image: BaseImage) -> BaseImage:
        self.asked.append(f"{image.repository}:{image.tag}@{image.index_digest}")
        return image


def test_the_list_is_the_table() -> None:
    assert list_bases(tables()).rows == tables().bases


def test_check_asks_for_every_usable_pin_and_tells_how_far_it_is() -> None:
    usable = [row for row in tables().bases if row.usable and not row.superseded]
    told, events = Told(alive={usable[0].digest}), list[Event]()
    checked = check_bases(tables(), told, events.append)
    assert told.asked == [f"{row.repository}@{row.digest}" for row in usable]
    assert [row.state for row in checked.rows].count("alive") >= 1
    assert {row.state for row in checked.rows} == {"alive", "dead"}
    assert (events[-1].done, events[-1].total) == (len(usable), len(usable))


def test_everything_means_the_doubtful_ones_too() -> None:
    told = Told()
    check_bases(tables(), told, silent, everything=True)
    assert len(told.asked) == len(tables().bases)


def test_an_unreachable_registry_is_a_state_with_what_to_set() -> None:
    checked = check_bases(tables(), Told(reachable=False), silent)
    assert {row.state for row in checked.rows} == {"unreachable"}
    assert "set a mirror" in checked.rows[0].detail


def test_a_site_pin_is_what_is_asked_for() -> None:
    pins = Settings(bases=Bases(pins={"nvidia/cuda:12.4.1-base-ubuntu22.04": OTHER}))
    told = Told(alive={OTHER}, settings=pins)
    checked = check_bases(tables(), told, silent)
    mine = [row for row in checked.rows if row.tag == "12.4.1-base-ubuntu22.04"]
    assert [(row.digest, row.state, row.trust) for row in mine] == [(OTHER, "alive", "site")]


@pytest.mark.parametrize(
    ("reference", "asked"),
    [
        ("nvidia/cuda:12.4.1-base-ubuntu22.04", "docker.io/nvidia/cuda:12.4.1-base-ubuntu22.04@None"),
        ("python", "docker.io/library/python:latest@None"),
        (f"nvidia/cuda@{OTHER}", f"docker.io/nvidia/cuda:@{OTHER}"),
        (f"localhost:5000/x/y:z@{OTHER}", f"localhost:5000/x/y:z@{OTHER}"),
        ("nvcr.io/nvidia/cuda:13", "nvcr.io/nvidia/cuda:13@None"),
    ],
)
def test_resolve_reads_references_as_docker_does(reference: str, asked: str) -> None:
    told = Told()
    resolve_base(reference, told)
    assert told.asked == [asked]


@pytest.mark.parametrize("reference", ["", "A", "x y", "x:", "x@sha256:12", "-v", "x:y:z:\n", "$(id)", "x" * 500])
def test_resolve_refuses_what_is_no_reference(reference: str) -> None:
    with pytest.raises(UsageError, match="is not an image"):
        resolve_base(reference, Told())
