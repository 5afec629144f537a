"""Running the packaged sample in a container that can do nothing else, and taking home what it wrote."""

from dlm_build.running.docker_run import Host, run_sample

__all__ = ["Host", "run_sample"]
