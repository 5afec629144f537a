"""What Apptainer and Singularity say when a container does not stand, and what to do about it."""

from __future__ import annotations

from dlm_build.errors import InfraError, shown
from dlm_build.running.apptainer import Engine

KNOWN = (
    (("Requesting capability set",),
     "this machine's root lacks a privilege that the engine asks for",
     "run dlm-build as an ordinary user, or name one in [apptainer] user of the settings"),
    (("/dev/fuse", "fuse: device", "fusermount", "squashfuse"),
     "SIF files cannot be mounted: FUSE does not serve this user",
     "install squashfuse and make /dev/fuse readable and writable for the user"),
    (("user namespace", "CLONE_NEWUSER", "unshare", "clone_newuser"),
     "this user may not make user namespaces",
     "sysctl kernel.unprivileged_userns_clone=1 or user.max_user_namespaces=15000, or install apptainer-suid"),
    (("no space left", "No space left"),
     "the disk of the work folder is full",
     "use --output on a larger disk"),
    (("image format not recognized", "not a valid", "could not open image", "while loading", "bad superblock",
      "failed to mount", "squashfs"),
     "the SIF file cannot be read",
     "make it again: it is damaged, or packed in a way that this machine's squashfuse or kernel cannot read"),
    (("network", "CNI"),
     "a container without network cannot be made",
     "this site's engine must allow `--net --network none`"),
    (("/bin/sh",),
     "the container has no shell to wait in",
     "use a base image with /bin/sh"),
)  # fmt: skip


def explained(said: str, engine: Engine) -> InfraError:
    """The reason the engine gave, with the fix where the reason is a known one."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("INFO")]
    fatal = [line for line in lines if "FATAL" in line or "ERROR" in line] or lines
    told = shown(" | ".join(fatal[-3:]), 400) if fatal else "it said nothing"
    for words, reason, fix in KNOWN:
        if any(word in line for word in words for line in fatal):
            return InfraError(f"{engine.kind} cannot run the SIF: {reason} ({told})", fix)
    return InfraError(f"{engine.kind} cannot run the SIF: {told}", "`dlm-build doctor` says what it lacks")
