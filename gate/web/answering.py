"""The standing answer for those who wait for it: pipelines that ask for their commit, people who ask for a workload.

Pure. What is known at one moment is put in order once, and answers any number of questions: a thousand jobs that wait
ask again whenever anything has changed.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

from gate.model import Gate, Run, Subscription, WorkloadName
from gate.web.answer import Answer, Question, Selecting, State, Unreadable
from gate.web.folding import fold
from gate.web.in_question import (
    asked_for,
    is_about,
    may_be_about,
    not_all_of,
    not_read,
    not_there_yet,
    perhaps_not_read,
    unsubscribed,
)
from gate.web.of_workload import Stands, elsewhere, of_workload, proven


class Knowledge:
    """What the gate knows and the catalogue says, at one moment."""

    def __init__(
        self,
        *,
        gates: Sequence[Gate],
        subscriptions: Sequence[Subscription],
        selecting: Sequence[Selecting] = (),
        unreadable: Sequence[Unreadable] = (),
        readable: Collection[str] | None = None,
        runs: Sequence[Run] = (),
        judges: Callable[[str], bool] = lambda _: True,
        is_there: Callable[[WorkloadName], bool] = lambda _: True,
        stands: Stands = lambda *_: None,
    ) -> None:
        """`runs` only adds detail.

        `subscriptions` are those by name, and those by selector (`selecting`) once for each workload that they found.
        Of a namespace that this gate does not judge in, `judges` says so. Nothing is known of what is there, or of what
        is not there yet, so the answer is not that nobody subscribed it, either; nor is it where a document is
        `unreadable`. `readable` names every subscription of the catalogue where `subscriptions` are only some of them.
        """
        self._gates, self._subscriptions = gates, subscriptions
        self._selecting, self._unreadable = selecting, unreadable
        self._judges, self._is_there, self._stands = judges, is_there, stands
        self._by_name = {gate.workload.name: gate for gate in gates}
        self._live = {run.uid: run for run in runs}
        self._subscribing: dict[WorkloadName, list[Subscription]] = defaultdict(list)
        for each in subscriptions:
            self._subscribing[each.workload].append(each)
        names = {each.name for each in subscriptions} if readable is None else set(readable)
        unread = {gate.workload.name for gate in gates if not names.issuperset(gate.status.subscriptions)}
        self._unread = {each for each in unread if judges(each.namespace)}  # another gate may have other documents

    def answer(self, question: Question) -> Answer:
        gates, subscriptions = self._about(question.workload)
        workloads = asked_for(question, gates, subscriptions, self._unread)
        if question.workload and not self._judges(question.workload.namespace):
            workloads.setdefault(question.workload, set())
        parts = [self._part(question, *each) for each in sorted(workloads.items(), key=str)]
        asked = [each for each in self._selecting if is_about(each.selection.pattern, question)]
        if question.workload is None:
            found = {each.name for each in subscriptions}
            parts += [unseen for each in asked if (unseen := not_all_of(each, found))]
        elif not parts and not self._is_there(question.workload):
            parts += not_there_yet(question.workload, asked)
        alone = not parts
        parts += [not_read(each) for each in self._unreadable if may_be_about(each, question, workloads, alone=alone)]
        if not parts:
            return Answer(state=State.UNSUBSCRIBED, message=unsubscribed(question, subscriptions))
        return fold(parts)

    def _about(self, workload: WorkloadName | None) -> tuple[Sequence[Gate], Sequence[Subscription]]:
        """All that can have a say in the answer."""
        if workload is None:
            return self._gates, self._subscriptions
        gate = self._by_name.get(workload)
        return [gate] if gate else [], self._subscribing.get(workload, [])

    def _part(self, question: Question, workload: WorkloadName, asking: set[str]) -> Answer:
        if not self._judges(workload.namespace):
            return elsewhere(workload)
        gate = self._by_name.get(workload)
        said = proven(of_workload(question, workload, gate, self._live, self._stands), asking)
        return perhaps_not_read(said, workload, self._unreadable) if workload in self._unread else said
