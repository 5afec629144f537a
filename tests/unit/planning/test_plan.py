"""The plan as a whole: the sample, the comparison, every decision there, and no surprise from any text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dlm_build.errors import DlmBuildError, ItemInvalid
from dlm_build.records import DeclaredSample, EnvironmentFile, Finding, Item, Plan, from_json, to_json
from tests.unit.planning.inputs import SAMPLE, archive, conda, decision, findings, item, pip, plan

RUN = "python infer.py {input} {output}"
FLAGSHIP = Path(__file__).parents[4] / "shared" / "cases" / "dlm" / "dlmext_2023-09-05_54d60f9c_item.json"
DECISIONS = [
    "as-of", "platform", "weights", "framework", "framework-version", "gpu", "cuda", "python", "runner", "environment",
    "base", "installer-base", "sample", "comparison",
]  # fmt: skip


def sample(**given: Any) -> DeclaredSample:
    return DeclaredSample(**{"input": "in.tif", "expected": "out.tif", "pointer": SAMPLE} | given)


def test_every_decision_has_a_value_and_a_reason() -> None:
    made = plan(item(framework="PyTorch", version="1.5", gpu=True, run=RUN))
    assert [one.name for one in made.decisions] == DECISIONS
    assert all(one.value and one.reason for one in made.decisions)


def test_the_same_inputs_give_the_same_plan_and_it_survives_json() -> None:
    made = plan(item(framework="PyTorch", version="1.5", run=RUN))
    assert made == plan(item(framework="PyTorch", version="1.5", run=RUN))
    assert from_json(Plan, to_json(made)) == made


@pytest.mark.skipif(not FLAGSHIP.is_file(), reason="the collection of published items is not beside this repository")
def test_the_flagship_item_as_published() -> None:
    from dlm_build.items import read_item

    read = read_item(FLAGSHIP.read_text("utf-8"), "item.json")
    made = plan(read, paths=("config.yml", "test_pleiade/256/input_test.tif", "ckpt.best.pth"))
    assert json.loads(FLAGSHIP.read_text("utf-8"))["properties"]["dlm:runtime"]["version"] == 1.5
    assert (made.framework, made.framework_version, made.cuda, made.python) == ("pytorch", "1.5.1", "10.2", "3.7")
    assert made.as_of == "2020-12-12T00:00:01Z"
    assert made.runner.kind == "command"
    assert made.runner.argv[0] == "thelper"
    assert made.runner.weights == "ckpt.best.pth"
    assert made.sample is not None
    assert made.sample.input.path == "test_pleiade/256/input_test.tif"
    assert made.comparison is None
    assert made.base.tag == "11.8.0-base-ubuntu22.04"
    assert "cudatoolkit=10.2" in made.environment.conda


def test_what_the_reader_said_is_not_said_again() -> None:
    said = Finding(code="no-date", severity="warning", pointer="/properties", message="no date")
    made = plan(item(framework="PyTorch", run=RUN, date=None, findings=(said,)))
    assert [one for one in made.findings if one.code == "no-date"] == [said]


# --- sample -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["in.tif", "./in.tif", "data/../in.tif".replace("data/../", ""), "/in.tif"])
def test_the_sample_is_found_by_path(named: str) -> None:
    made = plan(item(framework="PyTorch", run=RUN, sample=sample(input=named)))
    assert made.sample is not None
    assert made.sample.input.path == "in.tif"


def test_the_sample_is_found_by_its_base_name_only_where_it_is_unique() -> None:
    one = plan(
        item(framework="PyTorch", run=RUN, sample=sample(input="256/a.tif")), paths=("x/a.tif", "m.pth", "out.tif")
    )
    assert one.sample is not None
    assert one.sample.input.path == "x/a.tif"
    with pytest.raises(ItemInvalid) as caught:
        plan(item(framework="PyTorch", run=RUN, sample=sample(input="a.tif")), paths=("x/a.tif", "y/a.tif", "m.pth"))
    assert "x/a.tif" in caught.value.hint
    assert "y/a.tif" in caught.value.hint


@pytest.mark.parametrize(
    "named", ["missing.tif", "../../etc/passwd", "/etc/shadow", "a\0.png", "-rf", "~root", "*", "", "/", ".."]
)
def test_a_sample_that_is_not_there_names_its_place_and_its_neighbours(named: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        plan(item(framework="PyTorch", run=RUN, sample=sample(input=named)))
    assert caught.value.message.startswith(f"{SAMPLE}: ")
    assert "\0" not in str(caught.value)
    assert "in.tif" in caught.value.hint


def test_near_names_are_offered_first() -> None:
    with pytest.raises(ItemInvalid) as caught:
        plan(
            item(framework="PyTorch", run=RUN, sample=sample(input="input_tset.tif")),
            paths=("input_test.tif", "m.pth", "zz.txt"),
        )
    assert caught.value.hint == "the archive has input_test.tif"


def test_no_sample_is_a_warning() -> None:
    made = plan(item(framework="PyTorch", run=RUN, sample=None))
    assert (made.sample, made.comparison) == (None, None)
    assert findings(made)["no-sample"].severity == "warning"


@pytest.mark.parametrize(("expected", "code"), [(None, "no-expected-output"), ("gone.tif", "expected-not-in-archive")])
def test_without_an_expected_output_the_best_end_is_ran(expected: str | None, code: str) -> None:
    made = plan(item(framework="PyTorch", run=RUN, sample=sample(expected=expected)))
    assert made.sample is not None
    assert made.sample.expected is None
    assert made.comparison is None
    assert "can only end in `ran`" in findings(made)[code].message


# --- comparison ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "expected", "kind"),
    [
        ("semantic segmentation", "out.tif", "labels"), ("semantic segmentation", "prob.npy", "probabilities"),
        ("classification", "out.npy", "class-scores"), ("scene classification", "out.npy", "class-scores"),
        ("regression", "out.tif", "float"), ("super resolution", "out.tif", "float"), (None, "out.tif", "float"),
        ("object detection", "out.json", "exact"), ("semantic segmentation", "out.json", "exact"),
        ("classification", "scores.json", "class-scores"), ("classification", "out.txt", "exact"),
    ],
)  # fmt: skip
def test_the_policy_follows_task_and_file(task: str | None, expected: str, kind: str) -> None:
    made = plan(
        item(framework="PyTorch", run=RUN, task=task, sample=sample(expected=expected)),
        paths=("m.pth", "in.tif", expected),
    )
    assert made.comparison is not None
    assert made.comparison.task == kind
    assert not made.comparison.relaxed


def test_an_expected_file_of_scores_is_compared_as_scores() -> None:
    members = tuple(replace(one, scores=one.path == "out.npy") for one in archive("in.tif", "m.pth", "out.npy").members)
    made = plan(
        item(framework="PyTorch", run=RUN, sample=sample(expected="out.npy")),
        archive=replace(archive(), members=members),
    )
    assert made.comparison is not None and made.comparison.task == "probabilities"
    assert "scores of each class" in decision(made, "comparison").reason


@pytest.mark.parametrize(
    ("runtime", "weights", "expected", "told"),
    [
        ({}, "m.onnx", "out.geojson", True), ({}, "m.onnx", "out.CSV", True), ({}, "m.pt", "out.csv", True),
        ({"run": RUN}, "m.pt", "out.csv", False), ({}, "m.onnx", "out.json", False), ({}, "m.onnx", "out", False),
        ({}, "m.onnx", "output_0.pb", True), ({}, "m.pt", "out.pth", True),
        ({}, "m.onnx", "out.nc", True), ({}, "m.onnx", "out.gpkg", True), ({"run": RUN}, "m.pt", "out.gpkg", False),
    ],
)  # fmt: skip
def test_weights_alone_write_no_tables(runtime: dict[str, str], weights: str, expected: str, told: bool) -> None:
    made = plan(
        item(framework="PyTorch", **runtime, sample=sample(expected=expected)), paths=(weights, "in.tif", expected)
    )
    assert ("expected-never-written" in findings(made)) is told
    assert "expected-compared-whole" not in findings(made)


@pytest.mark.parametrize(
    ("expected", "told"),
    [("out.parquet", True), ("out.FGB", True), ("out.csv", False), ("out.NC", False), ("out", False)],
)
def test_what_code_writes_may_be_compared_as_a_whole(expected: str, told: bool) -> None:
    made = plan(
        item(framework="PyTorch", run=RUN, sample=sample(expected=expected)), paths=("m.pt", "in.tif", expected)
    )
    assert ("expected-compared-whole" in findings(made)) is told


@pytest.mark.parametrize(
    ("declared", "used", "relaxed", "code"),
    [
        ({"rtol": 1e-5}, (None, 1e-5), False, None),
        ({"rtol": 1e-3}, (None, 1e-3), False, None),
        ({"rtol": 5e-3}, (None, 5e-3), True, None),
        ({"rtol": 0.5}, (None, 2e-2), True, "tolerance-capped"),
        ({"atol": 1e-6}, (1e-6, None), False, None),
        ({"atol": 100.0}, (100.0, None), True, None),
        ({"atol": 0.1, "rtol": 0.0}, (0.1, 0.0), True, None),
        ({"atol": -1.0}, (None, None), False, "bad-tolerance"),
        ({"rtol": float("nan")}, (None, None), False, "bad-tolerance"),
        ({"rtol": float("inf")}, (None, None), False, "bad-tolerance"),
    ],
)
def test_an_item_may_tighten_or_loosen_up_to_the_ceiling(
    declared: dict[str, float], used: tuple[float | None, float | None], relaxed: bool, code: str | None
) -> None:
    made = plan(item(framework="PyTorch", run=RUN, task="regression", sample=sample(**declared)))
    assert made.comparison is not None
    assert (made.comparison.atol, made.comparison.rtol) == used
    assert made.comparison.relaxed is relaxed
    assert (code in findings(made)) if code else not {"tolerance-capped", "bad-tolerance"} & set(findings(made))


def test_probabilities_have_an_absolute_ceiling() -> None:
    made = plan(item(framework="PyTorch", run=RUN, task="classification", sample=sample(atol=0.5)))
    assert made.comparison is not None
    assert (made.comparison.atol, made.comparison.relaxed) == (5e-2, True)
    assert decision(made, "comparison").value == "class-scores (relaxed)"


# --- any text at all ----------------------------------------------------------------------------------------------

HOSTILE = st.sampled_from(
    [
        "",
        " ",
        "\n",
        "\x00",
        "\x1b[31m",
        "\ud800",
        "\u202e",
        "$(id)",
        "`id`",
        "{{7*7}}",
        "../../etc/passwd",
        "# syntax=evil/fe",
        "a'b",
        'a"b',
        "\\",
        "1e999",
        "-",
        "--",
        "==",
        "1.5",
        "1.5.1",
        "PyTorch",
        "ONNX",
        "in.tif",
        "ckpt.pth",
        "handler.py:",
        ":x",
        "9" * 5000,
        "1." * 40,
        "python=3.8",
        "torch==1.5+cu",
        "- pip:",
        "[" * 2000,
        "a: &a [*a]",
        "\u0663.\u0661",
        "2020-12-12",
        "9999-12-31",
        "0001-01-01T00:00:00+23:59",
        "<1",
        ">=1,!=2",
        "!=1",
        "===x",
        "~=1",
    ]
)
TEXT = st.one_of(HOSTILE, st.text(max_size=60), st.tuples(HOSTILE, HOSTILE).map("".join))
MAYBE = st.one_of(st.none(), TEXT)
KINDS = st.sampled_from(["conda", "pip", "conda-lock", "explicit"])
FILES = st.lists(
    st.builds(EnvironmentFile, name=st.one_of(st.just("archive:environment.yml"), TEXT), kind=KINDS, text=TEXT),
    max_size=2,
)


@settings(max_examples=300, deadline=None)
@given(
    runtime=st.fixed_dictionaries(
        {
            "framework": MAYBE,
            "version": MAYBE,
            "handler": MAYBE,
            "run": MAYBE,
            "working_dir": MAYBE,
            "image_name": MAYBE,
        }
    ),
    date=MAYBE,
    task=MAYBE,
    named=st.tuples(TEXT, MAYBE),
    files=FILES,
    manifest=st.dictionaries(
        st.sampled_from(["model", "Model", "x"]), st.one_of(TEXT, st.dictionaries(TEXT, TEXT, max_size=3))
    ),
    choices=st.fixed_dictionaries({}, optional={"base": TEXT, "as_of": TEXT}),
)
def test_no_text_gives_anything_but_a_plan_or_one_of_our_errors(
    runtime: dict[str, str | None],
    date: str | None,
    task: str | None,
    named: tuple[str, str | None],
    files: list[EnvironmentFile],
    manifest: dict[str, Any],
    choices: dict[str, Any],
) -> None:
    made = item(**runtime, date=date, task=task, sample=sample(input=named[0], expected=named[1]))
    try:
        plan(made, *files, manifest=manifest, **choices)
    except DlmBuildError as problem:
        assert problem.hint
        assert not set(problem.message) & set("\x00\x1b\u202e\ud800")


@settings(max_examples=150, deadline=None)
@given(run=TEXT, version=TEXT, line=TEXT)
def test_one_field_at_a_time(run: str, version: str, line: str) -> None:
    plain = item(framework="PyTorch", run=RUN)
    cases: list[tuple[Item, tuple[EnvironmentFile, ...]]] = [
        (item(framework="PyTorch", run=run), ()),
        (item(framework="PyTorch", run=RUN, version=version), ()),
        (plain, (pip(line),)),
        (plain, (conda(f"dependencies:\n- {line}\n"),)),
    ]
    for given_item, files in cases:
        try:
            made = plan(given_item, *files)
        except DlmBuildError as problem:
            assert not set(problem.message) & set("\x00\x1b\u202e\ud800")
        else:
            assert from_json(Plan, to_json(made)) == made


# --- a Python that was tried in vain


@pytest.mark.parametrize(("dead", "chosen"), [((), "3.11"), (("3.11",), "3.10"), (("3.11", "3.10"), "3.9")])
def test_the_next_python_of_the_row_is_chosen(dead: tuple[str, ...], chosen: str) -> None:
    made = plan(item(framework="PyTorch", version="2.1.0", date="2025-12-01T00:00:00Z"), dead_pythons=dead)
    assert made.python == chosen and made.dead_pythons == dead
    assert f"python={chosen}" in made.environment.conda
    said = [one for one in made.findings if one.code == "python-without-packages"]
    assert [one.evidence for one in said] == list(dead)


def test_where_none_is_left_the_first_stays() -> None:
    made = plan(item(framework="PyTorch", version="2.1.0"), dead_pythons=("3.8", "3.9", "3.10", "3.11"))
    assert made.python in made.dead_pythons and "python-without-packages" not in findings(made)


def test_a_declared_python_stays() -> None:
    env = conda("channels: [conda-forge]\ndependencies: [python=3.9, pytorch=2.1.0]\n")
    made = plan(item(framework="PyTorch"), env, dead_pythons=("3.9",))
    assert made.python == "3.9" and "python-without-packages" not in findings(made)


# --- the Python beside a list for pip -----------------------------------------------------------------------------


def beside(name: str, text: str, folder: str = "") -> EnvironmentFile:
    return EnvironmentFile(name=f"archive:{folder}{name}", kind="python", text=text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("runtime.txt", "python-3.9\n"),
        ("runtime.txt", "python-3.9.4"),
        (".python-version", "3.9.4\n3.8.1\n"),
        ("pyproject.toml", "[project]\nname = 'x'\nrequires-python = '==3.9.*'\n"),
    ],
)
def test_python_is_read_beside_a_list_for_pip(name: str, text: str) -> None:
    made = plan(item(framework="PyTorch"), pip("torch==2.1.0\n"), beside(name, text))
    assert made.python == "3.9" and decision(made, "python").source == f"archive:{name}"
    assert "python-beside" in findings(made) and "environment-not-used" not in findings(made)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("runtime.txt", "python-2.7\n"),
        ("runtime.txt", "python-3.13\n"),
        ("runtime.txt", "r-4.1-2022-01-01\n"),
        (".python-version", "miniconda3-4.7.12\n"),
        (".python-version", "3.100.1000\n"),
        ("pyproject.toml", "[project]\nrequires-python = 3\n"),
        ("pyproject.toml", "[project]\nrequires-python = 'new'\n"),
        ("pyproject.toml", "project = 1\n"),
        ("pyproject.toml", "[["),
    ],
)
def test_what_says_no_python_that_the_framework_supports_says_nothing(name: str, text: str) -> None:
    alone = plan(item(framework="PyTorch"), pip("torch==2.1.0\n"))
    made = plan(item(framework="PyTorch"), pip("torch==2.1.0\n"), beside(name, text))
    assert made.python == alone.python and findings(made) == findings(alone)


def test_the_python_of_another_folder_or_of_a_conda_environment_is_not_asked_for() -> None:
    elsewhere, here = beside("runtime.txt", "python-3.9", "sub/"), beside("runtime.txt", "python-3.9")
    for files in ((pip("torch==2.1.0\n"), elsewhere), (conda("dependencies: [pytorch=2.1.0]\n"), here), (here,)):
        made = plan(item(framework="PyTorch", version="2.1.0"), *files)
        assert "python-beside" not in findings(made) and made.python != "3.9"


def test_a_python_beside_that_has_no_packages_gives_way() -> None:
    files = pip("torch==2.1.0\n"), beside("runtime.txt", "python-3.9")
    made = plan(item(framework="PyTorch"), *files, dead_pythons=("3.9",))
    assert made.python != "3.9" and "python-beside" not in findings(made)
