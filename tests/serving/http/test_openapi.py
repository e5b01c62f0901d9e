import re

import httpx

from recsys.request import MAX_K, PLACEMENTS, Filters, Query
from serving.http.openapi import json_body


def test_bodies_that_msgspec_decodes_are_described_in_full(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert list(schemas["Query"]["properties"]) == list(Query.__struct_fields__)
    assert list(schemas["Filters"]["properties"]) == list(Filters.__struct_fields__)
    assert schemas["Query"]["additionalProperties"] is False
    assert set(schemas["Query"]["properties"]["placement"]["enum"]) == set(PLACEMENTS)
    assert schemas["Query"]["properties"]["k"]["maximum"] == MAX_K
    assert schemas["ItemUpdates"]["properties"]["items"]["items"]["$ref"].endswith("/ItemUpdate")
    assert schemas["ItemUpdate"]["properties"]["price"]["anyOf"][0]["minimum"] == 0


def test_a_body_refers_to_its_schema(api: httpx.Client) -> None:
    operation = api.get("/openapi.json").json()["paths"]["/v1/recommendations"]["post"]
    assert operation["requestBody"] == json_body(Query)["requestBody"]


def test_every_operation_has_its_scope_its_errors_and_its_body(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "apiKey", "basic"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            problem = operation["responses"]["default"]["content"]["application/problem+json"]["schema"]
            assert problem["$ref"].endswith("/ProblemAnswer")
            assert operation["responses"]["200"]
            assert ("security" in operation) == (path not in {"/health", "/ready", "/webhooks/shopify"})
    batch = document["paths"]["/v1/batch"]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert batch.rsplit("/", 1)[-1] in document["components"]["schemas"]
    references = set(re.findall(r'"#/components/schemas/(\w+)"', api.get("/openapi.json").text))
    assert references <= set(document["components"]["schemas"])


def test_the_hierarchy_forecast_has_its_parameters_and_its_answer(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    operation = document["paths"]["/v1/forecast"]["get"]
    parameters = {entry["name"]: entry["schema"] for entry in operation["parameters"]}
    assert parameters["by"]["enum"] == ["total", "category", "channel"]
    assert parameters["by"]["default"] == "total"
    assert set(parameters) == {"by", "name", "limit", "format"}
    assert all(entry["description"] and not entry["required"] for entry in operation["parameters"])
    forms = operation["responses"]["200"]["content"]
    assert set(forms) == {"application/json", "text/csv"}
    assert forms["application/json"]["schema"]["$ref"].endswith("/LevelForecastAnswer")
    schemas = document["components"]["schemas"]
    assert set(schemas["LevelForecastAnswer"]["required"]) == {"bundle_version", "as_of", "by", "known", "rows"}
    assert set(schemas["LevelRow"]["required"]) == {"name", "total", "days"}
    assert set(schemas["LevelDay"]["required"]) == {"date", "low", "median", "high", "mean"}
    assert all(schemas[name]["description"] for name in ("LevelForecastAnswer", "LevelRow", "LevelDay"))
