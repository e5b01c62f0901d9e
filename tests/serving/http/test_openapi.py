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
