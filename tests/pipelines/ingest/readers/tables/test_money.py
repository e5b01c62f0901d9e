import random

import pytest

from contracts.errors import InputError
from pipelines.ingest.readers.tables.money import Money, decimal_of_file, read_money, sign_of


@pytest.mark.parametrize(
    ("text", "decimal", "money"),
    [
        ("€ 1.234,56", None, Money(1234.56, "EUR")),
        ("1,234.56 USD", None, Money(1234.56, "USD")),
        ("USD 12", None, Money(12.0, "USD")),
        ("(12.00)", None, Money(-12.0, None)),
        ("$5.00", None, Money(5.0, None)),  # the dollar of which country?
        ("1.234", ",", Money(1234.0, None)),
        ("1.234", ".", Money(1.234, None)),
        ("1,299", ".", Money(1299.0, None)),
        ("1.234", None, None),
        ("1,299", None, None),
        ("12.50", ",", None),
        ("free", ".", None),
    ],
)
def test_an_amount_is_read_by_the_sign_of_its_file(text: str, decimal: str | None, money: Money | None) -> None:
    assert read_money(text, decimal) == money  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("12.5", "."),
        ("12,50 €", ","),
        ("1.234.567", ","),
        ("1,234,567", "."),
        ("1'234.50", "."),
        ("0.125", "."),
        ("1234.567", "."),
        ("7", None),
    ],
)
def test_most_cells_show_their_sign(text: str, decimal: str | None) -> None:
    assert sign_of(text) == (decimal, False)


def test_the_first_clear_cell_decides_for_the_file_and_without_one_the_user_is_asked() -> None:
    doubtful = [("Price", "1.234"), ("Price", "7"), ("Total", "2.500")]
    assert decimal_of_file([*doubtful, ("Total", "3.400,00")], "f.csv") == ","
    assert decimal_of_file([*doubtful, ("Total", "0.50")], "f.csv") == "."
    assert decimal_of_file([("Price", "7")], "f.csv") is None
    with pytest.raises(InputError, match=r"f\.csv.*column 'Price' can be read in two ways: 1\.234\. .*--decimal ,"):
        decimal_of_file(doubtful, "f.csv")


def written(cents: int, decimal: str, random_: random.Random) -> str:
    """An amount as people write it with that decimal sign."""
    group = random_.choice(["", "," if decimal == "." else ".", " ", "'", "\u202f"])
    text = f"{cents / 100:,.2f}" if cents % 100 else f"{cents // 100:,}"
    text = text.replace(",", "g").replace(".", decimal).replace("g", group)
    return random_.choice(["{}", "€ {}", "{} EUR", "USD {}", "${}"]).format(text)


def test_no_amount_of_ten_thousand_is_read_wrongly() -> None:
    random_ = random.Random(11)
    asked = 0
    for _ in range(1_000):
        decimal = random_.choice(".,")
        amounts = [random_.choice([1, 100, 100_000]) * random_.randrange(1, 10_000) for _ in range(10)]
        texts = [written(cents, decimal, random_) for cents in amounts]
        try:
            sign = decimal_of_file((("Price", text) for text in texts), "f.csv")
        except InputError:
            asked += 1
            continue
        read = [read_money(text, sign) for text in texts]
        assert [money and round(money.amount * 100) for money in read] == amounts, texts
    assert 0 < asked < 500  # control: some files cannot be decided
