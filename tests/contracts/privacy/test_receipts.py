import orjson
import pytest

from contracts.errors import InputError
from contracts.privacy.receipts import signed, verify

SECRET = b"s" * 32
RECEIPT = {"request": "r1", "stores": [{"store": "warehouse", "erased": 3}]}


def test_a_receipt_is_verified_whatever_its_spaces() -> None:
    raw = orjson.dumps(signed(RECEIPT, SECRET), option=orjson.OPT_INDENT_2)
    assert verify(raw, SECRET)["stores"] == RECEIPT["stores"]


@pytest.mark.parametrize("raw", [b"{", b"[]", b"{}", b'{"signature": 1}', b'{"signature": "\xc3\xa9"}'])
def test_what_is_no_receipt_is_refused(raw: bytes) -> None:
    with pytest.raises(InputError):
        verify(raw, SECRET)


def test_a_changed_receipt_or_one_of_another_installation_is_refused() -> None:
    receipt = signed(RECEIPT, SECRET)
    with pytest.raises(InputError, match="changed"):
        verify(orjson.dumps(receipt | {"request": "r2"}), SECRET)
    with pytest.raises(InputError, match="another installation"):
        verify(orjson.dumps(receipt), b"t" * 32)
