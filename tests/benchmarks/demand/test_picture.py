from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks.demand.data import LEVELS, Answer, Origin
from benchmarks.demand.picture import BOTTOM, TOP, picture
from tests.models.demand.worlds import panel_of, rates, sales

SERIES, DAYS, HORIZON = 5, 56, 14
TRUTH = rates(SERIES, DAYS + HORIZON)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(coverage: float) -> ElementTree.Element:
    units = sales(TRUTH)
    origin = Origin(
        panel_of(units[:, :DAYS]),
        units[:, DAYS:],
        np.ones((SERIES, HORIZON), bool),
        np.zeros(SERIES, np.int64),
        frozenset(),
    )
    quantiles = TRUTH[:, DAYS:, None] * (0.5 + np.asarray(LEVELS))
    classes = {
        "smooth": {"series": 4, "cells": 56, "coverage_80_tied": coverage},
        "lumpy": {"series": 1, "cells": 14, "coverage_80_tied": 0.9},
        "new": {"series": 0, "cells": 0},
    }
    return ElementTree.fromstring(picture(origin, Answer(TRUTH[:, DAYS:], quantiles), classes))


@pytest.mark.parametrize(("coverage", "is_within"), [(0.81, True), (0.7, False), (0.86, False)])
def test_a_class_stands_in_the_shade_where_its_band_held_what_it_promised(coverage: float, is_within: bool) -> None:
    found = drawn(coverage)
    shade = list(found.iter(f"{SVG}rect"))[1]
    dots = list(found.iter(f"{SVG}circle"))
    assert len(dots) == 2  # of the classes that have cells
    begin, width = float(shade.attrib["x"]), float(shade.attrib["width"])
    assert (begin <= float(dots[0].attrib["cx"]) <= begin + width) is is_within


def test_the_history_and_the_forecast_lie_within_the_frame() -> None:
    found = drawn(0.8)
    drawn_lines = [path.attrib["d"] for path in found.iter(f"{SVG}path")][1:]
    assert len(drawn_lines) == 3  # the band, what sold, the median
    for line in drawn_lines:
        points = [part.split() for part in line.strip("MZ").split("L")]
        heights = np.array([float(y) for _, y in points])
        assert heights.min() >= TOP - 0.1
        assert heights.max() <= BOTTOM + 0.1
