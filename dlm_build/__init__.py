"""dlm-build: from a STAC item that describes a deep-learning model to a pinned container and a verdict."""

__version__ = "0.1.0"
