"""stockpyl's formulas, the oracle of ours. Its docstrings hold escapes that Python warns of when it compiles them."""

import importlib
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    newsvendor_normal = importlib.import_module("stockpyl.newsvendor").newsvendor_normal
    economic_order_quantity = importlib.import_module("stockpyl.eoq").economic_order_quantity
