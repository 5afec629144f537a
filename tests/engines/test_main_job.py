"""The command as its user meets it: every step alone, what is not done twice, and what happens when things break."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dlm_build.errors import Outcome
from dlm_build.records import Context, Lock, Plan, from_json
from dlm_build.running.orphans import LABEL
from tests.engines.conftest import DLM_BUILD, Cli, with_limits
from tests.engines.running.breakable import Breakable
from tests.engines.test_examples import EXAMPLES, variant
from tests.servers.quiet import serving_files

ONNX = str(EXAMPLES / "segmentation-onnx" / "item.json")
CLOSED = "http://127.0.0.1:9"
"""The discard port: nothing listens there."""

pytestmark = pytest.mark.engine


def edited(config: Path, folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of the settings with the value of some keys replaced."""
    text = config.read_text()
    for pattern, value in changes:
        text, count = re.subn(pattern, value, text, flags=re.MULTILINE)
        assert count, pattern
    made = folder / "edited.toml"
    made.write_text(text)
    return made


# --- each step alone ---------------------------------------------------------------------------------------------


def test_each_step_writes_or_prints_one_record(cli: Cli) -> None:
    plan = from_json(Plan, cli("plan", ONNX, "--json").stdout.encode())
    assert plan.framework == "onnxruntime" and all(d.reason for d in plan.decisions)
    assert not (cli.folder / "dlm-out").exists()
    lock = from_json(Lock, cli("lock", ONNX, "--json").stdout.encode())
    assert lock.plan == plan and all(len(p.sha256) == 64 for p in lock.packages)
    context = from_json(Context, cli("render", ONNX, "--json").stdout.encode())
    assert context.lock_digest == lock.digest
    (folder,) = (cli.folder / "dlm-out").iterdir()
    assert {p.name for p in folder.iterdir()} >= {"lock.json", "conda-lock.yml", "explicit.txt", "plan.json", "context"}
    built = cli("build", ONNX, "--no-verify", "--json")
    assert built.status == 0 and built.report.verdict.outcome == Outcome.BUILT
    verified = cli("verify", ONNX, "--json")
    assert verified.status == 0 and verified.report.verdict.outcome == Outcome.MATCHES
    assert (folder / "report.json").read_text() == verified.stdout


def test_verify_before_build_says_what_to_do(cli: Cli) -> None:
    ended = cli("verify", ONNX)
    assert ended.status == 2 and "dlm-build build" in ended.stderr


def test_dry_run_writes_nothing(cli: Cli) -> None:
    ended = cli(ONNX, "--dry-run")
    assert ended.status == 0 and "because" in ended.stdout and not list(cli.folder.iterdir())


def test_standard_input(cli: Cli, tmp_path: Path) -> None:
    item = json.loads(Path(ONNX).read_text())
    item["assets"]["model_archive"]["href"] = str(EXAMPLES / "segmentation-onnx" / "model.mar")
    ended = cli("-", "--json", stdin=json.dumps(item))
    assert ended.status == 0, ended.stderr


def test_an_item_behind_a_url_and_its_archive_beside_it(cli: Cli) -> None:
    with serving_files(EXAMPLES / "segmentation-onnx") as address:
        assert cli(f"{address}/item.json", "--json").status == 0
        again = cli(f"{address}/item.json", "--json").report
    assert {step.name for step in again.steps if step.reused} >= {"gather", "lock", "render", "build", "run"}


def test_an_item_may_not_send_us_to_this_machines_own_servers(cli: Cli, config: Path, tmp_path: Path) -> None:
    item = json.loads(Path(ONNX).read_text())
    with serving_files(EXAMPLES / "segmentation-onnx") as address:
        item["assets"]["model_archive"]["href"] = f"{address}/model.mar"
        (tmp_path / "item.json").write_text(json.dumps(item))
        refused = cli(str(tmp_path / "item.json"), "--json")
        assert refused.report.verdict.outcome in (Outcome.ITEM_HOSTILE, Outcome.ITEM_INVALID), refused.stdout
        allowed = tmp_path / "allowed.toml"
        allowed.write_text(config.read_text() + f'\n[network]\nallow_hosts = ["{address.removeprefix("http://")}"]\n')
        cli.config = allowed
        assert cli(str(tmp_path / "item.json"), "--json").status == 0


def test_bases_are_listed_and_asked_for(cli: Cli) -> None:
    rows = json.loads(cli("bases", "list", "--json").stdout)["rows"]
    assert len(rows) > 100 and all(re.fullmatch(r"sha256:[0-9a-f]{64}", row["digest"]) for row in rows)
    found = json.loads(cli("bases", "resolve", "nvidia/cuda:12.4.1-base-ubuntu22.04", "--json").stdout)
    assert found["index_digest"] and found["platform_digest"]


def test_doctor_knows_the_stack(cli: Cli) -> None:
    ended = cli("doctor", "--json")
    lines = {line["name"]: line["state"] for line in json.loads(ended.stdout)["lines"]}
    assert ended.status == 0
    assert {lines[name] for name in ("docker engine", "buildx", "image store", "registry", "conda channel")} == {"ok"}


# --- what a lock keeps -------------------------------------------------------------------------------------------


def test_new_weights_keep_the_environment_and_share_its_layer(cli: Cli, docker: Any, tmp_path: Path) -> None:
    first = cli(str(variant("unchanged", tmp_path / "a")), "--json", "--output", "out").report
    second = cli(str(variant("weights-changed", tmp_path / "b")), "--json", "--output", "out").report
    assert first.image and second.image
    assert second.verdict.outcome == Outcome.MISMATCH
    assert "lock" in {step.name for step in second.steps if step.reused}
    ours = [image.layers for image in (first.image, second.image)]
    assert ours[0][:-3] == ours[1][:-3] and ours[0] != ours[1], "only the model's layers differ"


def test_a_given_lock_must_fit(cli: Cli, tmp_path: Path) -> None:
    cli("lock", str(variant("unchanged", tmp_path / "a")), "--output", "locked")
    lock = str(cli.folder / "locked" / "lock.json")
    other = cli(str(variant("weights-changed", tmp_path / "b")), "--lock", lock, "--json")
    assert other.report.verdict.outcome == Outcome.HASH_MISMATCH and "--update" in other.report.verdict.hint
    stale = cli("lock", str(tmp_path / "a" / "unchanged" / "item.json"), "--lock", lock, "--as-of", "2025-02-02")
    assert stale.status == 2 and "as" in stale.stderr and "2025-02-02" in stale.stderr
    fits = cli("lock", str(tmp_path / "a" / "unchanged" / "item.json"), "--lock", lock, "--output", "again")
    assert fits.status == 0
    assert (cli.folder / "again" / "lock.json").read_bytes() == Path(lock).read_bytes()


def test_two_folders_give_one_lock_and_one_image(cli: Cli, tmp_path: Path) -> None:
    elsewhere = shutil.copytree(Path(ONNX).parent, tmp_path / "elsewhere") / "item.json"
    one = cli(ONNX, "--json", "--output", "one", env={"TZ": "Asia/Tokyo"}).report
    two = cli(str(elsewhere), "--json", "--output", "two", "--update", env={"LANG": "de_DE"}).report
    assert one.lock_digest == two.lock_digest and one.context_digest == two.context_digest
    assert one.image and two.image and one.image.digest == two.image.digest


def test_what_is_changed_in_a_work_folder_reaches_no_image(cli: Cli, docker: Any, tmp_path: Path) -> None:
    """Its files are links to the store's, and a group's folder is soon opened to the group with `chmod -R`."""
    item = str(variant("unchanged", tmp_path))
    first = cli(item, "--json", "--output", "out", "--tag", "dlm-test/opened:first").report
    docker.images.remove("dlm-test/opened:first")
    for path in (cli.folder / "out" / "context").rglob("*"):
        path.chmod(0o777)
    weights = next((cli.folder / "out" / "context").rglob("model.onnx"))
    weights.write_bytes(bytes(weights.stat().st_size))
    for output in ("out", "new"):
        again = cli(item, "--json", "--output", output, "--tag", "dlm-test/opened:again").report
        docker.images.remove("dlm-test/opened:again")
        assert first.image and again.image and again.image.digest == first.image.digest
        assert again.verdict.outcome == Outcome.MATCHES


# --- when things break -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (((r'^mirrors = \["http.*', f'mirrors = ["{CLOSED}"]'),), "mirrors"),
        (((r'^conda-forge = .*', f'conda-forge = ["{CLOSED}/channel"]'),), "[channels.mirrors]"),
        (((r"\Z", f'\n[index]\nurl = "{CLOSED}/simple"\n'),), "[index]"),
    ],
    ids=["registry", "channel", "index"],
)  # fmt: skip
def test_what_cannot_be_reached_is_infra_and_says_what_to_set(
    changes: tuple[tuple[str, str], ...], told: str, cli: Cli, config: Path, tmp_path: Path
) -> None:
    cli.config = edited(config, tmp_path, *changes)
    ended = cli(ONNX, "--json", "--output", "out")
    assert ended.status == 14, ended.stdout
    assert told in ended.report.verdict.hint + ended.report.verdict.summary
    assert not (cli.folder / "out").exists()


def test_an_unsolvable_environment_names_the_package(cli: Cli, tmp_path: Path) -> None:
    item = variant("unchanged", tmp_path / "a")
    document = json.loads(item.read_text())
    document["properties"]["dlm:runtime"]["requirement_file"] = "./environment.yml"
    (item.parent / "environment.yml").write_text(
        "channels: [conda-forge]\ndependencies: [python=3.11, dlm-unsatisfiable]\n"
    )
    import zipfile

    with zipfile.ZipFile(item.parent / "model.mar") as old:
        members = {name: old.read(name) for name in old.namelist()}
    members["environment.yml"] = (item.parent / "environment.yml").read_bytes()
    with zipfile.ZipFile(item.parent / "model.mar", "w") as new:
        for name, content in members.items():
            new.writestr(name, content)
    for key in ("file:checksum", "file:size"):
        del document["assets"]["model_archive"][key]
    document["properties"]["dlm:runtime"]["requirement_file"] = "environment.yml"
    document["properties"]["dlm:runtime"]["framework"] = "onnxruntime"
    item.write_text(json.dumps(document))
    ended = cli(str(item), "--json")
    assert ended.status == 6 and "dlm-unsatisfiable" in ended.report.verdict.summary, ended.stdout


def test_no_engine(cli: Cli) -> None:
    ended = cli(ONNX, "--json", env={"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    assert ended.status == 14
    assert "Docker" in ended.report.verdict.summary and ended.report.verdict.hint


def a_run_of_ours(docker: Any) -> bool:
    """Whether the container of a program that this process started is there."""
    for row in docker.containers.list(filters={"label": LABEL}, ignore_removed=True):
        with suppress(OSError):
            if f"PPid:\t{os.getpid()}\n" in Path("/proc", row.labels[LABEL].split("/")[2], "status").read_text():
                return True
    return False


def test_an_engine_that_dies_in_the_middle(
    cli: Cli, stack: dict[str, Any], config: Path, tmp_path: Path, docker: Any
) -> None:
    engine = Breakable(tmp_path / "engine.sock", Path(stack["docker_host"].removeprefix("unix://")))
    item = str(variant("handler-hangs", tmp_path / "items"))
    cli.config = with_limits(config, tmp_path, seconds=60.0)
    ended: list[Any] = []
    running = threading.Thread(
        target=lambda: ended.append(cli(item, "--json", env={"DOCKER_HOST": f"unix://{engine.path}"}))
    )
    running.start()
    while not a_run_of_ours(docker) and running.is_alive():
        time.sleep(0.1)
    engine.cut()
    running.join()
    assert ended[0].status == 14, ended[0].stdout
    assert ended[0].report.verdict.outcome == Outcome.INFRA


def test_a_full_disk_is_said_and_leaves_no_litter(cli: Cli, config: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.decode().strip()}")
    try:
        cli.config = edited(config, tmp_path, (r"^store = .*", f'store = "{small}/store"'))
        ended = cli(ONNX, "--json", "--output", "out")
        assert ended.status == 14 and "space" in ended.report.verdict.summary.lower(), ended.stdout
        assert not (cli.folder / "out").exists()
        assert not [p for p in (small / "store").rglob("*") if p.is_file() and "scratch" in p.parts]
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_ctrl_c_leaves_nothing_that_looks_whole_and_the_next_run_ends(cli: Cli, docker: Any, tmp_path: Path) -> None:
    item = variant("unchanged", tmp_path / "items")
    document = json.loads(item.read_text())
    document["properties"]["title"] = f"Another model, for an image nobody built yet {time.time_ns()}"
    item.write_text(json.dumps(document))
    environment = {**os.environ, "DLM_BUILD_CONFIG": str(cli.config)}
    environment.pop("DOCKER_HOST", None)
    with subprocess.Popen(
        [DLM_BUILD, str(item), "--output", "out"], cwd=cli.folder, env=environment, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if line.strip().startswith("build"):
                child.send_signal(signal.SIGINT)
                break
        assert "interrupted" in child.stderr.read()
        assert child.wait(60) == 130
    assert not (cli.folder / "out" / "image.json").exists()
    assert not (cli.folder / "out" / "report.json").exists()
    assert cli(str(item), "--json", "--output", "out").status == 0


# --- size and speed ----------------------------------------------------------------------------------------------


def test_a_large_weights_file_is_never_in_memory(cli: Cli, tmp_path: Path) -> None:
    """1 GiB of zeros in the archive, stored: own peak under 300 MB up to the rendered folder."""
    import zipfile

    item = variant("unchanged", tmp_path / "items")
    with zipfile.ZipFile(item.parent / "model.mar", "a", zipfile.ZIP_STORED) as archive:
        info = zipfile.ZipInfo("extra-weights.bin", (2025, 1, 15, 0, 0, 0))
        with archive.open(info, "w", force_zip64=True) as out:
            for _ in range(256):
                out.write(bytes(4 << 20))
    document = json.loads(item.read_text())
    for key in ("file:checksum", "file:size"):
        del document["assets"]["model_archive"][key]
    item.write_text(json.dumps(document))
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    environment = {**os.environ, "DLM_BUILD_CONFIG": str(cli.config)}
    told = subprocess.run(
        [sys.executable, "-c", script, DLM_BUILD, "render", str(item), "-q", "--output", "out"],
        cwd=cli.folder, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert int(told.stdout) < 300 * 1024, f"{told.stdout.strip()} KiB"


def test_help_is_quick() -> None:
    """Against the same interpreter doing nothing, since machines differ: at most 0.2 s more in the best of five."""

    def seconds(*argv: str) -> float:
        best = 99.0
        for _ in range(5):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return best

    assert seconds(DLM_BUILD, "--help") < seconds(sys.executable, "-c", "pass") + 0.2
