"""The project's own demand forecast, by its public interface."""

from benchmarks.demand.data import LEVELS, Answer, Origin
from models.demand.forecast import at_levels
from models.demand.model import DemandModel, DemandParameters
from models.protocol import FitContext


def ours(origin: Origin, seed: int, threads: int) -> Answer:
    """Fit on the origin's past with the default parameters, and forecast its horizon."""
    parameters = DemandParameters(horizon=origin.horizon)
    model = DemandModel.fit(origin.past, parameters, FitContext(seed, threads))
    forecast = model.predict(origin.past)
    return Answer(forecast.mean, at_levels(forecast.quantiles, LEVELS))
