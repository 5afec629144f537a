"""Coverage-guided fuzzing of what reads items.

invariant.py   what must hold for any text
mutating.py    changes of items that stay items
target.py      `python -m tests.fuzz.target FOLDER… [options of libFuzzer]`
corpus/        inputs of ours that reach different code, and every input that once broke something
"""
