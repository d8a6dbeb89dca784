"""Documents: YAML in, nouns of the model out, and for every mistake its place and the nearest right word. Pure."""
