"""DLM in all its generations: what each called its fields, and one `Item` out of any of them."""
