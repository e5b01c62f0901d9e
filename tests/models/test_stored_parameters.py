"""A model's parameters survive their file, and a file of other features is refused."""

from pathlib import Path

import pytest

from contracts.errors import BundleRefused
from models.stored_parameters import PARAMETERS_FILE, read_parameters, write_parameters


def test_the_content_and_the_features_come_back(tmp_path: Path) -> None:
    write_parameters(tmp_path / "churn", {"horizon_days": 30}, ("a", "b"))
    assert read_parameters(tmp_path / "churn", ("a", "b")) == {"horizon_days": 30, "features": ["a", "b"]}


@pytest.mark.parametrize("features", [("a",), ("b", "a"), ("a", "b", "c")])
def test_other_features_are_refused(tmp_path: Path, features: tuple[str, ...]) -> None:
    write_parameters(tmp_path, {}, ("a", "b"))
    with pytest.raises(BundleRefused, match="other features"):
        read_parameters(tmp_path, features)


@pytest.mark.parametrize("text", ["", "{}", "[1]", "{broken"])
def test_a_file_that_is_not_one_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / PARAMETERS_FILE).write_text(text)
    with pytest.raises(BundleRefused, match="cannot be read"):
        read_parameters(tmp_path, ("a",))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleRefused, match="cannot be read"):
        read_parameters(tmp_path, ("a",))
