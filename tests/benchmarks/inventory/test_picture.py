"""The picture of compare_policies orders says which policy costs more, and draws nothing outside its frame."""

from xml.etree import ElementTree

import numpy as np

from benchmarks.inventory.__main__ import OURS
from benchmarks.inventory.picture import BOTTOM, POLICIES, TOP, picture

SVG = "{http://www.w3.org/2000/svg}"
SERVICES = np.linspace(0.5, 1.0, 21)


def report(costs: dict[str, float]) -> dict[str, object]:
    """Of policies that cost so much at a service of .95, and less the less they serve."""
    curves = {name: [[s, cost * (1 + s - 0.95)] for s in SERVICES.tolist()] for name, cost in costs.items()}
    policies = {name: {"cycle_service": 0.95, "total_cost": cost} for name, cost in costs.items()}
    return {"series": 3, "curves": curves, "policies": policies}


def heights(costs: list[float]) -> list[float]:
    """Of the dots, by policy in POLICIES' order."""
    drawn = ElementTree.fromstring(picture({"A shop": report(dict(zip(POLICIES, costs, strict=True)))}))
    dots = {dot.attrib["fill"]: float(dot.attrib["cy"]) for dot in drawn.iter(f"{SVG}circle")}
    return [dots[colour] for colour, _ in POLICIES.values() if colour in dots]


def test_what_costs_more_lies_higher() -> None:
    found = heights([100.0, 120.0, 110.0, 90.0])
    assert found[1] < found[2] < found[0] < found[3]


def test_what_costs_far_more_is_left_out_not_drawn_outside() -> None:
    assert len(heights([100.0, 500.0, 110.0, 90.0])) == 3
    drawn = picture({"A shop": report(dict.fromkeys(POLICIES, 100.0) | {OURS: 55.0})})
    for path in ElementTree.fromstring(drawn).iter(f"{SVG}path"):
        if "L" in path.attrib["d"]:
            points = np.array([part.split() for part in path.attrib["d"].strip("M").split("L")], float)
            assert points[:, 1].min() >= TOP - 0.1
            assert points[:, 1].max() <= BOTTOM + 0.1


def test_each_report_has_its_panel() -> None:
    costs = dict.fromkeys(POLICIES, 100.0)
    drawn = ElementTree.fromstring(picture({"A": report(costs), "B": report(costs)}))
    assert len(list(drawn.iter(f"{SVG}circle"))) == 2 * len(POLICIES)
