import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from dafan.db import reading, writing
from dafan.errors import DafanError
from dafan.records import Source
from server import auth, cli_people, demo_seed, face_engine, faces, feed, groups, people
from server.books import accounts
from server.keys import KeyRing


@pytest.fixture
def ring(settings, wrong_locks):
    yield KeyRing.open(settings.data_dir)
    wrong_locks.clear()  # a demo is made in one transaction, before anybody sells


@pytest.fixture
def _models():
    try:
        assert face_engine.shared_engine("mobilefacenet").pack
    except face_engine.ModelError as error:
        pytest.skip(f"needs model files: {error}")


def test_a_diner_of_a_demo_pays_in_again_and_nobody_elsewhere(engine, site, make_diner, clock):
    diner, login = make_diner(cash=0), demo_seed.DEMO_LOGIN
    with reading(engine) as session:
        number = session.scalars(select(people.Diner.staff_no)).one()
    with writing(engine) as session, pytest.raises(DafanError, match="at the desk"):
        demo_seed.top_up(session, number, clock.now())
    with writing(engine) as session:
        auth.create_user(session, site.id, login, "demo-dafan", ["manager"], name="演示")
        for _ in range(2):
            demo_seed.top_up(session, number, clock.now())
    with reading(engine) as session:
        assert accounts.balances(session, diner)[Source.CASH] == 20_000


@pytest.mark.models
@pytest.mark.usefixtures("_models")
def test_the_demo_canteen_is_whole_and_seeding_it_again_changes_nothing(
    engine, settings, ring, clock
):
    made = demo_seed.seed_demo(engine, settings, ring, clock.now())
    with reading(engine) as session:
        version = feed.latest(session, made.site_id)
        assert people.count_diners(session, made.site_id) == 60
        assert {group.name for group in groups.all_of(session, made.site_id)} == {
            "干部职工", "人才", "访客",
        }  # fmt: skip
        first = people.find_diner(session, made.site_id, "1001")
        assert first.name == "甲子"
        assert people.pin_fits(first, demo_seed.DEMO_PIN)
        assert accounts.balances(session, first.id) == {
            Source.SUBSIDY: 300_00,
            Source.CASH: 2000_00,
        }
        assert auth.find_user(session, demo_seed.DEMO_LOGIN).roles == ["admin"]
        assert session.scalar(select(func.sum(accounts.Account.balance))) == 0
    again = demo_seed.seed_demo(engine, settings, ring, clock.now())
    assert again == made
    with reading(engine) as session:
        assert feed.latest(session, made.site_id) == version


@pytest.mark.models
@pytest.mark.usefixtures("_models")
def test_every_demo_face_that_looks_at_the_camera_is_enrolled_and_the_other_is_named(
    engine, settings, ring, clock
):
    from vision.samples import sample_faces

    made = demo_seed.seed_demo(engine, settings, ring, clock.now())
    frontal = {sample.number for sample in sample_faces() if sample.frontal}
    assert set(made.face_diners) == frontal
    assert len(made.notes) == 6 - len(frontal)
    with reading(engine) as session:
        for diner_id in made.face_diners.values():
            assert faces.template_of(session, diner_id) is not None
            assert people.lookalikes(session, diner_id) == []


def test_without_model_files_all_but_the_faces_is_made_and_a_note_says_so(
    engine, settings, ring, clock, monkeypatch
):
    missing = face_engine.FaceEngine("no such pack")
    monkeypatch.setattr(demo_seed, "shared_engine", lambda _pack: missing)
    made = demo_seed.seed_demo(engine, settings, ring, clock.now())
    assert made.face_diners == {}
    assert len(made.notes) == 6
    with reading(engine) as session:
        assert people.count_diners(session, made.site_id) == 60


@pytest.mark.models
@pytest.mark.usefixtures("_models", "app")
def test_reindexing_from_the_command_line_finds_nothing_to_do_after_enrolment():
    runner = CliRunner()
    result = runner.invoke(cli_people.faces, ["reindex"], catch_exceptions=False)
    assert "0 templates" in result.output
