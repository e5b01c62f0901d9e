"""Metrics of the backtest by class."""

import numpy as np

from models.demand.classification import CLASSES
from models.demand.evaluation import evaluate_by_class
from models.demand.forecast import QUANTILE_LEVELS

UNITS = np.array([4.0, 4.0, 0.0, 8.0])
CODE = np.array([0, 0, 2, 2])
QUANTILES = np.full((4, len(QUANTILE_LEVELS)), 4.0)


def test_each_class_with_rows_has_its_own_metrics() -> None:
    found = evaluate_by_class(UNITS, QUANTILES, CODE)
    assert list(found) == [CLASSES[0], CLASSES[2]]
    assert found[CLASSES[0]] == {"cells": 2, "wape": 0, "pinball": 0, "coverage_80": 1, "cells_without_sale": 0}
    assert (found[CLASSES[2]]["wape"], found[CLASSES[2]]["coverage_80"]) == (1, 0)
    assert found[CLASSES[2]]["cells_without_sale"] == 0.5
