"""A check as people and programs read it. One module per format; each escapes for its own sink.

open_format(name, look) -> Format

A Format is asked for the beginning, for each item as it comes, and for the end; it answers with text. `list`, `jsonl`,
`json` and `sarif` keep no item; `junit`, `markdown` and `html` keep their own lines until the end, since what stands
first in them counts what comes after.

module      sink
table       none: the formats by name, and what all are told
encoding    none: JSON on one line
listing     a terminal: nothing that moves the cursor, colours only where asked for
jsons       JSON, and JSON lines
sarif       SARIF 2.1.0, for code scanning
junit       JUnit XML, for CI
markdown    GitHub's Markdown, for a comment
html        one page without scripts
"""

from __future__ import annotations

from dlm_build.checking.formats.table import FORMATS, Format, Look, open_format

__all__ = ["FORMATS", "Format", "Look", "open_format"]
