"""The customers' list as CSV, Parquet and marketing imports."""
