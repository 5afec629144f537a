"""What Apptainer finds inside: from the definition's own sections, the image's variables and the labels."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from dlm_build.errors import ItemHostile
from dlm_build.sif.container_files import Described, container_files, inspect_metadata, mount_points, with_labels
from dlm_build.sif.make import describe
from dlm_build.unpacking.tar_entries import Content, Entry
from tests.unit.building.locks import rendered, text_of, tiny_lock

CONTEXT = rendered(tiny_lock())
BASE = {"PATH": "/bin", "CUDA_VERSION": "12.4", "NOTE": 'it\'s $(id) "x"', "HOME": "/root"}


def texts(rows: Iterable[tuple[Entry, Content]]) -> dict[str, str]:
    return {entry.path: b"".join(content).decode() for entry, content in rows if entry.kind == "file"}


def made(environment: dict[str, str] = BASE) -> dict[str, str]:
    return texts(container_files(describe(CONTEXT, environment)).entries())


def test_sections_become_scripts() -> None:
    found = made()
    assert found[".singularity.d/runscript"] == (
        '#!/bin/sh\nif [ "$#" -eq 0 ]; then set -- info; fi\nexec /opt/dlm/bin/model "$@"\n'
    )
    assert found[".singularity.d/test"] == '#!/bin/sh\nexec /opt/dlm/bin/model selftest "$@"\n'
    assert "--containall --no-home --net --network none" in found[".singularity.d/runscript.help"]
    assert found[".singularity.d/Singularity"] == text_of(CONTEXT, "Apptainer.def")


def test_variables_of_the_image_are_quoted_and_those_of_the_definition_win() -> None:
    found = made()
    assert found[".singularity.d/env/10-docker2singularity.sh"] == (
        "#!/bin/sh\nexport CUDA_VERSION=12.4\nexport NOTE='it'\"'\"'s $(id) \"x\"'\n"
    )
    own = found[".singularity.d/env/90-environment.sh"]
    assert "export PATH=/opt/dlm/bin:/opt/dlm/env/bin:" in own
    assert "export CONDA_PREFIX=/opt/dlm/env\n" in own
    assert 'if [ ! -w "${HOME:-/}" ]; then export HOME=/tmp; fi' in own


def test_the_image_and_its_base_give_the_same_variables() -> None:
    """The image's are the base's with ours on top."""
    image = {**BASE, "PATH": "/opt/dlm/bin:/bin", "CONDA_PREFIX": "/opt/dlm/env", "PYTHONNOUSERSITE": "1"}
    assert made(image) == made(BASE)


@pytest.mark.parametrize("name", ["LD_PRELOAD", "LD_AUDIT", "A B", "X;id", ""])
def test_variables_that_load_code_or_are_none_are_refused(name: str) -> None:
    with pytest.raises(ItemHostile, match="the base image sets"):
        made({name: "x"})


def test_labels_name_the_context_and_no_hour() -> None:
    labels = json.loads(made()[".singularity.d/labels.json"])
    assert labels["dlm.context"] == CONTEXT.digest
    assert labels["dlm.lock"] == tiny_lock().digest
    assert not [name for name in labels if "build-date" in name]


def test_scripts_can_be_run_and_texts_cannot() -> None:
    modes = {entry.path: entry.mode for entry, _ in container_files(describe(CONTEXT, {})).entries()}
    assert {modes[f".singularity.d/{name}"] for name in ("runscript", "test", "actions/exec", "env/99-base.sh")} == {
        0o755
    }
    assert modes[".singularity.d/labels.json"] == 0o644


def test_inspect_reads_what_is_inside() -> None:
    described = Described(definition=text_of(CONTEXT, "Apptainer.def"), environment=BASE, labels={"a": "b"})
    told = json.loads(inspect_metadata(described))
    inside = texts(container_files(described).entries())
    assert told["type"] == "container"
    shown = told["data"]["attributes"]
    assert shown["runscript"] == inside[".singularity.d/runscript"]
    assert shown["environment"].keys() == {path.join(("/", "")) for path in inside if "/env/" in path}
    assert json.loads(with_labels(inspect_metadata(described), {"dlm.verdict": "matches"}))["data"]["attributes"][
        "labels"
    ] == {"a": "b", "dlm.verdict": "matches"}


def test_mount_points_are_there_for_engines_that_cannot_make_them() -> None:
    found = {entry.path: (entry.kind, entry.mode) for entry, _ in mount_points().entries()}
    assert found["tmp"] == ("folder", 0o1777)
    assert {"dlm/in", "dlm/out", "proc", "sys", "dev", "etc/resolv.conf", "home"} <= found.keys()
