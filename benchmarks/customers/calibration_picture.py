"""A picture of calibration: the share of customers without an order, over their predicted churn risk.

    python -m benchmarks.customers.calibration_picture BACKTEST.arrow ... --out FILE.svg

Each BACKTEST.arrow holds the predictions of a trained churn family and their outcomes (files of a challenger and of a
bundle have it); several are pooled.
"""

import argparse
import math
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from models.statistics.probability_metrics import Z_SCORE, calibration_error, reliability_curve

RISK: Final = "churn_risk"
OUTCOME: Final = "churn_outcome"
LEFT: Final = 80
TOP: Final = 60
SIDE: Final = 400
TICKS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
LARGEST_DOT: Final = 9.0
INK: Final = "#1d2a36"
PALE: Final = "#44525f"
LINE: Final = "#c8d0d8"
ACCENT: Final = "#c0562b"


def main() -> None:
    """Read, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backtests", type=Path, nargs="+", metavar="BACKTEST.arrow")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.svg")
    given = parser.parse_args()
    tables = [_read(path) for path in given.backtests]
    outcome, risk = (np.concatenate([table[name].to_numpy() for table in tables]) for name in (OUTCOME, RISK))
    given.out.write_text(picture(outcome.astype(float), risk), encoding="utf-8")


def picture(outcome: np.ndarray, risk: np.ndarray) -> str:
    """SVG: ten groups of customers by risk, with an 80 % range of chance around each group's share, both (cases,)."""
    groups = reliability_curve(outcome, risk)
    most = max(group["cases"] for group in groups)
    error = f"{calibration_error(outcome, risk):.3f}"
    caption = f"Of {len(risk):,} customers in {len(groups)} groups by risk; expected calibration error {error}."
    height, width = TOP + SIDE + 80, LEFT + SIDE + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="t d" '
        'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif">',
        '<title id="t">Calibration of the churn risk</title>',
        f'<desc id="d">{caption} On the diagonal, the share equals the risk.</desc>',
        f'<rect width="{width}" height="{height}" rx="14" fill="#fbfaf7"/>',
        _text(LEFT + SIDE / 2, 36, caption, 13, PALE),
        *_axes(),
        *(part for group in groups for part in _group(group, most)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _axes() -> list[str]:
    parts = []
    for tick in TICKS:
        x, y = _x(tick), _y(tick)
        parts.append(f'<path d="M{x} {TOP}V{TOP + SIDE}M{LEFT} {y}H{LEFT + SIDE}" stroke="{LINE}" stroke-width="1"/>')
        parts.append(_text(x, TOP + SIDE + 20, f"{tick:.0%}", 13, PALE))
        parts.append(_text(LEFT - 26, y + 4, f"{tick:.0%}", 13, PALE))
    parts.append(f'<path d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}" stroke="{PALE}" stroke-dasharray="5 5"/>')
    parts.append(_text(LEFT + SIDE / 2, TOP + SIDE + 50, "predicted risk", 15, INK))
    middle = TOP + SIDE / 2
    turned = f'transform="rotate(-90 24 {middle})"'
    return [*parts, _text(24, middle, "share without an order", 15, INK, turned)]


def _group(group: dict[str, Any], most: int) -> list[str]:
    share = group["observed"]
    chance = Z_SCORE * math.sqrt(share * (1 - share) / group["cases"])
    x, low, high = _x(group["predicted"]), _y(max(share - chance, 0.0)), _y(min(share + chance, 1.0))
    radius = round(LARGEST_DOT * math.sqrt(group["cases"] / most), 1)
    return [
        f'<path d="M{x} {low}V{high}" stroke="{ACCENT}" stroke-width="2"/>',
        f'<circle cx="{x}" cy="{_y(share)}" r="{radius}" fill="{ACCENT}" fill-opacity="0.75"/>',
    ]


def _text(x: float, y: float, words: str, size: int, colour: str, more: str = "") -> str:
    place = f'x="{x}" y="{y}" text-anchor="middle" font-size="{size}" fill="{colour}"'
    return f"<text {place} {more}>{words}</text>" if more else f"<text {place}>{words}</text>"


def _x(share: float) -> float:
    return round(LEFT + SIDE * share, 1)


def _y(share: float) -> float:
    return round(TOP + SIDE * (1 - share), 1)


def _read(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        return reader.read_all()


if __name__ == "__main__":
    main()
