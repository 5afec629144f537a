"""From an item and what lies behind its hrefs to a plan: every decision with its reason, nothing looked up.

`plan.make_plan` is pure; the facts it rests on are `tables.Tables`, read from the data files beside it.
"""

from __future__ import annotations

from dlm_build.planning.tables import Tables, load_tables

__all__ = ["Tables", "load_tables"]
