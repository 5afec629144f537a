"""Makes `vendored/*.json` from the published schemas: their constraints are kept, their sentences are not.

    python -m dlm_build.schemas.make FOLDER

FOLDER has each original under the `file` name of its row in `vendored/SOURCES.json`, which says where it was published
and what its sha256 is; an original with another one is refused. To take a newer version, change its row first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

VENDORED = Path(__file__).parent / "vendored"
_SENTENCES = frozenset(("title", "description", "$comment", "examples"))
"""Keywords that constrain nothing."""
_NAMED = frozenset(("properties", "patternProperties", "definitions", "$defs", "dependencies"))
"""Keywords whose members have names of their own, which may well be `title`."""
_AS_THEY_ARE = frozenset(("const", "enum", "required", "default"))


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the vendored schemas from the published ones.")
    parser.add_argument("folder", type=Path)
    originals: Path = parser.parse_args().folder
    for row in json.loads((VENDORED / "SOURCES.json").read_text("utf-8")):
        text = vendored(row, (originals / row["file"]).read_bytes())
        (VENDORED / row["file"]).write_text(text, "utf-8")


def vendored(row: dict[str, str], original: bytes) -> str:
    """The text of one vendored file. Raises ValueError for an original that is not the one its row names."""
    found = hashlib.sha256(original).hexdigest()
    if found != row["sha256"]:
        raise ValueError(f"{row['file']}: sha256 {found} is not that of {row['repository']} at {row['commit']}")
    return json.dumps(constraints(json.loads(original)), ensure_ascii=False, separators=(",", ":")) + "\n"


def constraints(schema: Any) -> Any:
    """A schema without the keywords that are for people."""
    if isinstance(schema, list):
        return [constraints(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _constraint(name, value) for name, value in schema.items() if name not in _SENTENCES}


def _constraint(name: str, value: Any) -> Any:
    if name in _AS_THEY_ARE:
        return value
    if name in _NAMED and isinstance(value, dict):
        return {key: constraints(one) for key, one in value.items()}
    return constraints(value)


if __name__ == "__main__":
    main()
