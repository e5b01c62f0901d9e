"""Estimators and metrics that several models share."""
