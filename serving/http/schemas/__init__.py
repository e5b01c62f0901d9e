"""The JSON of requests and answers, as OpenAPI shows it."""
