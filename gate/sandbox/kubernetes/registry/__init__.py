"""What is served: a row for each kind, what `kubectl get` prints of it, and how a request finds its row."""
