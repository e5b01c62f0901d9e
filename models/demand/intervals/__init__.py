"""Predictive distributions: quantile forest, conformal calibration, cumulative demand."""
