"""What our own lint says about documents that were imported."""

from datetime import UTC, datetime

from gate.documents.catalogue import Catalogue
from gate.documents.loading import load
from gate.documents.review import Severity, review
from gate.importing.documents import Imported
from gate.wire.vocabulary import vocabulary


def errors_in(imported: Imported) -> list[str]:
    """What lint calls an error in the documents, as they are written."""
    words = vocabulary()
    text = "---\n".join(each.text for each in imported.documents)
    loaded = load(text.encode(), "imported.yaml", words)
    catalogue = Catalogue(revision="", fetched=datetime.now(UTC), loaded=loaded, vocabulary=words)
    assert loaded.documents == len(imported.documents)
    return [f"{each.path}: {each.why}" for each in review(catalogue) if each.severity is Severity.ERROR]
