"""The customers' and items' tables: filter, sort, page, encode."""
