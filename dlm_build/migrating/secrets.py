"""Names and passwords in front of a host: no item needs them, and a published one should not have them."""

from __future__ import annotations

import re
from typing import Any

_HOST = r"(?=[^\s/?#@\\\"'<>])"
_USERINFO = re.compile(rf"(\b(?:https?|ftps?|s3|gs)://)[^\s/?#\\\"'<>]{{1,400}}@{_HOST}", re.IGNORECASE)
_PASSWORD = re.compile(
    rf"(\b[a-z][a-z0-9+.-]{{0,30}}://[^\s/?#@:\\\"'<>]{{0,200}}):[^\s/?#\\\"'<>]{{0,400}}@{_HOST}", re.IGNORECASE
)


def without_userinfo(text: str) -> str:
    """The text with the addresses in it bare. The user of an `ssh://` stays, who is a part of the address."""
    if "@" not in text or "://" not in text:
        return text
    return _PASSWORD.sub(r"\1@", _USERINFO.sub(r"\1", text))


def all_without_userinfo(value: Any) -> Any:
    """The same of every text in plain JSON."""
    if isinstance(value, str):
        return without_userinfo(value)
    if isinstance(value, list):
        return [all_without_userinfo(row) for row in value]
    if isinstance(value, dict):
        return {name: all_without_userinfo(member) for name, member in value.items()}
    return value
