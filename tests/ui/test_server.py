"""What the page asks its server, and what it is answered: the same bits and sentences as on the command line."""

from __future__ import annotations

import base64
import io
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import attrbank
from attrbank.cli.app import run
from attrbank.pictures.recipes import recipe_in
from attrbank.ui.app import FILES, LARGEST_PICTURE
from tests.ui.conftest import NAMES, PROMPTS, STEPS, draw, wait_for


def image(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def photo(size: tuple[int, int] = (40, 32)) -> bytes:
    data = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(data, format="PNG")
    return data.getvalue()


def dropped(client: TestClient, name: str, data: bytes) -> dict[str, Any]:
    answer = client.post("/api/pictures", params={"name": name}, content=data)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def refusal(answer: Any) -> str:
    assert answer.status_code in {400, 404}, answer.text
    return str(answer.json()["error"]["message"])


@pytest.fixture
def applied(wish: dict[str, Any], bank: Path) -> attrbank.Result:
    """The same picture from Python."""
    return attrbank.apply("early:0.5", "late", backbone=wish["backbone"], bank=bank, seed=3, steps=STEPS)


def test_a_picture_that_stands_is_the_one_that_apply_draws(client, wish, applied) -> None:
    answer = draw(client, wish)
    assert np.array_equal(image(answer["before"]), np.asarray(applied.before))
    assert np.array_equal(image(answer["after"]), np.asarray(applied.after))


def test_a_draft_comes_without_before_and_takes_nothing_from_the_exact_picture(client, wish, applied) -> None:
    answer = draw(client, wish, draft=True)
    assert set(answer) == {"number", "after"}
    assert np.array_equal(image(draw(client, wish, number=2)["after"]), np.asarray(applied.after))


@pytest.mark.parametrize("only_after", [True, False])
def test_what_is_saved_is_byte_for_byte_what_apply_writes(
    client, wish, bank, tmp_path, monkeypatch, only_after
) -> None:
    answer = client.post("/api/save", json={"wish": wish, "only_after": only_after})
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''early%2Blate_seed3.png"
    command = draw(client, wish)["command"]
    monkeypatch.chdir(tmp_path)
    assert run([*shlex.split(command)[1:], "-o", "cli.png", *(["--only-after"] if only_after else [])]) == 0
    assert answer.content == Path("cli.png").read_bytes()


def test_the_python_that_is_copied_draws_the_same(client, wish, applied, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(draw(client, wish)["python"], names)
    assert np.array_equal(np.asarray(names["picture"].after), np.asarray(applied.after))


@pytest.mark.parametrize("seed", [3, 2**63 - 1])
def test_a_saved_picture_that_is_dropped_puts_the_controls_as_they_were(client, wish, seed) -> None:
    wish = wish | {"seed": seed, "negative_prompt": "a photo of a man"}
    for only_after in (True, False):
        saved = client.post("/api/save", json={"wish": wish, "only_after": only_after}).content
        again = dropped(client, "out.png", saved)["wish"]
        assert client.post("/api/save", json={"wish": again, "only_after": only_after}).content == saved


def test_a_photograph_is_edited_where_the_mask_is_white(client, wish) -> None:
    half = Image.new("L", (40, 32), 0)
    half.paste(255, (0, 0, 12, 32))
    half.save(mask := io.BytesIO(), format="PNG")
    edited = wish | {"image": dropped(client, "me.png", photo())["image"]}
    edited["mask"] = dropped(client, "mask.png", mask.getvalue())["image"]
    answer = draw(client, edited)
    before, after = (image(answer[which]).astype(int) for which in ("before", "after"))
    assert np.array_equal(before, np.asarray(Image.open(io.BytesIO(photo()))))
    assert (before != after)[:, :12].any()
    assert not (before != after)[:, 36:].any()
    assert "-i me.png --mask mask.png" in answer["command"]


def test_a_draft_of_a_photograph_changes_nothing_where_the_mask_is_black(client, wish) -> None:
    half = Image.new("L", (40, 32), 0)
    half.paste(255, (0, 0, 12, 32))
    half.save(mask := io.BytesIO(), format="PNG")
    edited = wish | {"image": dropped(client, "me.png", photo())["image"]}
    edited["mask"] = dropped(client, "mask.png", mask.getvalue())["image"]
    changed = image(draw(client, edited, draft=True)["after"]) != np.asarray(Image.open(io.BytesIO(photo())))
    assert changed[:, :12].any()
    assert not changed[:, 36:].any()


def test_a_picture_of_a_photograph_comes_back_when_the_photograph_is_there(client, wish, page) -> None:
    edited = wish | {"image": dropped(client, "me.png", photo())["image"]}
    saved = client.post("/api/save", json={"wish": edited}).content
    assert dropped(client, "out.png", saved)["wish"]["image"] == edited["image"]
    page._dropped._known.clear()
    answer = client.post("/api/pictures", params={"name": "out.png"}, content=saved)
    assert refusal(answer) == "This picture was made of me.png, which the page does not have."


def test_a_strip_leaves_the_attribute_that_varies_out_of_the_others(client, wish) -> None:
    answer = client.post("/api/sheet", json={"x": "late=0:1:3", "y": "seed=3-4", "wish": wish})
    assert answer.headers["content-type"] == "image/png"
    alone = client.post(
        "/api/sheet", json={"x": "late=0:1:3", "y": "seed=3-4", "wish": wish | {"attributes": wish["attributes"][:1]}}
    )
    assert answer.content == alone.content


def test_an_earlier_wish_that_comes_late_is_answered_with_nothing(client, wish) -> None:
    draw(client, wish, number=5)
    assert draw(client, wish, number=4) == {"number": 4, "superseded": True}
    assert "after" in draw(client, wish, number=4, tab="another")


def test_the_model_is_told_of_with_a_slider_for_whatever_fits_it(client, wish) -> None:
    known = client.get("/api/model", params={"backbone": wish["backbone"]}).json()
    assert known["state"] == "ready"
    assert [(one["name"], one["low"], one["high"], one["preview"]) for one in known["attributes"]] == [
        (name, -1.0, 1.0, True) for name in NAMES
    ]


def test_what_was_learned_on_another_model_has_no_slider(client, tiny_pipeline_xl) -> None:
    name = str(tiny_pipeline_xl)
    wait_for(lambda: client.get("/api/model", params={"backbone": name}).json()["state"] == "ready")
    assert client.get("/api/model", params={"backbone": name}).json()["attributes"] == []


def test_a_broken_model_is_told_of_and_the_page_goes_on(client, wish, tmp_path) -> None:
    name = str(tmp_path / "nothing")
    wait_for(lambda: client.get("/api/model", params={"backbone": name}).json()["state"] == "failed")
    error = client.get("/api/model", params={"backbone": name}).json()["error"]
    assert run(["apply", "late", "--backbone", name, "--bank", str(tmp_path / "bank")]) == error["exit_code"]
    assert refusal(client.post("/api/draw", json={"tab": "a", "number": 1, "wish": wish | {"backbone": name}}))
    assert "after" in draw(client, wish, number=2)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"attributes": [{"name": "nobody", "strength": 1}]}, "nobody"),
        ({"attributes": []}, "Apply takes 1 to 64 attributes"),
        ({"seed": -1}, "seed"),
        ({"steps": 4000}, "steps"),
        ({"sampler": "nothing"}, "nothing"),
        ({"image": "0" * 64}, "no longer has this picture"),
        ({"image": "../../etc/passwd"}, "image"),
        ({"attributes": [{"name": "late;reboot", "strength": 1}]}, "name"),
        ({"unheard": "of"}, "unheard"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(client, wish, change, sentence) -> None:
    assert sentence in refusal(client.post("/api/draw", json={"tab": "a", "number": 1, "wish": wish | change}))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"tab": 1}', b"[" * 50_000, b" " * 70_000])
def test_orders_that_are_none_are_refused_in_a_sentence(client, body: bytes) -> None:
    assert refusal(client.post("/api/draw", content=body))


def test_a_picture_that_is_too_large_is_refused_before_all_of_it_has_come(client) -> None:
    sent = []

    def endless():
        for _ in range(LARGEST_PICTURE // 2**20 + 2):
            sent.append(1)
            yield bytes(2**20)

    assert refusal(client.post("/api/pictures", content=endless())) == "This is too large."


def test_an_attribute_is_renamed_tagged_removed_and_brought_back(client) -> None:
    found = {one["name"]: one for one in client.get("/api/bank").json()}
    identity = found["late"]["id"]
    for change, body in (
        ("name", {"name": "later"}),
        ("tags", {"tags": ["age", "face"]}),
        ("note", {"note": "A note."}),
    ):
        assert client.post(f"/api/bank/{identity}/{change}", json=body).status_code == 200
    assert client.post(f"/api/bank/{identity}/tags", json={"tags": ["face"]}).status_code == 200
    (later,) = client.get("/api/bank", params={"words": "later"}).json()
    assert (later["tags"], later["note"]) == (["face"], "A note.")
    assert client.post(f"/api/bank/{identity}/trash", json={}).status_code == 200
    assert [one["name"] for one in client.get("/api/bank").json()] == ["early"]
    assert [one["name"] for one in client.get("/api/trash").json()] == ["later"]
    assert client.post(f"/api/bank/{identity}/restore", json={}).status_code == 200
    assert [one["name"] for one in client.get("/api/bank").json()] == ["early", "later"]


def test_what_the_bank_refuses_is_told_as_the_command_line_tells_it(client) -> None:
    identity = client.get("/api/bank").json()[0]["id"]
    assert "late" in refusal(client.post(f"/api/bank/{identity}/name", json={"name": "late"}))
    assert "not a name" in refusal(client.post(f"/api/bank/{identity}/name", json={"name": "Grin!"}))
    assert refusal(client.post(f"/api/bank/{identity}/burn", json={})) == "Nothing here is called 'burn'."
    assert refusal(client.post("/api/bank/123456/trash", json={}))


def test_a_busy_bank_is_told_of_and_the_page_goes_on(client, wish, monkeypatch) -> None:
    identity = client.get("/api/bank").json()[0]["id"]

    def busy(*given: object, **more: object) -> None:
        raise attrbank.BankBusyError("The bank is busy.")

    with monkeypatch.context() as patch:
        patch.setattr("attrbank.store.index.writing", busy)
        assert refusal(client.post(f"/api/bank/{identity}/name", json={"name": "x"})) == "The bank is busy."
    assert "after" in draw(client, wish)


def learn(client: TestClient, backbone: str, **more: object) -> str:
    order = {"backbone": backbone, "name": "grin", "source": PROMPTS[0], "target": "a photo of a man", "seeds": "0-3"}
    answer = client.post("/api/learn", json={**order, "steps": STEPS, **more})
    assert answer.status_code == 200, answer.text
    return f"/api/learn/{answer.json()['key']}"


def test_an_attribute_is_learned_beside_the_pictures_and_becomes_a_slider(client, wish) -> None:
    learning = learn(client, wish["backbone"])
    assert "after" in draw(client, wish)
    wait_for(lambda: client.get(learning).json()["state"] != "running")
    news = client.get(learning).json()
    assert news["state"] == "done", news
    known = client.get("/api/model", params={"backbone": wish["backbone"]}).json()
    assert "grin" in [one["name"] for one in known["attributes"]]
    assert client.get(f"/api/previews/{news['id']}").content.startswith(b"\xff\xd8")
    assert "after" in draw(client, wish | {"attributes": [{"name": "grin", "strength": 1}]}, number=2)


def test_a_learning_that_is_cancelled_leaves_the_bank_as_it_was(client, wish, bank) -> None:
    before = sorted(path for path in bank.rglob("*") if path.is_file())
    learning = learn(client, wish["backbone"], seeds="0-999")
    wait_for(lambda: client.get(learning).json().get("done", 0) > 0)
    assert client.delete(learning).status_code == 200
    wait_for(lambda: client.get(learning).json()["state"] != "running")
    assert client.get(learning).json()["state"] == "cancelled"
    assert sorted(path for path in bank.rglob("*") if path.is_file()) == before
    assert "after" in draw(client, wish)


def test_a_name_that_is_taken_is_refused_before_anything_is_learned(client, wish) -> None:
    learning = learn(client, wish["backbone"], name="late")
    wait_for(lambda: client.get(learning).json()["state"] == "failed")
    assert "late" in client.get(learning).json()["error"]["message"]


def test_the_page_asks_nobody_else_for_anything() -> None:
    for path in FILES.iterdir():
        assert "http" not in path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", ""), path


def test_every_file_of_the_page_is_served(client) -> None:
    assert "<title>attrbank</title>" in client.get("/").text
    for path in FILES.iterdir():
        assert client.get(f"/page/{path.name}").content == path.read_bytes()
    assert client.get("/page/../app.py").status_code == 404


def test_what_is_saved_tells_how_it_was_made(client, wish, tmp_path) -> None:
    (tmp_path / "out.png").write_bytes(client.post("/api/save", json={"wish": wish}).content)
    assert [turn.name for turn in recipe_in(tmp_path / "out.png").steps_applied] == ["early", "late"]
