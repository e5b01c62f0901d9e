"""One small simulated store and one drawn day, shared by all tests of this folder."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from contracts.events.parse import Event, parse_event
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.simulation import Simulated, simulate
from tests.pipelines.simulate.drawn_day import DrawnDay, draw_day

PARAMETERS = StoreParameters(
    customers=250, items=60, days=200, seed=11, shared_device_share=0.04, stock_outs_per_year=4.0, alias_share=0.2
)
RECEIVED_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ReadStore:
    """A simulated store, as a reader of its files sees it."""

    written: Simulated
    events: list[Event]

    def truth(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.written.truth_path / f"{name}.parquet")

    def named(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    def order_lines(self) -> pd.DataFrame:
        rows = [
            (e.wire.properties.order_id, e.user_id, e.anonymous_id, e.occurred_at, p.product_id, p.quantity, p.price)
            for e in self.named("Order Completed")
            for p in e.products
        ]
        return pd.DataFrame(rows, columns=["order_id", "user_id", "anonymous_id", "at", "item_id", "quantity", "price"])


@pytest.fixture(scope="package")
def drawn() -> DrawnDay:
    return draw_day()


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> ReadStore:
    return read_store(PARAMETERS, tmp_path_factory.mktemp("store"))


def read_store(parameters: StoreParameters, folder: Path) -> ReadStore:
    written = simulate(parameters, folder)
    with written.events_path.open("rb") as file:
        return ReadStore(written, [parse_event(line, RECEIVED_AT) for line in file])
