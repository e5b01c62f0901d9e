"""What a panel's covariates mean: which values close a series, which part its demand, and which moves it most."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.demand.closed import closing_values
from models.demand.panel import Panel
from models.demand.prepared_panel import Cells, cells_of, main_state, state_values


@dataclass(frozen=True)
class States:
    """By covariate: `closing` values, under which nothing sells; `values` of those with few; `main` moves it most."""

    closing: Mapping[str, tuple[float, ...]]
    values: Mapping[str, np.ndarray]
    main: str | None

    @classmethod
    def of(cls, panel: Panel) -> "States":
        """As the panel's past tells."""
        closing = closing_values(panel)
        values = state_values(panel, closing)
        return cls(closing, values, main_state(panel, closing, values))

    def cells(self, panel: Panel, horizon: int) -> Cells:
        """A panel ready to learn from, or to forecast `horizon` periods after it."""
        return cells_of(panel, horizon, dict(self.closing), self.main, dict(self.values))
