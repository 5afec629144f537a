"""`make demo`: the main job on a packaged example, with this machine's Docker and the public registries where they
answer, and with the local stack where they do not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.stack.layout import open_state
from tests.stack.settings import environment as stack_environment

DLM_BUILD = str(Path(sys.executable).with_name("dlm-build"))
NEEDED = ("docker engine", "buildx", "image store", "registry", "conda channel")


def main(item: str) -> int:
    environment = dict(os.environ) if ready(dict(os.environ)) else local_stack()
    ended = subprocess.run([DLM_BUILD, item], env=environment, check=False)
    return ended.returncode


def ready(environment: dict[str, str]) -> bool:
    """Whether `dlm-build doctor` finds an engine, a registry and a channel without our help."""
    ended = subprocess.run(
        [DLM_BUILD, "doctor", "--json", "--quiet"], env=environment, stdout=subprocess.PIPE, check=False
    )
    try:
        lines = {line["name"]: line for line in json.loads(ended.stdout)["lines"]}
    except ValueError:
        return False
    lacking = [name for name in NEEDED if lines.get(name, {}).get("state") != "ok"]
    if lacking:
        print(f"demo: no working {', '.join(lacking)} here; starting the local stack", file=sys.stderr)
    return not lacking


def local_stack() -> dict[str, str]:
    subprocess.run([sys.executable, "-m", "tests.stack", "up"], check=True)
    return {**os.environ, **stack_environment(open_state(None))}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
