"""Everything behind an item's hrefs: the model archive, its environment files, its source."""

from dlm_build.gathering.gather import gather
from dlm_build.gathering.outside import Outside

__all__ = ["Outside", "gather"]
