"""The forecast methods that the ensemble combines."""
