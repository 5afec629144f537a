"""``PROGRAM ITEMS SCHEMAS SECONDS``: checks texts in one process, on one core.

Run by the Python of whoever is measured, so it imports nothing of ours but for ours. Prints JSON: processor seconds per
item, how many of the first items of ``valid`` and of ``broken`` it calls valid, which schemas it asked for, and how
often while the clock ran. What a validator asks of the network is answered from the folder of schemas, once each: all
of them keep schemas in memory. The items that are timed come after those, and none comes again before all the others
did, so that nobody knows one from before.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Valid = Callable[[str], bool]
JUDGED = 200
"""Items of ``valid`` that are judged before the clock runs, which warms every cache."""


class Schemas:
    """By address; what is not there is an error, so that nothing is validated by halves."""

    def __init__(self, folder: Path) -> None:
        rows = json.loads((folder / "SOURCES.json").read_text())
        self._paths: dict[str, Path] = {row["uri"]: folder / row["file"] for row in rows}
        self.asked: list[str] = []

    def text(self, address: str) -> str:
        plain = address.partition("#")[0]
        self.asked.append(plain)
        return self._paths[plain].read_text()


def dlm_build(_schemas: Schemas) -> Valid:
    from dlm_build.checking import check_text

    return lambda text: check_text(text, "item.json").grade.letter != "F"


def pystac(schemas: Schemas) -> Valid:
    """``Item.validate``, its schemas through its own way to read."""
    import pystac
    from pystac.stac_io import DefaultStacIO

    class Local(DefaultStacIO):
        def read_text_from_href(self, href: str) -> str:
            return schemas.text(href)

    pystac.StacIO.set_default(Local)

    def valid(text: str) -> bool:
        try:
            pystac.Item.from_dict(json.loads(text)).validate()
        except pystac.STACValidationError:
            return False
        return True

    return valid


def stac_validator(schemas: Schemas) -> Valid:
    """``StacValidate``, as its command does it, its HTTP answered from here."""
    import warnings

    import requests

    warnings.simplefilter("ignore")
    from stac_validator.validate import StacValidate  # type: ignore[import-not-found, unused-ignore]

    def send(_adapter: object, request: requests.PreparedRequest, **_how: object) -> requests.Response:
        answer = requests.Response()
        answer.status_code, answer.url, answer.encoding = 200, str(request.url), "utf-8"
        answer._content = schemas.text(str(request.url)).encode()
        return answer

    requests.adapters.HTTPAdapter.send = send  # type: ignore[assignment, method-assign]
    return lambda text: bool(StacValidate().validate_dict(json.loads(text)))


PROGRAMS: dict[str, Callable[[Schemas], Valid]] = {
    "dlm-build": dlm_build,
    "pystac": pystac,
    "stac-validator": stac_validator,
}


def main(program: str, items: str, schemas: str, seconds: str) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    known = Schemas(Path(schemas))
    valid = PROGRAMS[program](known)
    texts = {name: [path.read_text() for path in sorted(Path(items, name).iterdir())] for name in ("valid", "broken")}
    said: dict[str, Any] = {name: sum(map(valid, rows[:JUDGED])) for name, rows in texts.items()}
    said["asked"] = sorted(known.asked)
    said["seconds"] = _per_item(valid, texts["valid"][JUDGED:], float(seconds))
    said["asked while timed"] = len(known.asked) - len(said["asked"])
    print(json.dumps(said))


def _per_item(valid: Valid, texts: list[str], budget: float) -> float:
    """Processor time, since other work on the machine takes none of it."""
    start, count = time.process_time(), 0
    while (spent := time.process_time() - start) < budget:
        valid(texts[count % len(texts)])
        count += 1
    return spent / count


if __name__ == "__main__":
    main(*sys.argv[1:])
