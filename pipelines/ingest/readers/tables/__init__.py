"""Tables: CSV and Parquet files whose rows a mapping turns into events or items."""
