import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.customer_id import customer_id_of, customer_id_of_anonymous, customer_id_of_user, user_id_of

TEXTS = st.lists(st.sampled_from(["user:", "anonymous:", "17", "x"]), min_size=1, max_size=5).map("".join)


@pytest.mark.parametrize(
    ("user_id", "anonymous_id", "customer_id"),
    [
        ("17", "a", "17"),
        (None, "17", "anonymous:17"),
        ("", "17", "anonymous:17"),
        ("user:17", None, "user:17"),
        ("anonymous:17", None, "user:anonymous:17"),
        ("user:anonymous:17", None, "user:user:anonymous:17"),
        ("", None, None),
    ],
)
def test_each_id_has_its_customer_id(user_id: str | None, anonymous_id: str | None, customer_id: str | None) -> None:
    assert customer_id_of(user_id, anonymous_id) == customer_id


@given(TEXTS, TEXTS)
def test_two_users_or_a_user_and_a_visitor_never_share_a_customer_id(one: str, other: str) -> None:
    assert customer_id_of_user(one) != customer_id_of_anonymous(other)
    assert (customer_id_of_user(one) == customer_id_of_user(other)) == (one == other)


@given(TEXTS)
def test_a_users_customer_id_leads_back_to_the_user_id(user_id: str) -> None:
    assert user_id_of(customer_id_of_user(user_id)) == user_id
