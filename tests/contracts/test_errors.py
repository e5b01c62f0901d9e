from contracts import errors
from contracts.errors import InputError, InvalidEvent, ShopkeeperError


def test_every_error_is_in_the_tree_and_explained() -> None:
    ours = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert len(ours) >= 9
    assert all(issubclass(error, ShopkeeperError) and error.__doc__ for error in ours)


def test_an_invalid_event_has_its_code_beside_its_message() -> None:
    error = InvalidEvent("bad_price", "a price is -1")
    assert (error.code, str(error)) == ("bad_price", "a price is -1")
    assert isinstance(error, InputError)
