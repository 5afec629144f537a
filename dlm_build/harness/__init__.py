"""The code that runs inside the container, with the model's own Python (3.7 or newer).

It imports nothing else of dlm_build: the image holds this folder alone, as `/opt/dlm/harness`.
"""
