import httpx

from serving.http.schemas.tables import CustomerAnswer, ListAnswer


def test_one_customer_with_every_column(api: httpx.Client) -> None:
    answer = api.get("/v1/customers/customer-03")
    parsed = CustomerAnswer.model_validate_json(answer.content)
    assert parsed.customer["churn_risk"] == 0.075
    assert parsed.customer["last_order_at"] == "2025-05-29T00:00:00Z"
    assert parsed.customer["reasons"] == ["no visit", "small basket"]


def test_an_unknown_customer_is_404_and_not_repeated(api: httpx.Client) -> None:
    answer = api.get("/v1/customers/alice@example.com")
    assert answer.status_code == 404
    assert "alice" not in answer.text
    assert "/v1/customers" in answer.json()["detail"]


def test_a_list_is_as_documented(api: httpx.Client) -> None:
    assert ListAnswer.model_validate_json(api.get("/v1/customers").content).total == 40
