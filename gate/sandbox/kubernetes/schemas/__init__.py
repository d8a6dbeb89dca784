"""Structural schemas of custom resources: what they prune, fill in and refuse, and what is refused in them; pure."""
