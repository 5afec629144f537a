from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dlm_build.building.buildx import (
    Progress,
    build_argv,
    digest_args,
    has_foreign_compression,
    in_words,
    mirror_args,
    used_digests,
)
from dlm_build.config import Registry, Settings
from dlm_build.progress import Event, silent
from dlm_build.records import BaseImage
from tests.unit.building.locks import rendered, tiny_lock
from tests.unit.plans import DIGEST

STEP = "sha256:" + "0" * 64


def heard(*lines: dict[str, Any] | str) -> tuple[Progress, list[Event]]:
    events: list[Event] = []
    progress = Progress(events.append)
    for line in lines:
        progress.hear(line if isinstance(line, str) else json.dumps(line))
    return progress, events


def vertex(name: str, **more: Any) -> dict[str, Any]:
    return {"vertexes": [{"digest": STEP, "name": name, "started": "2026-01-01T00:00:00Z", **more}]}


# --- argv --------------------------------------------------------------------------------------------------------


def test_every_step_is_without_network_and_nothing_is_attested() -> None:
    argv = build_argv(rendered(tiny_lock()), Path("/w/context"), Path("/s/packages"), "dlm/x:1", Path("/t/m.json"))
    assert argv[:3] == ("docker", "buildx", "build")
    assert argv[argv.index("--network") + 1] == "none"
    assert argv[argv.index("--build-context") + 1] == "packages=/s/packages"
    assert "--provenance=false" in argv
    assert "--sbom=false" in argv
    assert not [word for word in argv if "SYNTAX" in word or word in ("--allow", "--secret", "--ssh", "--no-cache")]


def test_what_decides_the_digest_comes_from_the_folder() -> None:
    context = rendered(tiny_lock())
    argv = build_argv(context, Path("/w"), Path("/s"), "dlm/x:1", Path("/m"))
    assert set(digest_args(context)) <= set(argv)
    assert f"--label=dlm.context={context.digest}" in argv


def test_mirrors_of_the_settings_stand_in_for_the_registry() -> None:
    settings = Settings(registries={"docker.io": Registry(mirrors=("https://mirror.example:5000/", "https://b"))})
    lock = tiny_lock()
    assert mirror_args(lock, settings, ()) == (
        "--build-context",
        f"docker.io/nvidia/cuda@{DIGEST}=docker-image://mirror.example:5000/nvidia/cuda@{DIGEST}",
        "--build-context",
        f"{lock.installer_base.reference}=docker-image://mirror.example:5000/library/python@{lock.installer_base.digest}",
    )


def test_a_mirror_the_engine_has_itself_needs_no_saying() -> None:
    settings = Settings(registries={"docker.io": Registry(mirrors=("http://127.0.0.1:5005",))})
    assert mirror_args(tiny_lock(), settings, ("http://127.0.0.1:5005/",)) == ()


def test_mirrors_are_per_registry() -> None:
    base = BaseImage(repository="nvcr.io/nvidia/cuda", tag="x", platform_digest=DIGEST)
    lock = replace(tiny_lock(), base=base)
    assert mirror_args(lock, Settings(registries={"docker.io": Registry()}), ()) == ()
    other = Settings(registries={"nvcr.io": Registry(mirrors=("http://m",))})
    assert mirror_args(lock, other, ("http://m/",)) == (
        "--build-context", f"nvcr.io/nvidia/cuda@{DIGEST}=docker-image://m/nvidia/cuda@{DIGEST}",
    )  # fmt: skip


# --- progress ----------------------------------------------------------------------------------------------------


def test_steps_are_told_in_words_once() -> None:
    name = "[env 2/2] RUN --mount=type=bind ..."
    done = vertex(name, completed="2026-01-01T00:00:09Z")
    _, events = heard(vertex(name), vertex(name), done, done)
    assert [(event.text, event.done) for event in events] == [
        ("environment installed", 0),
        ("environment installed", 1),
    ]


def test_cached_steps_say_so() -> None:
    name = "[stage-2 2/5] COPY --from=env /opt/ /opt/"
    _, events = heard(vertex(name, cached=True), vertex(name, cached=True, completed="2026-01-01T00:00:00Z"))
    assert [event.text for event in events] == ["layer: environment (as before)"]


def test_names_of_steps() -> None:
    assert in_words(f"[stage-2 1/5] FROM docker.io/nvidia/cuda@{DIGEST}") == "base nvidia/cuda@aaaaaaaaaaaa"
    assert in_words(f"[stage-2 4/5] COPY model-{'b' * 32}/ /") == "layer: model"
    assert in_words("[internal] load .dockerignore") is None


def test_transfers_count_bytes() -> None:
    status = {"id": "transferring packages:", "vertex": STEP, "current": 5, "timestamp": "2026-01-01T00:00:00Z"}
    _, events = heard(
        {"statuses": [status]}, {"statuses": [{**status, "current": 9, "completed": "2026-01-01T00:00:00Z"}]}
    )
    assert [(event.text, event.done, event.total, event.unit) for event in events] == [
        ("handing over", 5, None, "bytes"), ("handing over", 9, 9, "bytes"),
    ]  # fmt: skip


def test_the_failed_steps_talk_and_the_plain_lines_are_kept() -> None:
    said = base64.b64encode(b"line one\nline two\n").decode()
    progress, _ = heard(
        {"logs": [{"vertex": STEP, "stream": 2, "data": said, "timestamp": "2026-01-01T00:00:00Z"}]},
        vertex("[env 2/2] RUN x", error="process \"x\" did not complete successfully: exit code: 1"),
        "ERROR: failed to build",
    )  # fmt: skip
    assert progress.talk() == ["line one", "line two"]
    assert progress.error.endswith("exit code: 1")
    assert progress.plain == ["ERROR: failed to build"]


def test_endless_talk_is_cut() -> None:
    progress = Progress(silent)
    said = base64.b64encode(b"x\n" * 1000).decode()
    for _ in range(20):
        progress.hear(json.dumps({"logs": [{"vertex": STEP, "data": said}]}))
        progress.hear("plain")
    progress.hear(json.dumps(vertex("[env] RUN x", error="bad")))
    assert len(progress.talk()) <= 40
    assert len(progress.plain) <= 41


def test_other_json_is_only_talk() -> None:
    progress, events = heard('{"vertexes": 3}', "[1, 2]", "", "\x1b[31mred")
    assert events == []
    assert progress.failed is None


def test_bases_that_were_really_used() -> None:
    materials = [{"uri": "pkg:docker/x", "digest": {"sha256": "a" * 64}}, {"uri": "git", "digest": {"sha1": "b"}}]
    assert used_digests({"buildx.build.provenance": {"materials": materials}}) == {DIGEST}
    assert used_digests({}) == frozenset()


def provenance(*stacks: str) -> dict[str, object]:
    """What BuildKit tells of the layers; `g` stands for a gzip layer, `z` for one of zstd."""
    kinds = {"g": "application/vnd.oci.image.layer.v1.tar+gzip", "z": "application/vnd.oci.image.layer.v1.tar+zstd"}
    layers = {
        f"step{number}:0": [[{"mediaType": kinds[kind]} for kind in stack]] for number, stack in enumerate(stacks)
    }
    told = {"https://mobyproject.org/buildkit@v1#metadata": {"layers": layers}}
    return {"buildx.build.provenance": {"metadata": told}}


@pytest.mark.parametrize(
    ("stacks", "foreign"),
    [
        (("gg", "ggz", "ggzz"), False),
        (("gg", "ggz", "ggzg"), True),
        (("gg", "g", "ggg", "gggz"), True),
        (("z", "zz"), False),
        ((), False),
    ],
)
def test_a_layer_that_an_earlier_build_compressed_is_noticed(stacks: tuple[str, ...], foreign: bool) -> None:
    assert has_foreign_compression(provenance(*stacks)) is foreign
    assert has_foreign_compression({}) is False
