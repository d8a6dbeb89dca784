"""An embedded Kubernetes: the API server on loopback, its controllers, and pods that are local processes.

`cluster.Kubernetes` is the whole of it. A request goes from `server` (HTTP) to `rest` (verbs) and `store` (versions,
history); what is served is a row in `resources`. What a real API server does and this one refuses, and where this one
is known to be looser, is said in docs/sandbox.md; the tests in tests/differential try each line of it.
"""
