"""HTTP itself: bodies, headers, problems, schemas, telemetry."""
