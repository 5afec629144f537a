"""What the stack writes for dlm-build, and its data files."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.stack import images, wheels
from tests.stack.apptainer import Apptainer
from tests.stack.images import Base
from tests.stack.layout import Choices, State
from tests.stack.settings import config_path, pins, write_config

CHOICES = Choices(registry_port=5005, channel_port=5006, bridge="dlm0", subnet="10.200.0.0/16")
BASES = [
    Base("nvidia/cuda", "sha256:" + "a" * 64, "sha256:" + "b" * 64, ("12.4.1-base-ubuntu22.04",)),
    Base("library/python", "sha256:" + "c" * 64, "sha256:" + "d" * 64, ("3.11-slim-bookworm",)),
]


def test_config_is_toml_that_points_at_this_stack_only(tmp_path: Path) -> None:
    state = State(tmp_path / 'a "quoted" folder')
    write_config(state, CHOICES, BASES, Apptainer("/opt/apptainer", "1.4.5", "tester"))
    assert tomllib.loads(config_path(state).read_text()) == {
        "docker": {"host": f"unix://{state.root}/docker.sock"},
        "apptainer": {"program": "/opt/apptainer", "user": "tester"},
        "registries": {"docker.io": {"mirrors": ["http://127.0.0.1:5005"]}},
        "bases": {"pins": pins(BASES)},
        "channels": {"mirrors": {"conda-forge": [state.channel.as_uri()]}},
    }


def test_pins_use_the_names_people_write() -> None:
    assert pins(BASES) == {
        "nvidia/cuda:12.4.1-base-ubuntu22.04": "sha256:" + "a" * 64,
        "python:3.11-slim-bookworm": "sha256:" + "c" * 64,
    }


def test_every_stand_in_has_distinct_tags() -> None:
    for repository in ("nvidia/cuda", "library/python"):
        tags = images.tags_of(repository)
        assert tags and len(tags) == len(set(tags))


def test_every_dependency_of_the_wheels_is_in_the_channel() -> None:
    listed = wheels.listed()
    offered = {wheel.conda for wheel in listed} | {"python"}
    assert {depend.split()[0] for wheel in listed for depend in wheel.depends} <= offered
    assert all(len(wheel.sha256) == 64 and wheel.license for wheel in listed)
