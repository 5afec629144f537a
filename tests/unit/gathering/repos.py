"""Git repositories for tests, made by git itself with fixed dates."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PATH = os.environ.get("PATH", os.defpath)


class Repo:
    """A repository being written, and its bare copy."""

    def __init__(self, folder: Path) -> None:
        self.work, self.bare = folder / "work", folder / "bare.git"
        self.git("init", "-q", "-b", "main", str(self.work), at=folder)
        self.git("init", "-q", "--bare", "-b", "main", str(self.bare), at=folder)

    def git(self, *argv: str, at: Path | None = None, date: str = "2021-06-01T00:00:00Z") -> str:
        identity = {f"GIT_{who}_{what}": "x@y.z" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        env = {"PATH": PATH, "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **identity}
        env |= {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *argv],
            cwd=at or self.work, env=env, check=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(
        self, files: dict[str, str | bytes], push: str = "HEAD:refs/heads/main", date: str = "2021-06-01T00:00:00Z"
    ) -> str:
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x", date=date)
        self.git("push", "-q", "-f", str(self.bare), push)
        return self.git("rev-parse", "HEAD")
