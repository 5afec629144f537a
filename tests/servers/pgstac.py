"""A STAC API: stac-fastapi before pgSTAC in PostgreSQL with PostGIS, the pair that most public STAC APIs run."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.environments import alone, ensure_environment
from tests.servers.models import COLLECTION, NAMES, OTHER_COLLECTION, collection, model, models
from tests.servers.running import free_port, running
from tests.stack.apt import install
from tests.stack.layout import open_state
from tests.stack.shell import StackError, run, step

REQUIREMENTS = ("stac-fastapi.pgstac==7.2.0", "pypgstac[psycopg]==0.10.0", "uvicorn>=0.30,<1")
USER = "postgres"
"""Whom Debian's package makes; PostgreSQL does not run as root."""


@contextmanager
def serving(folder: Path, extra: Sequence[dict[str, Any]] = ()) -> Iterator[str]:
    """The address of a STAC API with `models.models()`, `extra` items, and one id that is in two collections."""
    programs = ensure_environment("pgstac", REQUIREMENTS)
    db_port, port = free_port(), free_port()
    env = {
        "PGHOST": "127.0.0.1", "PGPORT": str(db_port), "PGUSER": USER, "PGPASSWORD": "none", "PGDATABASE": USER,
    }  # fmt: skip
    server: list[str | Path] = [
        programs / "uvicorn",
        "--factory",
        "stac_fastapi.pgstac.app:create_app",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with postgres(db_port, folder / "postgres.log"):
        run([programs / "pypgstac", "migrate"], env=env)
        load(programs, folder, [*models(), model(NAMES[0], OTHER_COLLECTION), *extra], env)
        with running(server, port, folder / "stac-api.log", env):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def postgres(port: int, log: Path) -> Iterator[None]:
    """A database cluster of its own, on loopback, thrown away afterwards."""
    binaries = ensure_postgres()
    as_user: list[str | Path] = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"]
    with tempfile.TemporaryDirectory(prefix="dlm-postgres-", dir="/var/tmp") as folder:
        shutil.chown(folder, USER)
        made: list[str | Path] = [binaries / "initdb", "-D", f"{folder}/data", "-A", "trust", "-U", USER]
        run([*as_user, *made, "-E", "UTF8", "--locale=C", "--no-sync"])
        argv = [*as_user, binaries / "postgres", "-D", f"{folder}/data", "-k", folder, "-p", str(port)]
        with running([*argv, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"], port, log):
            yield


def ensure_postgres() -> Path:
    """The folder of PostgreSQL's programs, installed from Debian with PostGIS where they are missing."""
    with alone(open_state(None), "postgres"):
        if _found() is None:
            with step("installing postgresql-postgis"):
                install(["postgresql-postgis"])
    found = _found()
    if found is None:
        raise StackError("PostgreSQL with PostGIS is not where Debian puts it", "install postgresql-postgis")
    return found


def _found() -> Path | None:
    extensions = sorted(Path("/usr/share/postgresql").glob("*/extension/postgis.control"))
    return Path("/usr/lib/postgresql") / extensions[-1].parts[4] / "bin" if extensions else None


def load(programs: Path, folder: Path, items: list[dict[str, Any]], env: dict[str, str]) -> None:
    """Put collections and items into the database, as its operators do."""
    rows = {"collections": [collection(COLLECTION), collection(OTHER_COLLECTION)], "items": items}
    for table, documents in rows.items():
        path = folder / f"{table}.ndjson"
        path.write_text("".join(json.dumps(document) + "\n" for document in documents))
        run([programs / "pypgstac", "load", table, path, "--method", "insert"], env=env)
