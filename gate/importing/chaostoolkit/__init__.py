"""Chaos Toolkit: an experiment in JSON or YAML."""
