from datetime import UTC, datetime

from pipelines.ingest.readers.formats.format import Export, Terms


def test_an_export_holds_nothing_and_leaves_the_catalogue_as_it_is_unless_its_format_says_so() -> None:
    export = Export("source", "title", takes=("a",))
    assert (list(export.blocks), export.items, export.is_partial, export.leaves) == ([], None, False, ())
    assert Terms(datetime(2026, 1, 1, tzinfo=UTC)).decimal is None
