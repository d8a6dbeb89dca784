"""An embedded Kubernetes: the API server on loopback, its controllers, and pods that are local processes."""
