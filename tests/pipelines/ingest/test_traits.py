import json
from pathlib import Path

import pytest

from pipelines.ingest.traits import kept_traits
from tests.pipelines.privacy.scan import hits
from tests.pipelines.wire import ingest_events, wire

CANARIES = {
    "passwordHash": "$2y$10$canary",
    "ip": "203.0.113.77",
    "phone": "+49 30 5550177",
    "birthday": "1990-01-02",
    "address": {"street": "Canary Lane 7"},
    "company": {"mobile": "0177 canary"},
}


def test_personal_traits_are_left_out_at_every_depth_and_the_others_stay() -> None:
    kept = kept_traits(json.dumps({"email": "a@b.c", "plan": "gold", "tags": ["x"], **CANARIES}))
    assert json.loads(kept) == {"email": "a@b.c", "plan": "gold", "tags": ["x"], "company": {}}


@pytest.mark.parametrize("text", ['{"plan": "gold"}', '{"plan":NaN}', "5", '"text"'])
def test_other_traits_stay_as_they_were_sent(text: str) -> None:
    assert kept_traits(text) == text


def test_no_byte_of_them_is_in_any_file_after_ingest(tmp_path: Path) -> None:
    needles = ["$2y$10$canary", "203.0.113.77", "+49 30 5550177", "1990-01-02", "Canary Lane 7", "0177 canary", "Agent"]
    context = {"ip": "203.0.113.77", "userAgent": "Agent", "traits": {"phone": "+49 30 5550177"}}
    ingest_events(
        tmp_path / "home", wire("m1", type="identify", userId="a", traits={"plan": "gold", **CANARIES}, context=context)
    )
    assert hits(tmp_path / "home", needles)  # the file itself
    (tmp_path / "home" / "events.jsonl").unlink()
    assert hits(tmp_path / "home", needles) == []
    assert hits(tmp_path / "home", ["gold"])  # the scan reads the traits
