import base64
import io
from urllib.parse import quote

import cv2
import numpy as np
import pytest

from dafan.db import writing
from dafan.ids import new_id
from server import face_engine, faces, sites
from server.actor import Actor
from server.api import faces as api_faces

PASSWORD = "a good password"
RICE = {"name": "米饭", "category": "主食", "unit": "piece", "price": 100, "half_price": 60}


class Caller:
    """A program that signs in by HTTP Basic."""

    def __init__(self, client, login):
        self.client = client
        pair = base64.b64encode(f"{login}:{PASSWORD}".encode()).decode()
        self.headers = {"Authorization": f"Basic {pair}"}

    def __call__(self, method, path, status=200, **how):
        answer = self.client.open(f"/api/v1{path}", method=method, headers=self.headers, **how)
        assert answer.status_code == status, answer.text
        return answer.json if answer.data else None


@pytest.fixture
def manager(client, make_user):
    make_user("manager", "manager")
    return Caller(client, "manager")


@pytest.fixture
def auditor(client, make_user):
    make_user("auditor", "auditor")
    return Caller(client, "auditor")


def test_dishes_are_made_changed_and_listed_with_their_prices(manager):
    made = manager("POST", "/dishes", 201, json=RICE)
    manager("PUT", f"/dishes/{made['id']}", json=RICE | {"price": 150})
    assert manager("GET", f"/dishes/{made['id']}")["price"] == 150
    prices = manager("GET", f"/dishes/{made['id']}/prices")["prices"]
    assert [row["price"] for row in prices] == [150, 100]
    assert prices[0]["set_by"] == "manager"
    manager("POST", "/dishes", 201, json=RICE | {"name": "汤", "sort": 1})
    first = manager("GET", "/dishes?limit=1")
    assert [dish["name"] for dish in first["dishes"]] == ["米饭"]
    second = manager("GET", f"/dishes?limit=1&after={first['next']}")
    assert [dish["name"] for dish in second["dishes"]] == ["汤"]


def test_groups_are_made_and_changed(manager, site):
    made = manager("POST", "/groups", 201, json={"name": "人才", "discount_percent": 10})
    changed = {"name": "人才", "discount_percent": 20, "meals": {"lunch": {}}}
    assert manager("PUT", f"/groups/{made['id']}", json=changed)["discount_percent"] == 20
    assert manager("GET", f"/groups/{site.group_id}")["name"] == "干部职工"
    assert len(manager("GET", "/groups")["groups"]) == 2


def test_a_diner_lives_through_the_api_and_never_shows_his_pin(manager, site):
    values = {"staff_no": "1001", "name": "甲子", "group_id": str(site.group_id)}
    diner = manager("POST", "/diners", 201, json=values)
    path = f"/diners/{diner['id']}"
    assert (diner["status"], diner["has_pin"], diner["cash"]) == ("active", False, 0)
    manager("PUT", path, json=values | {"name": "乙丑"})
    manager("PUT", f"{path}/pin", 204, json={"pin": "246810"})
    manager("PUT", f"{path}/birthday", 204, json={"birthday": "1990-03-05"})
    wrong = manager("PUT", f"{path}/birthday", 400, json={"birthday": "2-30"})
    assert wrong["code"] == "bad_birthday"
    manager("POST", f"{path}/cards", 201, json={"number": "a001"})
    manager("PUT", f"{path}/cards/A001", json={"status": "lost"})
    manager("PUT", f"{path}/status", json={"status": "frozen"})
    seen = manager("GET", path)
    assert (seen["name"], seen["status"], seen["has_pin"]) == ("乙丑", "frozen", True)
    assert seen["cards"] == [{"number": "A001", "status": "lost"}]
    assert not {"pin", "pin_hash"} & set(seen)
    assert seen["birthday"] == "03-05"
    assert manager("PUT", f"{path}/status", json={"status": "left"})["cards"] == []
    found = manager("GET", f"/diners?search={quote('乙丑')}&status=left")
    assert [each["id"] for each in found["diners"]] == [diner["id"]]


def test_a_person_who_may_only_look_changes_nothing(auditor, make_diner, site):
    path = f"/diners/{make_diner()}"
    assert auditor("GET", path)["cash"] == 10_000
    values = {"staff_no": "1", "name": "x", "group_id": str(site.group_id)}
    for method, where, body in (
        ("POST", "/dishes", RICE),
        ("POST", "/groups", {"name": "x"}),
        ("POST", "/diners", values),
        ("PUT", path, values),
        ("PUT", f"{path}/status", {"status": "frozen"}),
        ("PUT", f"{path}/pin", {"pin": "246810"}),
        ("PUT", f"{path}/birthday", {"birthday": "3-5"}),
        ("POST", f"{path}/cards", {"number": "A001"}),
        ("POST", f"{path}/consent", {}),
        ("GET", f"{path}/face", None),
        ("DELETE", f"{path}/face", None),
    ):
        auditor(method, where, 403, json=body)


def test_nobody_gets_anything_without_signing_in(client):
    for path in ("/dishes", "/groups", "/diners", f"/diners/{new_id()}", "/consent-text"):
        assert client.get(f"/api/v1{path}").status_code == 401


def test_what_another_site_has_is_not_there(manager, engine):
    with writing(engine) as session:
        other = Actor(sites.ensure_site(session, "另一单位").id, "x", manager_time())
        from server import groups, people

        group = groups.create(session, other, groups.GroupValues(name="人才"))
        values = people.DinerValues(staff_no="1", name="己巳", group_id=group.id)
        diner = people.create_diner(session, other, values)
    for path in (f"/diners/{diner.id}", f"/diners/{diner.id}/face", f"/groups/{group.id}"):
        assert manager("GET", path, 404)["code"].startswith("unknown_")


def manager_time():
    from datetime import UTC, datetime

    return datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/dishes", {}),
        ("/dishes", {"name": "x", "unit": "bowl"}),
        ("/dishes", {"name": "x", "unit": "piece", "price": "much"}),
        ("/dishes", {"name": "x", "unit": "piece", "price": 10**12}),
        ("/dishes", {"name": "x", "unit": "piece", "price": 1, "half_price": 2}),
        ("/dishes", [1]),
        ("/dishes", "x"),
        ("/groups", {"name": "x", "meals": {"午餐": {}}}),
        ("/groups", {"name": "x", "colour": 1}),
        ("/diners", {"staff_no": "1", "name": "x", "group_id": "nobody"}),
        ("/diners", {"staff_no": "1", "name": "x\x00", "group_id": str(new_id())}),
    ],
)
def test_a_body_that_does_not_fit_is_answered_400_or_404_with_what_to_do(manager, path, body):
    answer = manager.client.post(f"/api/v1{path}", json=body, headers=manager.headers)
    assert answer.status_code in {400, 404}, answer.text
    assert answer.json["code"]
    assert answer.json["message"]


def test_the_openapi_document_describes_the_resources(client):
    paths = client.get("/openapi.json").json["paths"]
    for path in ("/api/v1/dishes", "/api/v1/diners", "/api/v1/groups"):
        assert {"get", "post"} <= set(paths[path])
    assert "put" in paths["/api/v1/diners/{diner_id}/face"]


# --- faces --------------------------------------------------------------------------------------


class FakeEngine:
    """Stands in for the models: takes any picture, gives the vector that the test chose."""

    lookalike_similarity = 0.45

    def __init__(self):
        self.vector = np.eye(128, dtype=np.float32)[0]

    def read(self, data):
        return face_engine.Reference(data, self.vector, "made-up")


@pytest.fixture
def models(monkeypatch):
    made = FakeEngine()
    monkeypatch.setattr(api_faces, "shared_engine", lambda _pack: made)
    return made


PICTURE = cv2.imencode(".png", np.full((48, 64, 3), 180, np.uint8))[1].tobytes()


def photo(data=PICTURE, **more):
    return {"data": {"photo": (io.BytesIO(data), "face.jpg"), **more}}


@pytest.mark.usefixtures("models")
def test_consent_enrolment_and_withdrawal_through_the_api(manager, make_diner, engine):
    path = f"/diners/{make_diner()}"
    manager("PUT", f"{path}/face", 400, **photo())
    text = manager("GET", "/consent-text")
    agreed = {"version": text["version"], "channel": "desk"}
    assert manager("POST", f"{path}/consent", 201, json=agreed)["enrolled"] is False
    assert manager("PUT", f"{path}/face", **photo())["pack"] == "made-up"
    state = manager("DELETE", f"{path}/face")
    assert (state["enrolled"], state["consent_version"]) == (False, None)
    with writing(engine) as session:
        assert session.query(faces.Photo).count() == 0


@pytest.mark.usefixtures("models")
def test_a_face_near_to_another_is_answered_409_until_somebody_confirms(manager, make_diner):
    one, two = make_diner(), make_diner()
    for diner_id in (one, two):
        manager("POST", f"/diners/{diner_id}/consent", 201, json={})
    manager("PUT", f"/diners/{one}/face", **photo())
    answer = manager("PUT", f"/diners/{two}/face", 409, **photo())
    assert [near["diner_id"] for near in answer["near"]] == [str(one)]
    state = manager("PUT", f"/diners/{two}/face", **photo(confirm="true"))
    assert state["lookalikes"] == [str(one)]


def test_a_40_mb_photo_is_refused_in_words(manager, make_diner):
    path = f"/diners/{make_diner()}"
    manager("POST", f"{path}/consent", 201, json={})
    head = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
    body = head + bytes(40 * 2**20) + b"\r\n--x--\r\n"
    answer = manager(
        "PUT", f"{path}/face", 413,
        input_stream=io.BytesIO(body), content_length=len(body),
        content_type="multipart/form-data; boundary=x",
    )  # fmt: skip
    assert answer["message"]


def test_a_body_without_a_photo_is_refused_in_words(manager, make_diner):
    path = f"/diners/{make_diner()}"
    manager("POST", f"{path}/consent", 201, json={})
    assert manager("PUT", f"{path}/face", 400, data={"confirm": "true"})["message"]
    assert manager("PUT", f"{path}/face", 400, data={"photo": "text"})["message"]


@pytest.mark.models
def test_a_picture_without_a_face_is_refused_by_the_real_models(manager, make_diner):
    try:
        assert face_engine.shared_engine("mobilefacenet").pack
    except face_engine.ModelError as error:
        pytest.skip(f"needs model files: {error}")
    path = f"/diners/{make_diner()}"
    manager("POST", f"{path}/consent", 201, json={})
    assert manager("PUT", f"{path}/face", 400, **photo())["code"] == "photo_no_face"
