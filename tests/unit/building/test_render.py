"""Regenerate the golden Dockerfile with `python -m tests.unit.building.test_render`."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from dlm_build.building.layout import EPOCH, GENERATED
from dlm_build.building.render import environment_json, render, source_date_epoch
from dlm_build.records import Context, Decision, Finding, Member, SampleSpec
from tests.unit.building.locks import CODE, EXPECTED, INPUT, WEIGHTS, archive, rendered, text_of, tiny_lock
from tests.unit.plans import tiny_plan

GOLDEN = Path(__file__).with_name("Dockerfile.golden")


def places(context: Context) -> dict[str, int]:
    """Where files of the trees go in the image, and their modes."""
    inside = (row for row in context.files if "/opt/dlm/" in row.path)
    return {"/" + row.path.partition("/")[2]: row.mode for row in inside}


def test_equal_locks_give_equal_rows() -> None:
    assert rendered(tiny_lock()) == rendered(tiny_lock())


def test_neither_reasons_nor_the_place_of_the_archive_change_a_byte() -> None:
    lock = tiny_lock()
    plan = replace(
        lock.plan,
        archive=replace(lock.plan.archive, href="/home/somebody/model.mar"),
        decisions=(Decision(name="gpu", value="no", reason="--no-gpu was given"),),
        findings=(Finding(code="c", severity="info", pointer="", message="m"),),
    )
    other = replace(lock, plan=plan)
    assert plan.source and plan.source.address == plan.source.url
    assert replace(plan.source, url="file:///home/somebody/code").address == ""
    assert other != lock and other.digest == lock.digest and rendered(other) == rendered(lock)
    assert replace(lock, plan=replace(lock.plan, title="Roads")).digest != lock.digest


def test_rows_are_sorted_and_unique() -> None:
    paths = [row.path for row in rendered(tiny_lock()).files]
    assert paths == sorted(set(paths))


def golden_text() -> str:
    """The Dockerfile, without the digest that changes with every line of the harness."""
    return re.sub(r"dlm-[0-9a-f]{32}", "dlm-(digest)", text_of(rendered(tiny_lock()), "Dockerfile"))


def test_the_dockerfile_is_the_golden_one() -> None:
    assert golden_text() == GOLDEN.read_text()


def test_the_dockerfile_names_no_frontend() -> None:
    text = text_of(rendered(tiny_lock()), "Dockerfile")
    assert text.startswith(GENERATED + "\n")
    assert "=" not in GENERATED, "a first comment with `=` could be a parser directive"
    assert "syntax" not in text.lower()


def test_members_go_to_their_places() -> None:
    found = places(rendered(tiny_lock()))
    assert found["/opt/dlm/model/model.onnx"] == 0o444
    assert found["/opt/dlm/source/pkg/net.py"] == 0o444
    assert found["/opt/dlm/sample/samples/in put.tif"] == 0o444
    assert found["/opt/dlm/bin/model"] == 0o555
    assert "/opt/dlm/harness/__main__.py" in found
    assert not [path for path in found if "install_environment" in path]


def test_the_sample_is_only_in_the_sample_folder() -> None:
    rows = [row.path for row in rendered(tiny_lock()).files if row.sha256 == INPUT.sha256]
    assert [path.partition("/")[2] for path in rows] == ["opt/dlm/sample/samples/in put.tif"]


def test_the_expected_output_is_nowhere_not_even_by_name_or_digest() -> None:
    copy = Member(path="weights/innocent.bin", size=EXPECTED.size, sha256=EXPECTED.sha256)
    context = rendered(tiny_lock(archive=archive(WEIGHTS, INPUT, EXPECTED, copy)))
    assert EXPECTED.sha256 not in {row.sha256 for row in context.files}
    told = "".join(row.text or row.path for row in context.files)
    assert EXPECTED.path not in told
    assert EXPECTED.sha256 not in told
    assert "innocent" not in told


def test_an_empty_expected_output_takes_no_other_empty_file_along() -> None:
    empty = Member(path="expected.txt", size=0, sha256="6" * 64)
    code = replace(empty, path="pkg/__init__.py")
    lock = tiny_lock(archive=archive(WEIGHTS, INPUT, empty, code), sample=SampleSpec(input=INPUT, expected=empty))
    found = places(rendered(lock))
    assert "/opt/dlm/model/pkg/__init__.py" in found
    assert "/opt/dlm/model/expected.txt" not in found


def test_layers_come_in_order_of_change() -> None:
    copied = [line for line in text_of(rendered(tiny_lock()), "Dockerfile").splitlines() if line.startswith("COPY")]
    assert [line.split()[1].split("-")[0] for line in copied] == ["", "source", "model", "dlm"]
    assert copied[0] == "COPY --from=env /opt/ /opt/"


def test_a_plan_without_source_copies_none() -> None:
    assert "source-" not in text_of(rendered(tiny_lock(source=None)), "Dockerfile")


def test_new_weights_of_the_same_size_change_only_the_model_and_what_describes_it() -> None:
    old, new = tiny_lock(), tiny_lock(archive=archive(replace(WEIGHTS, sha256="7" * 64), INPUT, EXPECTED))
    before, after = ({row.path.split("/")[0] for row in rendered(lock).files} for lock in (old, new))
    kinds = {name.split("-")[0] for name in after - before}
    assert kinds == {"model", "dlm"}
    assert {name for name in before & after if "-" in name and name.startswith("source")}
    assert environment_json(old) == environment_json(new)


def test_models_that_share_an_environment_share_its_bytes() -> None:
    other = tiny_lock(item_id="other", title="Another", as_of="2020-01-01T00:00:00Z", source=None)
    ours = {row.path: row.sha256 for row in rendered(tiny_lock()).files}
    theirs = {row.path: row.sha256 for row in rendered(other).files}
    for path in ("environment/lock.json", "environment/install_environment.py"):
        assert ours[path] == theirs[path]


def test_the_installer_reads_what_is_locked() -> None:
    told = json.loads(text_of(rendered(tiny_lock()), "environment/lock.json"))
    assert told["epoch"] == EPOCH
    assert [row["filename"] for row in told["packages"]] == [
        "python-1.0.conda", "numpy-1.0.conda", "typeguard-1.0-py3-none-any.whl",
    ]  # fmt: skip
    assert [row["name"] for row in told["installer"]] == ["installer", "py-rattler"]


def test_build_args_carry_the_digest_of_all_the_rest() -> None:
    context = rendered(tiny_lock())
    arguments = text_of(context, "build.args").splitlines()
    assert f"--label=dlm.context={context.digest}" in arguments
    assert "--provenance=false" in arguments
    assert "--platform=linux/amd64" in arguments
    without = Context(
        lock_digest=context.lock_digest, files=tuple(row for row in context.files if row.path != "build.args")
    )
    assert without.digest == context.digest


def test_dlm_json_tells_the_harness_what_it_needs() -> None:
    context = rendered(tiny_lock(title="Forêt"))
    text = next(row.text for row in context.files if row.path.endswith("/opt/dlm/dlm.json"))
    assert text is not None
    told = json.loads(text)
    assert text.isascii()
    assert told["runner"]["kind"] == "onnx"
    assert told["sample"]["input"]["path"] == INPUT.path
    assert told["item"]["title"] == "Forêt"
    assert told["lock"] == tiny_lock(title="Forêt").digest
    assert set(told["sample"]) == {"input", "form"}
    assert told["sample"]["form"] == ".npy"


def test_the_launcher_starts_the_harness_in_isolated_mode() -> None:
    text = next(row.text for row in rendered(tiny_lock()).files if row.path.endswith("/bin/model"))
    assert text is not None
    first, second = text.splitlines()
    assert first.startswith("#!/opt/dlm/env/bin/python -I")
    assert "/opt/dlm/harness/__main__.py" in second


@pytest.mark.parametrize(
    ("as_of", "seconds"),
    [
        (None, EPOCH),
        ("2025-01-15T00:00:00Z", int(datetime(2025, 1, 15, tzinfo=UTC).timestamp())),
        ("2025-01-15T01:00:00+01:00", int(datetime(2025, 1, 15, tzinfo=UTC).timestamp())),
        ("2025-01-15", int(datetime(2025, 1, 15, tzinfo=UTC).timestamp())),
        ("1970-01-01T00:00:00Z", EPOCH),
    ],
)
def test_created_is_the_as_of_instant(as_of: str | None, seconds: int) -> None:
    assert source_date_epoch(tiny_plan(as_of=as_of)) == seconds


def test_render_adds_the_files_of_other_tools() -> None:
    md5 = "8" * 32
    lock = tiny_lock()
    lock = replace(lock, packages=tuple(replace(package, md5=md5) for package in lock.packages))
    context = render(lock)
    assert "conda-lock" in text_of(context, "conda-lock.yml")
    assert "@EXPLICIT" in text_of(context, "explicit.txt")
    assert context.lock_digest == lock.digest


def test_the_readme_shows_arguments_that_a_shell_reads_as_one_command() -> None:
    text = text_of(rendered(tiny_lock()), "README.md")
    line = next(line for line in text.splitlines() if "buildx build" in line)
    assert shlex.split(line)[:3] == ["docker", "buildx", "build"]
    assert '"${args[@]}"' in line
    assert CODE.path not in text


if __name__ == "__main__":
    GOLDEN.write_text(golden_text())
