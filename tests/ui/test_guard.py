"""Who may talk to the server: the browser that was given the key, and no page but its own."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from attrbank.ui.guard import Guard, new_key, url_of

HERE = "http://127.0.0.1:7766"


@pytest.fixture
def client() -> TestClient:
    async def app(scope, receive, send):
        await PlainTextResponse(f"let in to {Request(scope).url.path}")(scope, receive, send)

    return TestClient(Guard(app, 7766, key="secret"), base_url=HERE, follow_redirects=False)


@pytest.fixture
def entered(client: TestClient) -> TestClient:
    assert client.get("/?key=secret").status_code == 303
    return client


def test_the_printed_address_lets_a_browser_in_and_takes_the_key_out_of_sight(client: TestClient) -> None:
    answer = client.get("/?key=secret")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=strict" in answer.headers["set-cookie"]
    assert client.get("/").text == "let in to /"


@pytest.mark.parametrize("path", ["/", "/api/start", "/page/main.js", "/?key=guess", "/?key=%E2%9C%93"])
def test_nobody_comes_in_without_the_key(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 403
    assert "attrbank ui" in answer.text


@pytest.mark.parametrize("host", ["evil.example:7766", "127.0.0.1:80", "127.0.0.1.evil.example:7766", ""])
def test_a_foreign_name_that_points_here_is_refused_even_with_the_key(entered: TestClient, host: str) -> None:
    assert entered.get("/", headers={"host": host}).status_code == 421
    assert entered.get("/?key=secret", headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://127.0.0.1:80", "https://127.0.0.1:7766"]
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_what_changes_something_has_to_come_from_the_page(entered: TestClient, origin: str | None, method: str) -> None:
    headers = {} if origin is None else {"origin": origin}
    assert entered.request(method, "/api/draw", headers=headers).status_code == 403
    assert entered.request(method, "/api/draw", headers={"origin": HERE}).status_code == 200


def test_the_page_loads_nothing_from_elsewhere_and_is_shown_nowhere_else(entered: TestClient) -> None:
    policy = entered.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert entered.get("/").headers["x-content-type-options"] == "nosniff"


def test_every_server_has_a_key_of_its_own() -> None:
    assert new_key() != new_key()
    assert url_of(7766, "secret") == f"{HERE}/?key=secret"
