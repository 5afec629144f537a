"""`python /opt/dlm/harness predict|info|selftest`: loads this folder as a package under a name no model uses."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

NAME = "_dlm_harness"


def main() -> int:
    here = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        NAME, str(here / "__init__.py"), submodule_search_locations=[str(here)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)
    # A folder that is run is first on the path: its file names must not hide the model's modules.
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != here]
    status: int = importlib.import_module(NAME + ".commands").main(sys.argv[1:], here.parent)
    return status


if __name__ == "__main__":
    sys.exit(main())
