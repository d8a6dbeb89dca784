"""The API over HTTP on loopback: a thread for each connection while it asks, and one for all that watch."""
