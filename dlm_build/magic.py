"""What bytes are, told by how they begin."""

from __future__ import annotations

import re

_WEB_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)?<(!doctype html|html)", re.IGNORECASE | re.DOTALL)


def looks_like_web_page(head: bytes) -> bool:
    """Whether these first bytes are an HTML page, which is what a share link serves in place of the file."""
    return _WEB_PAGE.match(head) is not None
