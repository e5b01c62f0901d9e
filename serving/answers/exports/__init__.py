"""Lists as CSV, Parquet and imports for marketing tools."""
