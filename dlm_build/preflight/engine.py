"""The program that runs SIF files, who runs it, and what it mounts with."""

from __future__ import annotations

from dlm_build.errors import DlmBuildError
from dlm_build.preflight.line import Line, Look
from dlm_build.preflight.reader import reader_line
from dlm_build.running.apptainer import Engine, find_engine
from dlm_build.running.sif_run import ordinary_user

NAMESPACES = (
    "sysctl kernel.unprivileged_userns_clone=1 and user.max_user_namespaces=15000, or install the setuid starter"
)
MOUNTERS = ("squashfuse_ll", "squashfuse")


def engine_lines(look: Look, packed: str = "zstd") -> list[Line]:
    """`packed`: the compression of the files it is to read."""
    try:
        engine = find_engine(look.settings.apptainer.program, look.programs)
    except DlmBuildError as problem:
        return [Line(name="SIF engine", state="warn", detail=problem.message, fix=problem.hint)]
    line = Line(name="SIF engine", state="ok", detail=f"{engine.kind} {engine.version} ({engine.program})")
    build = _build(look, engine)
    setuid = build.get(f"{engine.prefix}_SUID_INSTALL") == "1"
    mounter = look.found(*MOUNTERS, also=f"{build.get('LIBEXECDIR', '')}/{engine.kind}/bin")
    return [line, _user(look), _namespaces(look, setuid), _fuse(look, mounter, setuid),
            reader_line(look, packed, mounter, setuid)]  # fmt: skip


def _build(look: Look, engine: Engine) -> dict[str, str]:
    """How the engine was built, by its own names."""
    told = look.as_runner(engine.program, "buildcfg")
    rows = (line.partition("=") for line in told.stdout.splitlines()) if told else ()
    return {name: value for name, _, value in rows}


def _user(look: Look) -> Line:
    try:
        user = ordinary_user(look.settings, look.own_user)
    except DlmBuildError as problem:
        return Line(name="SIF user", state="warn", detail=problem.message, fix=problem.hint)
    named = f"{look.settings.apptainer.user} ({user[0]})" if user else f"this user ({look.own_user})"
    return Line(name="SIF user", state="ok", detail=f"models run as {named}")


def _namespaces(look: Look, setuid: bool) -> Line:
    if setuid:
        return Line(name="user namespaces", state="ok", detail="not needed: the engine has its setuid starter")
    tried = look.as_runner("unshare", "--user", "true")
    if tried is not None and tried.status == 0:
        return Line(name="user namespaces", state="ok", detail="this machine lets ordinary users make them")
    said = tried.tail(1) if tried else "unshare cannot be started"
    return Line(
        name="user namespaces", state="warn", detail=f"not for the user who runs models: {said}", fix=NAMESPACES
    )


def _fuse(look: Look, mounter: str | None, setuid: bool) -> Line:
    if setuid:
        return Line(name="FUSE", state="ok", detail="not needed: the setuid starter lets the kernel mount SIF files")
    if mounter is None:
        detail = "no squashfuse: every run unpacks the whole SIF first"
        return Line(name="FUSE", state="warn", detail=detail, fix="install squashfuse")
    device = look.root / "dev/fuse"
    tried = look.as_runner("test", "-r", str(device), "-a", "-w", str(device))
    if tried is not None and tried.status == 0:
        return Line(name="FUSE", state="ok", detail=f"{mounter} and {device}")
    detail = f"{device} is not there or is closed to the user who runs models: every run unpacks the whole SIF first"
    return Line(name="FUSE", state="warn", detail=detail, fix=f"modprobe fuse; chmod 666 {device}")
