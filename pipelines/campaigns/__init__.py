"""Holdouts, campaign results and the fairness audit."""
