"""Whose a document is that cannot be read as YAML: a guess from its text, so that its gate is closed and not forgotten.

Nothing is ever run because of what is found here.
"""

import re

from gate.model import WorkloadKind, WorkloadName

_KIND = re.compile(r"^kind:[ \t]*[\"']?(\w+)", re.MULTILINE)
_WORD = r"[\"']?([\w.-]+)"


def kind_in(text: str) -> str:
    """The document's kind; empty if it does not say."""
    found = _KIND.search(text)
    return found[1] if found else ""


def name_in(text: str) -> str:
    """The document's name; empty if it does not say."""
    return _field("name", _block("metadata", text))


def workload_in(text: str) -> WorkloadName | None:
    """The workload that a subscription names; None if it is not whole."""
    block = _block("workload", text)
    kind, namespace, name = (_field(field, block) for field in ("kind", "namespace", "name"))
    if kind not in set(WorkloadKind) or not namespace or not name:
        return None
    return WorkloadName(kind=WorkloadKind(kind), namespace=namespace, name=name)


def project_in(text: str) -> str:
    """The GitLab project that a subscription tells; empty if it cannot be read."""
    found = re.search(r"(?:^|[\s{,])[\"']?project[\"']?:[ \t]*[\"']?([\w./-]+)", _block("gitlab", text))
    return found[1] if found else ""


def _block(key: str, text: str) -> str:
    """What is written on the line of the key, and on the lines after it that are indented deeper."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip(" "))
        if line[indent:].startswith(f"{key}:"):
            block = [line[indent + len(key) + 1 :]]
            for below in lines[number + 1 :]:
                if below.strip() and len(below) - len(below.lstrip(" \t")) <= indent:
                    break
                block.append(below)
            return "\n".join(block)
    return ""


def _field(key: str, block: str) -> str:
    found = re.search(rf"(?:^|[\s{{,])[\"']?{key}[\"']?:[ \t]*{_WORD}", block)
    return found[1] if found else ""
