"""Judging: decode in a sandboxed child, compare on the host, end in one verdict.

verdict.py   run + plan → Verdict, one sentence for people
pairing.py   which output file answers the expected one
compare.py   two decoded files → checks, by task (RELIABILITY: limits with their reasons)
decode.py    the parent's side of decoding; decoder.py is the child, which never unpickles
report.py    the JSON Schema of report.json
"""

from dlm_build.judging.verdict import judge

__all__ = ["judge"]
