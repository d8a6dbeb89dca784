"""An embedded Kubernetes: the API server on loopback, its controllers, and pods that are local processes.

`cluster.Kubernetes` is the whole of it.
"""
