"""A picture of what stock costs at each service that it achieves, ordered by the forecast and by the textbook.

    python -m benchmarks.inventory.picture "Shop A=a.json" ["Shop B=b.json" ...] --out FILE.svg

Each report is what benchmarks.inventory printed; its last line counts. Costs are told as multiples of ours at the
service level that was asked for, which is marked.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.harness.svg import ACCENT, INK, LINE, PALE, text
from benchmarks.inventory.__main__ import OURS
from models.inventory.safety_stock import DEMAND_DEVIATION, ONE_STEP_ERRORS, PAST_DEMAND

PANEL, HEIGHT, TOP, BOTTOM = 490, 420, 84, 330
LEFT, RIGHT = 60, 30  # inside a panel
SERVICES: Final = (0.80, 1.0)
COSTS: Final = (0.9, 1.7)
# By policy, the one drawn on top first: its colour and its name.
POLICIES: Final = {
    OURS: (ACCENT, "ours"),
    PAST_DEMAND: (INK, "mean and σ of all demand"),
    DEMAND_DEVIATION: ("#4a7a8c", "recent mean, σ of demand"),
    ONE_STEP_ERRORS: ("#8a9a5b", "recent mean, σ of one-step errors"),
}


def main() -> None:
    """Read, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="+", metavar="NAME=REPORT.json")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.svg")
    given = parser.parse_args()
    reports = {}
    for named in given.reports:
        name, found, file = named.partition("=")
        if not found:
            raise SystemExit(f"{named!r} names no report; give NAME=REPORT.json, such as 'Shop A=a.json'.")
        reports[name] = json.loads(Path(file).read_text(encoding="utf-8").splitlines()[-1])
    given.out.write_text(picture(reports), encoding="utf-8")


def picture(reports: dict[str, Any]) -> str:
    """SVG: a panel for each report, one curve for each policy."""
    width = PANEL * len(reports)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" role="img" aria-labelledby="t d" '
        'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif">',
        '<title id="t">What stock costs at each service</title>',
        '<desc id="d">Simulated orders: total cost over the share of review periods without a lost sale, by the '
        "forecast and by three usual ways of the textbook.</desc>",
        f'<rect width="{width}" height="{HEIGHT}" rx="14" fill="#fbfaf7"/>',
    ]
    for place, (name, report) in enumerate(reports.items()):
        parts += _panel(PANEL * place, name, report)
    return "\n".join([*parts, *_legend(width), "</svg>"]) + "\n"


def _panel(begin: int, name: str, report: dict[str, Any]) -> list[str]:
    left, right = begin + LEFT, begin + PANEL - RIGHT
    unit = report["policies"][OURS]["total_cost"]
    parts = [
        text((left + right) / 2, 34, f"{name}, {report['series']:,} series", 16, INK),
        text(
            (left + right) / 2, 56, "cost, by review periods without a lost sale; dot: at the level asked for", 13, PALE
        ),
        f'<path d="M{left} {BOTTOM}H{right}" stroke="{LINE}"/>',
    ]
    for cost in (1.0, 1.25, 1.5):
        parts.append(f'<path d="M{left} {_up(cost):.1f}H{right}" stroke="{LINE}" stroke-dasharray="2 4"/>')
        parts.append(text(left - 8, _up(cost) + 4, f"{cost:g}×", 12, PALE, "end"))
    for service in (0.80, 0.85, 0.90, 0.95, 1.0):
        parts.append(text(_across(service, left, right), BOTTOM + 22, f"{service:.0%}", 12, PALE))
    for policy, (colour, _) in reversed(POLICIES.items()):
        curve = np.array(report["curves"][policy]) / [1, unit]
        (least, most), (cheap, dear) = SERVICES, COSTS
        seen = (curve >= [least, cheap]).all(axis=1) & (curve <= [most, dear]).all(axis=1)
        points = [f"{_across(x, left, right):.1f} {_up(y):.1f}" for x, y in curve[seen].tolist()]
        if points:
            parts.append(f'<path d="M{"L".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        at = report["policies"][policy]
        x, y = at["cycle_service"], at["total_cost"] / unit
        if SERVICES[0] <= x <= SERVICES[1] and y <= COSTS[1]:
            parts.append(f'<circle cx="{_across(x, left, right):.1f}" cy="{_up(y):.1f}" r="5" fill="{colour}"/>')
    return parts


def _legend(width: int) -> list[str]:
    parts, step = [], (width - 2 * LEFT) / len(POLICIES)
    for place, (colour, name) in enumerate(POLICIES.values()):
        left = LEFT + step * place
        parts.append(f'<path d="M{left:.1f} {HEIGHT - 30}h22" stroke="{colour}" stroke-width="3"/>')
        parts.append(text(left + 30, HEIGHT - 26, name, 13, INK, "start"))
    return parts


def _across(service: float, left: float, right: float) -> float:
    return left + (right - left) * (service - SERVICES[0]) / (SERVICES[1] - SERVICES[0])


def _up(cost: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * (cost - COSTS[0]) / (COSTS[1] - COSTS[0])


if __name__ == "__main__":
    main()
