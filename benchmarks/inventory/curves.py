"""Curves of cost over service: a policy's metrics at rising service levels, and between them."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

SERVICE_GRID: Final = (
    *(0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.875, 0.9, 0.925, 0.95, 0.96, 0.97),
    *(0.975, 0.98, 0.985, 0.99, 0.993, 0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999, 0.99999),
)


def at_equal_service(curve: Sequence[Mapping[str, float]], name: str, wanted: float) -> dict[str, float] | None:
    """A policy's metrics where its metric `name`, such as the fill rate, equals `wanted`, interpolated on its curve.

    `curve` holds its metrics at rising service levels. None where the curve does not reach `wanted`.
    """
    # Of several levels with the same service, the lowest, which holds the least stock.
    service, first = np.unique(np.maximum.accumulate([point[name] for point in curve]), return_index=True)
    if not service[0] <= wanted <= service[-1]:
        return None
    return {metric: float(np.interp(wanted, service, [curve[place][metric] for place in first])) for metric in curve[0]}
