"""Draw a demand forecast: one series with its band, and the coverage of bands by class of demand.

    python -m benchmarks.demand.picture DIR --report REPORT.json --out FILE.svg [--series 200]

DIR is a folder as for benchmarks.demand. The series drawn has the median size among --series of them, as forecast at
the last origin. REPORT.json is the output of benchmarks.demand; its last line is read. Coverage is drawn with values
on a band's ends split, `coverage_80_tied`, which is comparable between classes.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.demand.data import LEVELS, Answer, Origin, read_folder
from benchmarks.demand.method import OURS, SEED, load
from benchmarks.harness.svg import ACCENT, INK, LINE, PALE, text
from models.demand.panel import CLASSES

WIDTH, HEIGHT, TOP, BOTTOM = 980, 400, 84, 330
SERIES_SIDE: Final = (60, 600)  # from left to right
CLASS_SIDE: Final = (730, 930)
PAST_HORIZONS: Final = 3
PROMISED, ALLOWED = 0.8, 0.03
LOWEST, HIGHEST = 0.5, 1.0  # of the coverage that is drawn
BAND: Final = "#f1cdbb"
_LOW, _MEDIAN, _HIGH = (LEVELS.index(level) for level in (0.1, 0.5, 0.9))


def main() -> None:
    """Read, forecast, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--report", type=Path, required=True, metavar="REPORT.json")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.svg")
    parser.add_argument("--series", type=int, default=200, metavar="N")
    given = parser.parse_args()
    origin = next(read_folder(given.folder).sampled(given.series).origins(1))
    report = json.loads(given.report.read_text(encoding="utf-8").splitlines()[-1])
    answer = load(OURS)(origin, SEED, 1)
    given.out.write_text(picture(origin, answer, report["methods"][OURS]["classes"]), encoding="utf-8")


def picture(origin: Origin, answer: Answer, classes: dict[str, Any]) -> str:
    """SVG: the series of median size with its band, beside the share of cells within the band by class."""
    return "\n".join([*_frame(), *_series(origin, answer), *_classes(classes), "</svg>"]) + "\n"


def _frame() -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t d" '
        'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif">',
        '<title id="t">A demand forecast and how often its bands hold</title>',
        '<desc id="d">Left: units of one series, and the band in which eight of ten should fall. Right: by class of '
        "demand, the share of cells that fell within, values on its ends split.</desc>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="14" fill="#fbfaf7"/>',
    ]


def _series(origin: Origin, answer: Answer) -> list[str]:
    row = int(np.argsort(origin.actual.sum(axis=1), kind="stable")[len(origin.actual) // 2])
    past = origin.past.units[row, -PAST_HORIZONS * origin.horizon :]
    units = np.concatenate([past, origin.actual[row]])
    low, middle, high = (answer.quantiles[row, :, place] for place in (_LOW, _MEDIAN, _HIGH))
    highest = max(float(units.max()), float(high.max()), 1.0)
    left, right = SERIES_SIDE
    across = np.linspace(left, right, len(units))
    coming = across[len(past) :]
    edge = np.concatenate([_points(coming, high, highest), _points(coming[::-1], low[::-1], highest)])
    return [
        text((left + right) / 2, 34, "One series: what sold, and what was forecast", 16, INK),
        text((left + right) / 2, 56, "shaded: where 8 of 10 should fall", 13, PALE),
        f'<path d="M{left} {BOTTOM}H{right}" stroke="{LINE}"/>',
        f'<path d="{_path(edge)}Z" fill="{BAND}"/>',
        f'<path d="{_path(_points(across, units, highest))}" fill="none" stroke="{INK}" stroke-width="1.5"/>',
        f'<path d="{_path(_points(coming, middle, highest))}" fill="none" stroke="{ACCENT}" stroke-width="2"/>',
        text(coming[0], BOTTOM + 22, str(origin.begins), 13, PALE),
        text(left - 6, TOP + 4, f"{highest:,.0f}", 12, PALE, "end"),
        text(left - 6, BOTTOM + 4, "0", 12, PALE, "end"),
    ]


def _classes(classes: dict[str, Any]) -> list[str]:
    left, right = CLASS_SIDE
    begin, end = (_across(PROMISED + sign * ALLOWED) for sign in (-1, 1))
    parts = [
        text((left + right) / 2, 34, "Within the band, by class", 16, INK),
        text((left + right) / 2, 56, f"shaded: {PROMISED:.0%} ± {100 * ALLOWED:.0f}", 13, PALE),
        f'<rect x="{begin:.1f}" y="{TOP}" width="{end - begin:.1f}" height="{BOTTOM - TOP}" fill="{BAND}"/>',
    ]
    named = [name for name in CLASSES[:-1] if classes.get(name, {}).get("cells")]
    for place, name in enumerate(named):
        of, height = classes[name], TOP + (place + 0.5) * (BOTTOM - TOP) / len(named)
        held = float(np.clip(of["coverage_80_tied"], LOWEST, HIGHEST))
        parts.append(f'<circle cx="{_across(held):.1f}" cy="{height:.1f}" r="6" fill="{ACCENT}"/>')
        parts.append(text(left - 12, height - 3, name, 13, INK, "end"))
        parts.append(text(left - 12, height + 13, f"{of['series']:,} forecasts", 11, PALE, "end"))
        parts.append(text(_across(held), height - 12, f"{of['coverage_80_tied']:.0%}", 12, PALE))
    parts += [text(_across(tick), BOTTOM + 22, f"{tick:.0%}", 12, PALE) for tick in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)]
    return parts


def _across(share: float) -> float:
    left, right = CLASS_SIDE
    return left + (right - left) * (share - LOWEST) / (HIGHEST - LOWEST)


def _points(across: np.ndarray, units: np.ndarray, highest: float) -> np.ndarray:
    return np.column_stack([across, BOTTOM - (BOTTOM - TOP) * units / highest])


def _path(points: np.ndarray) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


if __name__ == "__main__":
    main()
