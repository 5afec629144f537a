"""Start the real programs the engine tests talk to: Docker with BuildKit, a registry, a conda channel.

``python -m tests.stack up`` needs root on Debian or Ubuntu, Python 3.11 and nothing else. The programs and
protocols are real; only the contents of base images and of the channel are stand-ins made from Debian packages
and PyPI wheels, because the tests may not depend on the public registries.
"""
