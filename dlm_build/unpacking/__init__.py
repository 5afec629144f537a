"""What archives.py rests on: the grammar of names, sequential reading, staging, and the structure of zips."""
