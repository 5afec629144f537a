"""Items that no honest publisher wrote, each with exactly what must come of it.

items/          one file a case; what would be too large to keep is made by a function of generated.py
expected.toml   what must come of each, and which danger it stands for
worker.py       runs the program once for every command, watched, in a process of its own
"""
