"""Backtest, gate, fit, record: from tables to challengers."""
