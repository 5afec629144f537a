"""Whether a framework's build can run on a GPU and its driver: told before anything is run."""

from dlm_build.gpu.fit import Build, Fit, Gpu, build_of, fit
from dlm_build.gpu.table import GpuTable, load_gpu_table

__all__ = ["Build", "Fit", "Gpu", "GpuTable", "build_of", "fit", "load_gpu_table"]
