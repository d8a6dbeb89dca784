"""What Prometheus asks for at `/metrics`: how the gate hears the cluster, and how its gates stand."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gate.model import Phase
from gate.running.outstanding import outstanding
from gate.web.views import Views

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics(views: Views) -> bytes:
    """All figures as they are now, in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(views))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, views: Views) -> None:
        self._views = views

    def collect(self) -> Iterator[Metric]:
        labels = ["resource", "namespace"]
        lists = CounterMetricFamily("chaos_gate_lists", "How often a resource was listed anew.", labels=labels)
        lag = GaugeMetricFamily(
            "chaos_gate_watch_lag_seconds",
            "Since when nothing was heard of a resource, not even a bookmark.",
            labels=labels,
        )
        for watch in self._views.watches():
            lists.add_metric([watch.resource, watch.namespace], watch.lists)
            if watch.lag is not None:
                lag.add_metric([watch.resource, watch.namespace], watch.lag.total_seconds())
        yield lists
        yield lag
        gates = GaugeMetricFamily(
            "chaos_gate_gates", "Gates by phase; pending while what was judged is being replaced.", labels=["phase"]
        )
        count = Counter(Phase.PENDING if gate.status.replacing else gate.status.phase for gate in self._views.gates())
        for phase in Phase:
            gates.add_metric([str(phase)], count[phase])
        yield gates
        overridden = GaugeMetricFamily(
            "chaos_gate_overridden",
            "Workloads whose version a person lets through, whatever its verdict.",
            labels=["namespace", "kind", "name"],
        )
        for gate in self._views.gates():
            if gate.status.override:
                name = gate.workload.name
                overridden.add_metric([name.namespace, str(name.kind), name.name], 1)
        yield overridden
        left = GaugeMetricFamily(
            "chaos_gate_unreverted",
            "Acts of a run that could not be taken back and still are in force.",
            labels=["namespace", "run"],
        )
        for run in self._views.runs():
            if acts := outstanding(run.status):
                left.add_metric([run.namespace, run.name], len(acts))
        yield left
        yield from self._tokens()
        heard = CounterMetricFamily(
            "chaos_gate_webhooks", "Webhooks that came in, and what became of them.", labels=["about", "outcome"]
        )
        for (about, outcome), count_ in self._views.readiness().webhooks.items():
            heard.add_metric([about, outcome], count_)
        yield heard

    def _tokens(self) -> Iterator[Metric]:
        labels = ["gitlab"]
        ends = GaugeMetricFamily(
            "chaos_gate_gitlab_token_expires_timestamp_seconds",
            "When the first token for a GitLab ends.",
            labels=labels,
        )
        taken = GaugeMetricFamily(
            "chaos_gate_gitlab_token_taken", "Whether a GitLab takes each token for it: 1, else 0.", labels=labels
        )
        tokens = self._views.readiness().tokens
        # One series for each address, since Prometheus refuses one that is there twice.
        for address in dict.fromkeys(token.address for token in tokens):
            here = [token for token in tokens if token.address == address]
            if known := [token.ends for token in here if token.ends is not None]:
                ends.add_metric([address], min(known).timestamp())
            taken.add_metric([address], float(all(token.taken for token in here)))
        yield ends
        yield taken
