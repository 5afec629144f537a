"""What fetch.py rests on: the grammar of URLs, public addresses, patience, the wire, and resumable downloads."""
