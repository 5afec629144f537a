"""Real catalogue servers on loopback, for tests of where an item may come from.

Each has a virtual environment of its own in the stack's state folder, made once: their requirements must not meet
those of dlm-build. They run for one test session, on free ports, and are ended by pid.

module          what it starts
installing      everything at once, on a bare machine
environments    makes the virtual environments, with uv
running         a program for the length of a `with`, once it answers
models          the items that all of them serve
pygeoapi        STAC pages, OGC API Features and Records
pgstac          PostgreSQL with PostGIS and pgSTAC, and the STAC API before it
ckan            our own answers in CKAN's documented shapes: CKAN itself is not on the Python package index
"""
