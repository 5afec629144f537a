"""JSON on one line, in which every character that has no picture is written as its escape."""

from __future__ import annotations

import json

import msgspec


def json_text(value: object) -> str:
    """Equal to what `msgspec` writes but for those characters, of which JSON has none outside of texts."""
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, from a file's name
        text = json.dumps(msgspec.to_builtins(value), separators=(",", ":"))
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
