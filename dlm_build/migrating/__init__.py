"""Items said again in MLM, the dialect that is maintained.

migrate(item, document, place) -> Migrated     pure; the document, and what was kept, dropped and assumed

module       what it knows
migrate      the story
source       what the old document says, in plain JSON
core         id, geometry, links: the core of STAC 1.1
properties   dates, license, providers: its common metadata
model        name, architecture, framework, tasks of the model
tensors      mlm:input and mlm:output, and the bands they speak of
assets       roles; code and image as assets
kept         what MLM cannot say, under `dlm:`; reading back tells which that is
refresh      MLM items of older versions: what still holds stays as it was written
scalings     how MLM said before 1.4 that values are scaled
mend         `mlm:` properties that break the schema, made valid piece by piece
pruning      the largest part of a value that a schema allows
valid        what breaks a schema goes; nothing invalid is ever written
secrets      names and passwords in front of a host stay behind
account      what nothing else accounts for is kept or named: nothing is lost in silence
books        what is known of where everything went
records      Migrated, Note
text         the new document as text
folder       many items: what their files are called, and what became of each
"""

from __future__ import annotations

from dlm_build.migrating.migrate import migrate
from dlm_build.migrating.records import Migrated, Note

__all__ = ["Migrated", "Note", "migrate"]
