import pytest

from pipelines.ingest.readers.rows import Row
from pipelines.ingest.readers.tables.personal import Kept, is_personal


@pytest.mark.parametrize(
    "column",
    [
        *("password_hash", "Phone", "Billing Phone", "OPTIN_IP", "IP", "dob", "Date of birth", "rp_token", "taxvat"),
        *("birthDate", "Shipping Address1", "First Name", "lastname", "Telefon", "LATITUDE", "customer_ip"),
    ],
)
def test_names_of_personal_columns(column: str) -> None:
    assert is_personal(column)


@pytest.mark.parametrize(
    "column",
    [
        *(
            "Email",
            "Email Address",
            "Shipping",
            "Shipping Country",
            "Name",
            "Lineitem name",
            "product_name",
            "Description",
        ),
        *(
            "Tip",
            "Stripe id",
            "mobile_app_version".replace("mobile", "web"),
            "hashtag",
            "ship_date",
            "Quantity",
            "page address",
        ),
    ],
)
def test_names_of_others(column: str) -> None:
    assert not is_personal(column)


def test_a_row_keeps_what_is_not_personal_or_is_named_by_the_mapping() -> None:
    columns = ("order", "phone", "ip")
    row = Row(7, ("1", "555", "::1"))
    assert Kept(columns, {"order"})(row) == (("order",), ("1",))
    assert Kept(columns, {"phone"})(row) == (("order", "phone"), ("1", "555"))
    assert Kept(columns, {"order"})(Row(7, ("1", "555"))) == (("line", "cells"), (7, 2))
    assert Kept(("order", "sku"), ())(row) == (("order", "sku"), row.values)  # nothing personal is in the header
