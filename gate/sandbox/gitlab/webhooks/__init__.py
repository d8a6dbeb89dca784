"""Webhooks out: what an event says, how it is signed, and how it is delivered."""
