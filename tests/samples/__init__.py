"""Recorded objects of a real Kubernetes, and what makes them.

`python -m tests.samples.record` plays each scenario on a real control plane of Kubernetes 1.34.4 (`make control-plane`
builds it; kwok plays the nodes) and writes what its watches tell: `rollouts/` holds whole rollouts, every version of
every object in order; `workloads/` holds workloads at one moment each, with what a person would say of that moment.
Names of chance, uids, times and versions are renamed (`recording`), so that only what matters differs.
"""
