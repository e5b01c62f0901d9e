from pathlib import Path

from contracts import columns as c
from pipelines.warehouse import views
from tests.pipelines.wire import ingest_events, rows, warehouse_in, wire


def customers(home: Path) -> dict[str, str]:
    return dict(rows(views.events(warehouse_in(home)), c.MESSAGE_ID, c.CUSTOMER_ID))


def test_an_identity_that_becomes_known_late_reaches_the_events_of_before(tmp_path: Path) -> None:
    ingest_events(tmp_path, wire("1", at=0, anonymousId="a"), wire("2", at=0, userId="zoe"))
    assert customers(tmp_path) == {"1": "anonymous:a", "2": "zoe"}
    ingest_events(tmp_path, wire("3", at=9, type="identify", anonymousId="a", userId="zoe"))
    assert customers(tmp_path) == {"1": "zoe", "2": "zoe", "3": "zoe"}
    ingest_events(tmp_path, wire("4", at=10, type="alias", userId="ann", previousId="zoe"))
    assert set(customers(tmp_path).values()) == {"ann"}


def test_what_a_replaced_event_had_linked_is_forgotten(tmp_path: Path) -> None:
    linking, other = wire("1", anonymousId="a", userId="ann"), wire("1", anonymousId="b")
    for home, events in ((tmp_path / "x", (linking, other)), (tmp_path / "y", (other, linking))):
        ingest_events(home, wire("0", anonymousId="a"), events[0])
        ingest_events(home, events[1])
    assert customers(tmp_path / "x") == customers(tmp_path / "y")
    assert rows(warehouse_in(tmp_path / "x").identity_map()) == rows(warehouse_in(tmp_path / "y").identity_map())
