"""What may go out: what was built here, by the verdict of its sample."""

from __future__ import annotations

from typing import Literal, NamedTuple

from dlm_build.errors import Outcome, UsageError, shown
from dlm_build.job import Job
from dlm_build.kept import built_engines, kept_image, kept_sif, label_of
from dlm_build.records import Image, Record, Report, Sif, Verdict
from dlm_build.verifying import JUDGED, in_docker, in_sif, known_verdict
from dlm_build.workfolder import WorkFolder

Kind = Literal["docker", "sif"]
NOT_VERIFIED = "not verified"


class Wanted(Record, frozen=True, kw_only=True):
    """What the operator asked for."""

    target: str
    """`registry/path[:tag]`; the tag is the context's digest where none is given."""
    to: tuple[Kind, ...] = ()
    """Empty: what is there."""
    sign: bool = False
    key: str | None = None
    unverified: bool = False
    replace: bool = False


class Ready(NamedTuple):
    """What goes out, and what is known of it."""

    image: Image | None
    sif: Sif | None
    verdicts: dict[str, str]
    """Engine to verdict."""
    label: Verdict | None = None
    """What the SIF is to be labelled with."""


def ready_of(job: Job, wanted: Wanted) -> Ready:
    chosen = wanted.to or built_engines(job.folder)
    if wanted.sign and "sif" not in chosen:
        raise UsageError("--sign signs a SIF, and none is pushed", "make one with `dlm-build build --to docker,sif`")
    image, sif, label, verdicts = None, None, None, {}
    if "docker" in chosen:
        image = kept_image(job.folder, job.lock, job.doors)
        known = known_verdict(in_docker(image, job), job)
        verdicts["docker"] = _admitted(known, image.reference, wanted, "docker", job.folder)
    if "sif" in chosen:
        sif = kept_sif(job.folder, job.lock)
        label = known_verdict(in_sif(sif, job), job)
        verdicts["sif"] = _admitted(label, sif.path, wanted, "sif", job.folder)
    return Ready(image, sif, verdicts, label)


def _admitted(verdict: Verdict | None, what: str, wanted: Wanted, engine: Kind, folder: WorkFolder) -> str:
    """The verdict in words. Raises UsageError for what nobody should pull."""
    if verdict is None:
        if wanted.unverified:
            return NOT_VERIFIED
        raise _unjudged(shown(what, 300), engine, folder)
    if verdict.outcome == Outcome.MISMATCH:
        raise UsageError(
            f"{shown(what, 300)} does not give the output that the item promises: {verdict.summary}",
            "a mismatch is never pushed; mend the item, or its expected output",
        )
    return label_of(verdict)


def _unjudged(what: str, engine: Kind, folder: WorkFolder) -> UsageError:
    """With how its last run ended, where that gave nothing to judge: of such a run only the report tells."""
    report = folder.load("report.json", Report)
    ran = [end.verdict for end in (report.engines if report else ()) if end.engine == engine and end.run]
    as_it_is = "push it as it is with --unverified"
    if not ran or ran[0].outcome in JUDGED:
        fix = f"run `dlm-build verify ITEM --to {engine}` first; or {as_it_is}"
        return UsageError(f"{what} was not verified{', or otherwise than it is now' if ran else ''}", fix)
    message = f"{what} could not be verified, its run ended in {ran[0].outcome}: {ran[0].summary}"
    return UsageError(message, f"mend the model; or {as_it_is}")


def context_of(ready: Ready) -> str:
    digests = {made.context_digest for made in (ready.image, ready.sif) if made}
    if len(digests) != 1:
        raise UsageError("the image and the SIF were made of different things", "build both: `--to docker,sif`")
    return digests.pop()
