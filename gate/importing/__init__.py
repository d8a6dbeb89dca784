"""Experiments of other tools turned into our documents, with an account of what became of each thing. Pure."""
