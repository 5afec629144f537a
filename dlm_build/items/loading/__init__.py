"""From text to values: JSON and YAML, strictly, with the place of each value."""
