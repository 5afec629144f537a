"""Running the packaged sample in a container that can do nothing else, and taking home what it wrote."""

from dlm_build.running.docker_run import run_sample
from dlm_build.running.order import Host
from dlm_build.running.sif_run import run_in_sif

__all__ = ["Host", "run_in_sif", "run_sample"]
