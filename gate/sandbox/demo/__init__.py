"""The demo: a Kubernetes, a GitLab and a gate on loopback, and two upgrades of the sample shop played on them."""
