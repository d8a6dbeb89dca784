"""The sandbox: an embedded Kubernetes with pods as local processes, an embedded GitLab, and the demo on both."""
