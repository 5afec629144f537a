"""All that the servers need, installed side by side: on a bare machine the slowest decides."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.servers import pgstac, pygeoapi
from tests.servers.environments import ensure_environment


def everything() -> None:
    """Raises StackError for the first that cannot be had; does nothing where all is there."""
    with ThreadPoolExecutor() as pool:
        jobs = [
            pool.submit(pgstac.ensure_postgres),
            pool.submit(ensure_environment, "pgstac", pgstac.REQUIREMENTS),
            pool.submit(ensure_environment, "pygeoapi", pygeoapi.REQUIREMENTS),
        ]
        for job in jobs:
            job.result()
