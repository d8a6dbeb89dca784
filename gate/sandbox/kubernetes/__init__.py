"""An embedded Kubernetes: the API server on loopback, its controllers, and pods that are local processes.

`cluster.Kubernetes` is the whole of it. A request goes from `server` (HTTP) to `rest` (verbs) and `store` (versions,
history); what is served is a row in `resources`. What a real API server does and this one does not, it refuses:

- 404: kinds that are not in the table, among them everything about authentication and roles;
- 405: verbs that a row does not have;
- 406 and 415: formats other than JSON and YAML (of protobuf, only what `kubectl create` sends), server-side apply, and
  strategic merge patches of custom resources, which the real one refuses as well;
- 501: binding, eviction, attach, port-forward, proxy, resize, ephemeral containers, tokens.

Known to be looser than the real one: CEL rules of custom resources are not evaluated, several versions of a custom
resource differ in nothing but their name, quantities are not checked, managedFields are not kept, events never expire.
"""
