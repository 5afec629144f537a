"""MLM and ML-Model: which assets are what, and what the fields beside them say."""
