from collections import Counter

from pipelines.ingest.report import MAX_REPAIRS, OTHERS, Counts, IngestReport
from tests.pipelines.wire import NOW


def test_counts_that_lose_an_event_do_not_add_up() -> None:
    assert Counts(5, 1, 1, Counter({"bad_price": 2}), 1).adds_up
    assert not Counts(6, 1, 1, Counter({"bad_price": 2}), 1).adds_up


def test_a_report_adds_its_files() -> None:
    files = {"a": Counts(2, 1, 0, Counter({"bad_price": 1})), "event log": Counts(3, 1, 1, Counter(), 1)}
    entry = IngestReport(NOW, files).as_dict()
    assert (entry["received"], entry["stored"], entry["quarantined"]) == (5, 2, 1)
    assert entry["quarantined_by_code"] == {"bad_price": 1}
    assert [file["file"] for file in entry["files"]] == ["a", "event log"]


def test_names_of_repairs_that_a_sender_invents_are_bounded() -> None:
    invented = Counts(repaired=500, repairs=Counter({f"consent: {number}": 1 for number in range(500)}))
    found = Counts(repaired=3, repairs=Counter({"properties.coupon": 3})) + invented
    assert found.repaired == 503
    assert len(found.repairs) == MAX_REPAIRS
    assert found.repairs["properties.coupon"] == 3
    assert found.repairs[OTHERS] == 500 - (MAX_REPAIRS - 2)
