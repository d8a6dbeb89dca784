"""The catalogue: documents out of git, read at a commit, without a work tree."""
