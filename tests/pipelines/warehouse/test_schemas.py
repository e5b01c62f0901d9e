from contracts import columns as c
from pipelines.warehouse.schemas import CONSENT_TIMES, ID_LINKS, TABLES, stated_at


def test_consent_times_are_a_yes_and_a_no_of_each_purpose() -> None:
    assert stated_at(c.CONSENT_MARKETING, yes=True) == "consent_marketing_yes_at"
    assert len(set(CONSENT_TIMES)) == len(CONSENT_TIMES) == 6
    assert set(CONSENT_TIMES) < set(ID_LINKS.names)


def test_the_names_on_disk_stay() -> None:
    """Warehouses that exist have these tables; a new name would lose them."""
    assert set(TABLES) == {"people", "consent", "sightings", "words", "quarantine", "catalogue", "descriptions", "skus"}
    assert TABLES["people"].names == ["is_user_id", "person_id", "customer_id", "is_known", "allows_personalization"]
    assert TABLES["words"].names[-1] == "content_hash"
    assert ID_LINKS.names[:4] == ["anonymous_id", "user_id", "previous_id", "first_at"]
