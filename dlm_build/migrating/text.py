"""The new document as text: UTF-8 that shows what it is. Equal documents give equal texts."""

from __future__ import annotations

import json
from typing import Any


def written(document: dict[str, Any]) -> str:
    """Two-space indent, a final newline; characters that have no picture of their own are escaped."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    if text.replace("\n", "").isprintable():
        return f"{text}\n"
    return "".join(one if one == "\n" or one.isprintable() else _escaped(one) for one in text) + "\n"


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]
