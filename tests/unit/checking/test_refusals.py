"""What a build refuses before it fetches anything: said by check too, and in the same words."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from dlm_build.archives import FOREIGN, Parcel, unpack
from dlm_build.checking import check_text
from dlm_build.checking.records import Checked
from dlm_build.errors import ItemInvalid
from dlm_build.findings.kinds import Kind
from dlm_build.findings.online import AddressNotAllowed, SourceNotThere
from dlm_build.gathering.assets import place_of
from dlm_build.items import read_item
from dlm_build.progress import silent
from dlm_build.records import Finding
from dlm_build.store import Store
from dlm_build.weight_files import FOREIGN_SUFFIXES
from tests.unit.checking.made import COMMIT, changed, check, codes
from tests.unit.items.samples_of_mlm import MLM
from tests.unit.planning.inputs import plan

RUNTIME = "properties__dlm:runtime__"


def one(checked: Checked, code: str) -> Finding:
    (finding,) = [finding for finding in checked.findings if finding.code == code]
    return finding


def blocked(checked: Checked) -> set[str]:
    return {finding.code for finding in checked.findings if finding.severity == "error"}


@pytest.mark.parametrize(
    ("run", "said"),
    [("python infer.py in.tif | tee log", "needs a shell for `|`"), ("python a.py > out.tif", "needs a shell for `>`"),
     ("python a.py $INPUT", "needs a shell for `$`"), ("python a.py {scene}", "is no placeholder"),
     ("python 'a.py", "does not end")],
)  # fmt: skip
def test_a_command_that_only_a_shell_understands(run: str, said: str) -> None:
    checked = check(changed(**{f"{RUNTIME}docker": {"run": run}}))
    finding = one(checked, "run-not-plain")
    assert (finding.severity, finding.pointer) == ("error", "/properties/dlm:runtime/docker/run")
    assert said in finding.message and not finding.message.startswith("/")
    assert checked.grade.letter == "C" and "how the command is run" in {guess.what for guess in checked.grade.guesses}


@pytest.mark.parametrize("named", ["handler.py:run-it", "my-model.predict:run", "my-model.predict"])
def test_a_handler_that_is_no_name_of_python(named: str) -> None:
    checked = check(changed(**{f"{RUNTIME}model_handler": named}))
    finding = one(checked, "handler-refused")
    assert (checked.grade.letter, finding.severity) == ("C", "error") and finding.message.startswith(named)
    assert "the function to call" in {guess.what for guess in checked.grade.guesses}
    with pytest.raises(ItemInvalid, match=named):
        read = read_item(json.dumps(changed(**{f"{RUNTIME}model_handler": named})), "item.json")
        plan(read, paths=("handler.py", "weights.pth"))


@pytest.mark.parametrize(
    ("href", "source", "refused"),
    [("model.pt", None, True), ("model.onnx", None, True), ("model.pt", "https://github.com/me/m", False),
     ("model.zip", None, False), ("model.mar", None, False), ("model", None, False)],
)  # fmt: skip
def test_a_handler_in_a_file_is_in_an_archive_or_in_a_source(href: str, source: str | None, refused: bool) -> None:
    item = changed(assets__model__href=href, **{f"{RUNTIME}model_src_url": source, "properties__dlm:archive": []})
    checked = check(item)
    assert ("handler-refused" in codes(checked)) is refused
    assert not {"handler-refused", "code-not-found"}.issubset(codes(checked))
    module = check(changed(**{"assets__model__href": href, f"{RUNTIME}model_handler": "pkg.mod:fn"}))
    assert "handler-refused" not in codes(module)


@pytest.mark.parametrize("folder", ["/tmp/app", "/usr/local/app", "/var/model", "/lib32/x"])
def test_a_working_folder_that_a_build_refuses(folder: str) -> None:
    checked = check(changed(**{f"{RUNTIME}docker": {"run": "python a.py", "working_dir": folder}}))
    finding = one(checked, "working-dir-refused")
    assert (finding.severity, finding.pointer) == ("error", "/properties/dlm:runtime/docker/working_dir")
    assert finding.message == f"{folder} belongs to the container itself; a build refuses it"
    assert checked.grade.letter == "C"
    assert "the folder that the model runs in" in {guess.what for guess in checked.grade.guesses}


def test_what_lifts_an_item_is_all_that_is_refused_of_it_and_what_it_lacks_besides() -> None:
    docker = {"run": "python a.py | tee log", "working_dir": "/usr/local/app"}
    checked = check(changed(**{f"{RUNTIME}docker": docker, f"{RUNTIME}model_commit_hash": None}))
    places = [lift.pointer.rpartition("/")[2] for lift in checked.grade.lifts if lift.part == "code"]
    assert places == ["run", "working_dir", "model_commit_hash"]


@pytest.mark.parametrize("expected", ["out.geojson", "out.json", "out.parquet"])
@pytest.mark.parametrize("handler", ["handler.py:run", None])
def test_a_table_of_weights_alone(expected: str, handler: str | None) -> None:
    item = changed(
        **{
            f"{RUNTIME}model_handler": handler,
            "properties__dlm:archive": [{"name": "coast.onnx", "roles": ["model weight"]}],
            "properties__dlm:data__test_file": {"filename": "in.tif", "output": expected},
        }
    )
    never = expected != "out.json" and handler is None
    found = codes(check(item))
    assert ("expected-never-written" in found) is never
    assert ("expected-compared-whole" in found) is (expected == "out.parquet" and handler is not None)


def test_a_model_in_one_file_has_no_sample_in_it() -> None:
    file = {"href": "https://example.org/coast.onnx", "roles": ["model artefact"]}
    changes: dict[str, Any] = {"properties__dlm:data__test_file": {"filename": "in.tif", "output": "out.tif"}}
    alone = check(changed(**changes, assets={"model": file}))
    told = [one for one in alone.findings if one.code == "not-in-one-file"]
    assert '"in.tif" would be in the model\'s archive, but the model is one file, coast.onnx' in [
        t.message for t in told
    ]
    assert alone.grade.letter == "C" and "expected-not-in-archive" in codes(alone)
    beside = {name: {"href": f"./{name}", "roles": ["data"]} for name in ("in.tif", "out.tif", "conda-lock.yml")}
    assert "not-in-one-file" not in codes(check(changed(**changes, assets={"model": file, **beside})))


def test_a_plain_command_is_no_trouble() -> None:
    checked = check(
        changed(**{f"{RUNTIME}docker": {"run": "python 'a b.py' {input} {output}", "working_dir": "/opt/coast"}})
    )
    assert not blocked(checked) and checked.grade.letter == "A"


@pytest.mark.parametrize(
    "url", ["git@github.com:me/r.git", "ssh://git@github.com/me/r.git", "git+ssh://git@github.com/me/r.git"]
)
def test_an_ssh_address_of_a_known_host_is_read_as_its_https_twin(url: str) -> None:
    checked = check(changed(**{f"{RUNTIME}model_src_url": url}))
    finding = one(checked, "https-inferred")
    assert finding.severity == "info" and finding.hint == 'write "https://github.com/me/r.git"'
    assert checked.grade.letter == "A" and not blocked(checked)


@pytest.mark.parametrize(
    ("url", "said"),
    [("git@git.example.org:me/r.git", "ssh key"), ("https://10.0.0.7/me/r", "not public"),
     ("https://me:secret@git.example.org/me/r", "credentials"), ("http://git.example.org/me/r", "not https"),
     ("https://doi.org/10.5281/zenodo.1234", "not a git repository"), ("https://github.com/me", "not a repository"),
     ("git://git.example.org/me/r", "not https")],
)  # fmt: skip
def test_a_source_that_git_is_not_asked_for(url: str, said: str) -> None:
    checked = check(changed(**{f"{RUNTIME}model_src_url": url}))
    finding = one(checked, "source-refused")
    assert finding.severity == "error" and said in finding.message and "secret" not in f"{finding.message}"
    assert checked.grade.letter == "C" and "source-has-no-repository" not in codes(checked)


@pytest.mark.parametrize(
    ("href", "said"),
    [("https://user:pw@example.org/m.zip", "credentials"), ("https://10.0.0.7/m.zip", "not public"),
     ("http://localhost/m.zip", "not public"), ("https://0x7f000001/m.zip", "number"),
     ("https://example.org:99999/m.zip", "cannot be read"), ("https://exa%6dple.org/m.zip", "no server can have")],
)  # fmt: skip
def test_an_address_of_the_model_that_is_not_asked(href: str, said: str) -> None:
    checked = check(changed(assets__model__href=href))
    finding = one(checked, "address-not-allowed")
    assert (finding.severity, finding.pointer) == ("error", "/assets/model/href")
    assert said in finding.message
    assert checked.grade.letter == "C" and "the address of the weights" in {g.what for g in checked.grade.guesses}


PAGES = (
    "ghcr.io/me/m:1", "https://github.com/me/m", "https://doi.org/10.5281/zenodo.123", "https://huggingface.co/me/m",
    "https://zenodo.org/records/123", "s3://b/c/e.yml", "https://drive.google.com/drive/folders/abc",
)  # fmt: skip


@pytest.mark.parametrize("part", ["environment", "sample", "expected"])
@pytest.mark.parametrize("href", PAGES)
def test_what_an_item_names_beside_its_model_is_a_file(part: str, href: str) -> None:
    """As of the model itself: a build would stop for it, without asking."""
    item = copy.deepcopy(MLM)
    item["assets"][part]["href"] = href
    checked = check(item)
    finding = one(checked, "named-file-is-none")
    assert (finding.severity, finding.pointer) == ("error", f"/assets/{part}/href")
    assert checked.grade.letter == "C"
    asset = next(asset for asset in read_item(json.dumps(item), "item.json").assets if asset.key == part)
    with pytest.raises(ItemInvalid, match=re.escape(finding.message.split('" is ')[1].partition("; a build")[0])):
        place_of(asset, read_item(json.dumps(item), "https://example.org/item.json"))


@pytest.mark.parametrize(
    ("href", "origin", "told"),
    [("available on request", "item.json", True), ("my_package.data.sample", "https://example.org/item.json", True),
     ("my_package.data.sample", "item.json", False), ("sample data.tif", "item.json", False)],
)  # fmt: skip
def test_words_and_names_are_no_files(href: str, origin: str, told: bool) -> None:
    """A name may be that of a file beside the item, which a build would find there."""
    item = copy.deepcopy(MLM)
    item["assets"]["sample"]["href"] = href
    assert ("named-file-is-none" in codes(check(item, origin))) is told


def test_an_environment_behind_an_address_is_a_file() -> None:
    checked = check(changed(**{f"{RUNTIME}requirement_file": "https://github.com/me/m"}))
    assert one(checked, "named-file-is-none").pointer == "/properties/dlm:runtime/requirement_file"
    assert "environment-not-locked" not in codes(checked)  # it names no packages, being no file


@pytest.mark.parametrize("part", ["environment", "sample", "expected"])
def test_an_address_that_a_build_does_not_ask_makes_an_item_c_at_best(part: str) -> None:
    item = copy.deepcopy(MLM)
    item["assets"][part]["href"] = f"https://10.0.0.7/{part}"
    checked = check(item)
    assert checked.grade.letter == "C" and "address-not-allowed" in blocked(checked)
    assert [guess.what for guess in checked.grade.guesses] == ["the address of another file"]


@pytest.mark.parametrize(("suffix", "what"), FOREIGN_SUFFIXES.items())
def test_an_archive_that_a_build_does_not_open(suffix: str, what: str, tmp_path: Path) -> None:
    checked = check(changed(assets__model__href=f"https://example.org/model.tar{suffix}?download=1"))
    finding = one(checked, "archive-not-read")
    assert finding.message == f'"model.tar{suffix}" is a {what} by its name, which a build does not open'
    assert (checked.grade.letter, finding.severity, finding.pointer) == ("C", "error", "/assets/model/href")
    unsaid: dict[str, Any] = {
        f"{RUNTIME}model_handler": None,
        f"{RUNTIME}model_src_url": None,
        "properties__dlm:archive": [],
    }
    bare = check(changed(assets__model__href=f"model{suffix}", **unsaid))
    assert bare.grade.letter == "C" and "nothing-runs-the-weights" not in codes(bare)
    file = tmp_path / f"model.tar{suffix}"
    file.write_bytes(next(magic for magic, kind in FOREIGN.items() if kind == what) + bytes(32))
    with pytest.raises(ItemInvalid, match=what) as refused:
        unpack(file, Store(tmp_path / "store"), silent, Parcel(name=file.name))
    assert refused.value.hint == finding.hint


def test_a_password_is_not_shown() -> None:
    checked = check(changed(assets__model__href="https://user:pa55word@example.org/m.zip"))
    assert "pa55word" not in json.dumps([finding.message + finding.hint for finding in checked.findings])


def test_plain_http_blocks_the_build_and_says_so_once() -> None:
    checked = check(changed(assets__model__href="http://example.org/m.zip"))
    finding = one(checked, "weights-over-http")
    assert finding.severity == "error" and "network.allow_hosts" in finding.hint
    assert "address-not-allowed" not in codes(checked) and checked.grade.letter == "C"
    beside = check(changed(assets__model__href="http://example.org/m.zip"), "http://example.org/item.json")
    assert "weights-over-http" not in codes(beside)


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [("assets__model__href", "https://10.0.0.7/m.zip", AddressNotAllowed),
     ("assets__model__href", "http://example.org/m.zip", AddressNotAllowed),
     (f"{RUNTIME}model_src_url", "https://10.0.0.7/me/r", SourceNotThere)],
)  # fmt: skip
def test_what_asking_finds_too_is_said_once(path: str, value: str, kind: type[Kind]) -> None:
    item = changed(**{path: value})
    place = "/assets/model/href" if path.startswith("assets") else "/properties/dlm:runtime/model_src_url"
    asked = kind.at(place, found=value, why="it is not asked", how="give another")
    checked = check_text(json.dumps(item), "items/item.json", lambda _: (asked,))
    assert len([finding for finding in checked.findings if finding.severity == "error"]) == 1


def test_the_environment_file_is_asked_for_too() -> None:
    checked = check(changed(**{f"{RUNTIME}requirement_file": "http://example.org/conda-lock.yml"}))
    assert one(checked, "address-not-allowed").pointer == "/properties/dlm:runtime/requirement_file"


# --- the version -------------------------------------------------------------------------------------------------


def test_a_version_that_is_none() -> None:
    checked = check(changed(**{f"{RUNTIME}version": "2021-05-01"}))
    finding = one(checked, "version-unreadable")
    assert (finding.severity, finding.pointer) == ("error", "/properties/dlm:runtime/version")
    assert "1.0.0 to" in finding.hint and checked.grade.letter == "C"


def test_a_version_that_was_never_published() -> None:
    finding = one(check(changed(**{f"{RUNTIME}version": "9.9.9"})), "unknown-version")
    assert finding.severity == "warning" and "is the nearest" in finding.message


@pytest.mark.parametrize("version", ["1.7.1", "1.7", "1.7.1+cu110", "1.7.0", "1"])
def test_versions_of_the_items_time_are_no_trouble(version: str) -> None:
    checked = check(changed(**{f"{RUNTIME}version": version}))
    assert codes(checked).isdisjoint({"version-unreadable", "unknown-version", "date-before-framework"})


@pytest.mark.parametrize(
    ("created", "code"),
    [("2015-01-01T00:00:00Z", "date-before-framework"), ("2099-01-01T00:00:00Z", "date-in-the-future")],
)
def test_a_day_on_which_nobody_can_have_made_it(created: str, code: str) -> None:
    finding = one(check(changed(properties__created=created)), code)
    assert (finding.severity, finding.pointer) == ("warning", "/properties/created")


def test_a_patch_level_that_was_out_later_is_not_meant() -> None:
    """1.7.0 is of October 2020, 1.7.1 of December."""
    item = changed(properties__created="2020-11-15T00:00:00Z", **{f"{RUNTIME}version": "1.7"})
    assert "date-before-framework" not in codes(check(item))


def test_the_version_of_another_framework_than_runs_the_weights_does_not_count() -> None:
    item = changed(
        assets__model__href="https://example.org/m.onnx",
        **{f"{RUNTIME}version": "9.9.9", f"{RUNTIME}model_handler": None, "properties__dlm:archive": None},
    )
    assert "unknown-version" not in codes(check(item))


# --- MLM ---------------------------------------------------------------------------------------------------------


def mlm(**changes: Any) -> Checked:
    item = copy.deepcopy(MLM)
    for key, fields in changes.items():
        item["assets"].setdefault(key, {}).update(fields)
    return check_text(json.dumps(item, indent=1), "items/item.json")


@pytest.mark.parametrize(
    ("href", "code"),
    [("git@github.com:me/r.git", "https-inferred"), ("git@git.example.org:me/r.git", "source-refused")],
)
def test_an_ssh_address_in_mlm(href: str, code: str) -> None:
    key = next(key for key, asset in MLM["assets"].items() if "mlm:source_code" in asset.get("roles", ()))
    assert code in codes(mlm(**{key: {"href": href}}))


def test_expected_output_and_sample_in_one_file() -> None:
    checked = mlm(expected={"href": MLM["assets"]["sample"]["href"]})
    assert one(checked, "expected-is-input").pointer == "/assets/expected"
    assert "no-expected-output" not in codes(checked) and checked.grade.letter != "A"


def test_a_commit_that_a_host_of_no_name_shows() -> None:
    item = changed(**{f"{RUNTIME}model_src_url": f"https://github.corp.example/me/r/tree/{COMMIT}"})
    item["properties"]["dlm:runtime"].pop("model_commit_hash")
    checked = check(item)
    assert "source-not-pinned" not in codes(checked) and checked.grade.letter == "A"


def test_unpinned_code_is_a_guess_that_the_operator_allows() -> None:
    checked = check(changed(**{f"{RUNTIME}model_commit_hash": None}))
    finding = one(checked, "source-not-pinned")
    assert "--allow-unpinned" in finding.message and checked.grade.letter == "C"
