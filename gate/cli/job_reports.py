"""What a waiting job leaves behind for GitLab: a test report, variables for later jobs, links on the job's page."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gate.cli.junit_of_answer import junit_xml
from gate.cli.metrics_of_answer import metrics_text
from gate.cli.story import page
from gate.cli.waiting import Ending
from gate.tracking.overrides import in_words

LONGEST_LABEL = 255
"""Characters of a link's label."""
MOST_LINKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """The files to write when the wait is over; None: not wanted."""

    junit: Path | None = None
    dotenv: Path | None = None
    annotations: Path | None = None
    metrics: Path | None = None
    verdict: Path | None = None

    def write(self, ending: Ending, address: str) -> Iterator[str]:
        """Write the files and give a line for each that could not be written: that must not change the verdict."""
        signed = "".join(f"{each}\n" for each in ending.answer.signed) if ending.answer else ""
        texts = (
            (self.junit, junit_xml(ending.answer, ending.message)),
            (self.dotenv, dotenv(ending)),
            (self.annotations, annotations(ending, address)),
            (self.metrics, metrics_text(ending.answer)),
            (self.verdict if signed else None, signed),
        )
        for file, text in texts:
            if file is None:
                continue
            try:
                file.write_text(text, encoding="utf-8")
            except OSError as error:
                yield f"{file} was not written: {error.strerror}"


def dotenv(ending: Ending) -> str:
    """Lines `NAME=value` as GitLab takes them: no quotes, no comments, one line each."""
    answer = ending.answer
    values = {
        "CHAOS_VERDICT": str(answer.verdict) if answer and answer.verdict else "NONE",
        "CHAOS_REASON": str(answer.reason) if answer and answer.reason else "",
        "CHAOS_VERSION": answer.version if answer else "",
        "CHAOS_SCORE": str(answer.score) if answer and answer.score is not None else "",
        "CHAOS_OVERRIDE": "; ".join(map(in_words, answer.overrides)) if answer else "",
    }
    return "".join(f"{name}={re.sub(r'[^ -~]', ' ', value)}\n" for name, value in values.items())


def annotations(ending: Ending, address: str) -> str:
    """GitLab's report of external links: one to each workload's page."""
    answer = ending.answer
    verdict = str(answer.verdict) if answer and answer.verdict else "no verdict"
    verdict += "".join(f", overridden by {each.who}" for each in answer.overrides) if answer else ""
    pages = {each: page(each, address) for each in (answer.workloads if answer else ())}
    links = [(f"Chaos gate: {verdict}, {each}"[:LONGEST_LABEL], url) for each, url in pages.items() if url]
    links = links[:MOST_LINKS] or [(f"Chaos gate: {verdict}", f"{address}/")]
    said = [{"external_link": {"label": label, "url": url}} for label, url in links]
    return json.dumps({"Chaos gate": said}) + "\n"
