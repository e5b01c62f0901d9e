"""The demand family: from orders to forecasts of items, channels and sums."""
