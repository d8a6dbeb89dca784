"""An embedded Kubernetes: the API server on loopback, its controllers, and pods that are local processes.

`cluster.Kubernetes` is the whole of it. The rooms, from the ground up (import-linter holds them to this order):

    language     objects, patches, selectors, refusals                               pure
    rights       users, roles, what they allow                                       pure
    rules        what is filled in and what is refused, for each kind                pure
    schemas      the same for custom resources                                       pure
    registry     the table of what is served: one row for each kind
    store        objects, versions, history
    loops        how a part follows the store: changes, keys to look at, events
    access       tokens, roles, the door of the API          controllers  one file for each
    api          requests in, answers and streams out        services     addresses, balancer
    runtime      containers as processes
    kubelet      the node and its pods                       faults       the API server made to misbehave
    serving      HTTP on loopback                            workloads    controllers, node and balancer as one
    cluster

To read it in half an hour: `registry.resources` (what there is), `store.store` (what a write does), `api.rest` (what a
request does), `controllers.replicaset` (how a part acts), `kubelet.kubelet` and `runtime.runtime` (how a pod becomes a
process).

What a real API server does and this one refuses, and where this one is known to be looser, is said in docs/sandbox.md;
the tests in tests/differential try each line of it.
"""
