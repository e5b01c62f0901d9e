"""Files on disk: replaced atomically, locked, and the CSV files that settings name."""
