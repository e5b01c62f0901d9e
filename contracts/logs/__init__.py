"""Durable logs: events and catalogue updates that the service accepted and ingest has not read yet."""
