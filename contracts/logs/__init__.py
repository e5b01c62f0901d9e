"""Durable logs: what the service accepted and ingest has not read yet."""
