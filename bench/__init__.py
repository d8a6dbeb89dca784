"""Benchmarks: each prints a table with the goal beside each figure, and writes the same as JSON."""
