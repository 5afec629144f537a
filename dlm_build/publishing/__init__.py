"""What was made and judged, brought to a registry by digest, signed where asked; and how who pulls it checks it.

The one room that sees credentials and keys. It reads records and finished files, never an item's own bytes.
"""
