"""The one node: what should run of a pod, its start, its probes and hooks, its end, and what its status says of it."""
