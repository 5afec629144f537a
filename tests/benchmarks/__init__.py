"""How fast, how small, how lean: dlm-build beside the floor, beside a bare program, and beside MLflow.

``python -m tests.benchmarks`` (``make bench``) measures everything in one run against the local stack and prints one
table. docs/benchmarks.md says what each row includes.
"""
