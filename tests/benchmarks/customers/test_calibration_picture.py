import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pytest

from benchmarks.customers import calibration_picture
from benchmarks.customers.calibration_picture import picture

SVG = "{http://www.w3.org/2000/svg}"


def told(bias: float) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes, and risks that are off by so much."""
    chance = np.random.default_rng(0)
    risk = chance.uniform(0.2, 0.8, 40_000)
    return (chance.random(40_000) < risk + bias).astype(float), risk


def dots(svg: str) -> np.ndarray:
    """Centres of the groups, (groups, 2)."""
    circles = ElementTree.fromstring(svg).iter(f"{SVG}circle")
    return np.array([(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in circles])


@pytest.mark.parametrize(("bias", "above"), [(0.0, 0.0), (0.15, 60.0), (-0.15, -60.0)])
def test_a_group_stands_as_far_above_the_diagonal_as_more_stay_away_than_was_said(bias: float, above: float) -> None:
    centres = dots(picture(*told(bias)))
    assert len(centres) == 10
    x, y = centres[:, 0] - calibration_picture.LEFT, calibration_picture.TOP + calibration_picture.SIDE - centres[:, 1]
    assert y - x == pytest.approx(np.full(10, above), abs=8)


def test_backtests_of_several_files_are_taken_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, risk = told(0.0)
    table = pa.table({"churn_risk": risk, "churn_outcome": pa.array(outcome, pa.int8())})
    for name in ("a", "b"):
        with pa.OSFile(str(tmp_path / name), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    paths = [str(tmp_path / name) for name in ("a", "b")]
    monkeypatch.setattr(sys, "argv", ["calibration_picture", *paths, "--out", str(tmp_path / "out.svg")])
    calibration_picture.main()
    assert "Of 80,000 customers in 10 groups" in (tmp_path / "out.svg").read_text(encoding="utf-8")
