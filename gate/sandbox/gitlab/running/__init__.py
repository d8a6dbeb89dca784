"""Pipelines on their way: created, their jobs started in turn and played, their deployments recorded."""
