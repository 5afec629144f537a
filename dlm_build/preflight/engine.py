"""The program that runs SIF files, who runs it, and what it mounts with."""

from __future__ import annotations

from dlm_build.errors import DlmBuildError
from dlm_build.preflight.line import Line, Look
from dlm_build.running.apptainer import Engine, find_engine
from dlm_build.running.sif_run import ordinary_user

NAMESPACES = (
    "sysctl kernel.unprivileged_userns_clone=1 and user.max_user_namespaces=15000, or install the setuid starter"
)
MOUNTERS = ("squashfuse_ll", "squashfuse")


def engine_lines(look: Look) -> list[Line]:
    try:
        engine = find_engine(look.settings.apptainer.program, look.programs)
    except DlmBuildError as problem:
        return [Line(name="SIF engine", state="warn", detail=problem.message, fix=problem.hint)]
    line = Line(name="SIF engine", state="ok", detail=f"{engine.kind} {engine.version} ({engine.program})")
    return [line, _user(look), _namespaces(look, engine), _fuse(look)]


def _user(look: Look) -> Line:
    try:
        user = ordinary_user(look.settings, look.own_user)
    except DlmBuildError as problem:
        return Line(name="SIF user", state="warn", detail=problem.message, fix=problem.hint)
    named = f"{look.settings.apptainer.user} ({user[0]})" if user else f"this user ({look.own_user})"
    return Line(name="SIF user", state="ok", detail=f"models run as {named}")


def _namespaces(look: Look, engine: Engine) -> Line:
    if _setuid(look, engine):
        return Line(name="user namespaces", state="ok", detail="not needed: the engine has its setuid starter")
    tried = look.as_runner("unshare", "--user", "true")
    if tried is not None and tried.status == 0:
        return Line(name="user namespaces", state="ok", detail="this machine lets ordinary users make them")
    said = tried.tail(1) if tried else "unshare cannot be started"
    return Line(
        name="user namespaces", state="warn", detail=f"not for the user who runs models: {said}", fix=NAMESPACES
    )


def _setuid(look: Look, engine: Engine) -> bool:
    told = look.as_runner(engine.program, "buildcfg")
    return told is not None and f"{engine.prefix}_SUID_INSTALL=1" in told.stdout


def _fuse(look: Look) -> Line:
    mounter = look.found(*MOUNTERS)
    if mounter is None:
        detail = "no squashfuse: every run unpacks the whole SIF first"
        return Line(name="FUSE", state="warn", detail=detail, fix="install squashfuse")
    device = look.root / "dev/fuse"
    tried = look.as_runner("test", "-r", str(device), "-a", "-w", str(device))
    if tried is not None and tried.status == 0:
        return Line(name="FUSE", state="ok", detail=f"{mounter} and {device}")
    detail = f"{device} is not there or is closed to the user who runs models: every run unpacks the whole SIF first"
    return Line(name="FUSE", state="warn", detail=detail, fix=f"modprobe fuse; chmod 666 {device}")
