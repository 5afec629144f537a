"""From a Lock to an Image: `render` makes the folder's rows, `write_context` writes them, `DockerEngine` builds them.

`docker_engine` is not imported here, because the Docker SDK is heavy.
"""

from __future__ import annotations

from dlm_build.building.folder import is_as_written, write_context
from dlm_build.building.render import recipe_digest, render

__all__ = ["is_as_written", "recipe_digest", "render", "write_context"]
