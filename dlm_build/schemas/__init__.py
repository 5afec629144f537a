"""JSON Schemas, and documents held against them. Nothing is ever fetched: what is not here is refused.

problems(document, uri) -> tuple[Problem, ...]      what breaks the schema of that address
problems_of_item(document) -> ...                   STAC's own schema, and each of its extensions that is here
is_reference(text) -> bool                          whether STAC takes it for an href
dlm_schema() -> dict                                the repaired schema of the DLM fields

file                    what it is
offline                 the registry and the validator
dlm.v1.schema.json      DLM as it is read: our own words; the official schemas are broken
vendored/               constraints of STAC 1.1, MLM and what they refer to; SOURCES.json says where each is from
make                    makes vendored/ from the originals, without their sentences
"""

from __future__ import annotations

from dlm_build.schemas.offline import ITEM, MLM, Problem, dlm_schema, is_reference, problems, problems_of_item

__all__ = ["ITEM", "MLM", "Problem", "dlm_schema", "is_reference", "problems", "problems_of_item"]
