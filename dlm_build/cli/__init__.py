"""The command line: parses, calls one function of the story, prints. Nothing heavy is imported before it is needed."""
