"""One engine's verdict: run the packaged sample in what was made, judge what came out.

A run whose image or SIF, sample, expected output, limits, options and device are those of an earlier one is not done
again, as long as the outputs lie where it left them; it is only judged again where the comparison is another.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from dlm_build import __version__
from dlm_build.doors import Doors
from dlm_build.errors import InfraError, Outcome
from dlm_build.job import Job
from dlm_build.records import EngineEnd, Image, Plan, Record, Run, Sif, Verdict, digest_of

if TYPE_CHECKING:
    from dlm_build.running.gpu import Device


VERIFIED: Mapping[Literal["docker", "sif"], str] = {"docker": "verified.json", "sif": "verified-sif.json"}
"""Where a work folder keeps what each engine's run was judged to be: a `Verified`."""
JUDGED = frozenset({Outcome.MATCHES, Outcome.MISMATCH, Outcome.RAN})
"""Verdicts that stand until something else is run, or it is judged otherwise."""


class Made(NamedTuple):
    """What one engine runs, and how."""

    engine: Literal["docker", "sif"]
    digest: str
    """Of what decides the run's outcome: the image, or the SIF's root file system."""
    device: Callable[[], Device]
    """What a run would be offered now. Raises InfraError where a GPU is demanded and there is none."""
    run: Callable[[Device], Run]
    place: Path
    """Where the run's outputs and its log are."""


class Verified(Record, frozen=True, kw_only=True):
    """A run and its verdict, good for as long as `key` is what would be run again, and `rules` how it is judged."""

    key: tuple[str, ...]
    rules: str = ""
    run: Run
    verdict: Verdict


def in_docker(image: Image, job: Job) -> Made:
    """Outputs land in `outputs/` of the work folder."""
    folder, plan, gpu, doors = job.folder, job.plan, job.options.gpu, job.doors

    def device() -> Device:
        from dlm_build.running.gpu import choose_at

        return choose_at(gpu, plan.gpu, doors.at_engine(), doors.programs)

    def run(device: Device) -> Run:
        from dlm_build.running import Host, run_sample

        host = Host(doors.at_engine(), doors.programs, doors.store, doors.notify, device)
        return run_sample(image, plan, folder.root, gpu, host)

    return Made("docker", image.digest, device, run, folder.root)


def in_sif(sif: Sif, job: Job) -> Made:
    """Outputs land in `sif/outputs/` of the work folder."""
    place, plan, gpu, doors = job.folder.root / "sif", job.plan, job.options.gpu, job.doors

    def device() -> Device:
        from dlm_build.running.gpu import choose_host_gpu

        return choose_host_gpu(gpu, plan.gpu, doors.programs)

    def run(device: Device) -> Run:
        from dlm_build.running import Host, run_in_sif

        host = Host(doors.settings, doors.programs, doors.store, doors.notify, device)
        return run_in_sif(sif, plan, _open_folder(place), gpu, host)

    return Made("sif", f"{sif.rootfs_digest} {sif.compression} {sif.packed_by}", device, run, place)


def _open_folder(place: Path) -> Path:
    """`place`, entered by all under any umask, as another user may run the model. Raises InfraError.

    In a folder of a group it may be another's, who alone can change its mode; an ordinary user runs the model himself.
    """
    try:
        place.mkdir(exist_ok=True)
        mode = place.stat().st_mode
        if mode & 0o111 != 0o111:
            place.chmod(mode | 0o111)
    except OSError as problem:
        if os.geteuid() and os.access(place, os.W_OK | os.X_OK):
            return place
        raise InfraError(
            f"cannot open {place}: {problem.strerror or problem}",
            f"let its owner run `chmod a+x {shlex.quote(str(place))}`, or name a folder of your own with --output",
        ) from problem
    return place


def unverified(what: str) -> Verdict:
    return Verdict(outcome=Outcome.BUILT, summary=f"built {what}; not verified, as asked")


def verified(made: Made, job: Job) -> EngineEnd:
    """How the packaged sample did, unless that very run was judged before."""
    if job.plan.sample is None:
        verdict = Verdict(
            outcome=Outcome.BUILT,
            summary="built; the item names no test sample, so nothing could be run",
            hint=job.plan.fix_of("no-sample") or "name a sample; `dlm-build check` shows how in this item's dialect",
        )
        return EngineEnd(engine=made.engine, verdict=verdict)
    from dlm_build.judging import rules_digest

    name, rules = VERIFIED[made.engine], rules_digest()
    with job.journal.step(_step(made, "run")) as reuse:
        device = made.device()
        key = _run_key(made, device, job)
        kept = job.folder.load(name, Verified)
        if kept and kept.key == key and not job.options.force and (done := _still_there(kept.run, made.place)):
            reuse(True)
            if kept.rules == rules:
                return EngineEnd(engine=made.engine, run=done, verdict=kept.verdict)
            run = done
        else:
            job.folder.forget(name)
            run = _with_processor(made.run(device), made, job.doors)
    job.journal.known.run = run
    verdict = _judged(run, made, job)
    if verdict.outcome in JUDGED:
        job.folder.save(name, Verified(key=key, rules=rules, run=run, verdict=verdict))
    return EngineEnd(engine=made.engine, run=run, verdict=verdict)


def known_verdict(made: Made, job: Job) -> Verdict | None:
    """Of the same sample in the very image or SIF, on whatever device; None where it was not judged as it would be now.

    A mismatch stays one until it is judged again.
    """
    from dlm_build.judging import rules_digest

    kept = job.folder.load(VERIFIED[made.engine], Verified)
    if kept is None or not set(_matter(made, job.plan)).issubset(kept.key):
        return None
    is_current = kept.rules == rules_digest() or kept.verdict.outcome == Outcome.MISMATCH
    return kept.verdict if is_current else None


def _still_there(run: Run, place: Path) -> Run | None:
    """The run with its outputs in `place` as it is called now; None where they were changed since."""
    from dlm_build.running.outputs import are_as_collected
    from dlm_build.running.place import OUTPUTS

    outputs = place / OUTPUTS
    return msgspec.structs.replace(run, output_folder=str(outputs)) if are_as_collected(run.outputs, outputs) else None


def _judged(run: Run, made: Made, job: Job) -> Verdict:
    from dlm_build.judging import judge

    with job.journal.step(_step(made, "judge")):
        return judge(run, job.plan, job.doors.store, job.doors.programs)


def _with_processor(run: Run, made: Made, doors: Doors) -> Run:
    """What the sample ran on; an engine behind a network address runs on a processor that is not ours to read."""
    from dlm_build.preflight.processor import host_flags, level_of

    here = made.engine == "sif" or doors.engine.host().startswith("unix://")
    return msgspec.structs.replace(run, processor=level_of(host_flags()) if here else None)


def _step(made: Made, name: str) -> str:
    return name if made.engine == "docker" else f"{name} sif"


def _run_key(made: Made, device: Device, job: Job) -> tuple[str, ...]:
    options = (f"gpu={job.options.gpu}", _in_words(device), digest_of(job.doors.settings.limits))
    return (__version__, *_matter(made, job.plan), *options)


def _matter(made: Made, plan: Plan) -> tuple[str, ...]:
    """What is run, on what, and what is to come out."""
    if plan.sample is None:
        return (made.digest,)
    expected = plan.sample.expected.sha256 if plan.sample.expected else "none"
    policy = digest_of(plan.comparison) if plan.comparison else "none"
    return made.digest, plan.sample.input.sha256, expected, policy


def _in_words(device: Device) -> str:
    """Equal as long as a run would be offered the same; which GPU of a machine lies idle does not matter to the CPU."""
    return f"on gpu {device.way} {device.name} {device.driver}" if device.available else "on cpu"
