import platform
import sys

import jsonschema
import numpy
import pytest
from fastapi.testclient import TestClient

from pricer.app import Price, app


@pytest.fixture(scope="module")
def client():
    with TestClient(app) as client:
        yield client


def test_health_names_the_interpreter_and_the_environment(client):
    health = client.get("/health").json()
    assert health["status"] == "ok"
    assert (health["python"], health["numpy"], health["prefix"]) == (
        platform.python_version(),
        numpy.__version__,
        sys.prefix,
    )


def test_price_keeps_its_published_form(client):
    answer = client.get("/price", params={"instrument": "copper", "strike": 80})
    assert answer.status_code == 200
    jsonschema.validate(answer.json(), Price.model_json_schema())
    assert answer.json()["price"] > 0


def test_a_quote_is_kept(client):
    price = client.get("/price", params={"instrument": "timber", "strike": 111, "kind": "put"}).json()["price"]
    latest = client.get("/quotes", params={"limit": 1}).json()[0]
    assert (latest["instrument"], latest["kind"], round(latest["price"], 6)) == ("timber", "put", price)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"instrument": "tulips", "strike": 1}, 404),
        ({"instrument": "copper", "strike": -1}, 422),
        ({"instrument": "copper"}, 422),
    ],
)
def test_bad_questions_get_an_answer(client, query, status):
    assert client.get("/price", params=query).status_code == status


def test_the_page_says_which_python_serves(client):
    assert f"Python {platform.python_version()}" in client.get("/").text
