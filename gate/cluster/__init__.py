"""Kubernetes as the gate needs it: raw lists and watches, its own resources, leases."""
