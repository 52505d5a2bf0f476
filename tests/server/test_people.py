from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from dafan import crypto, records
from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.records import CardStatus, DinerStatus
from server import audit, cards, feed, groups, leaving, people
from server.actor import Actor
from server.values import read_values

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
PIN = "246810"


@pytest.fixture
def actor(site):
    return Actor(site.id, "甲子", NOW, "10.0.0.7")


@pytest.fixture
def stranger():
    """Somebody who works for another site."""
    return Actor(UUID(int=99), "乙丑", NOW)


@pytest.fixture
def group(engine, site):
    with reading(engine) as session:
        found = groups.get(session, site.id, site.group_id)
        session.expunge(found)
        return found


def values(group, staff_no="1001", **changes):
    given = {"staff_no": staff_no, "name": "甲子", "department": "办公室", "group_id": group.id}
    return people.DinerValues(**given | changes)


@pytest.fixture
def diner(engine, actor, group):
    with writing(engine) as session:
        return people.create_diner(session, actor, values(group))


def published(engine, kind, key):
    """What tills have of a thing: its record, ``None`` once it is gone."""
    with reading(engine) as session:
        row = session.scalar(
            select(feed.FeedRow).where(feed.FeedRow.kind == kind, feed.FeedRow.key == str(key))
        )
        assert row is not None, f"{kind} {key} was never published"
        return None if row.body is None else records.FEED_BODIES[kind].model_validate(row.body)


def actions(engine):
    with reading(engine) as session:
        return [row.action for row in session.scalars(select(audit.Audit))]


def test_a_new_diner_reaches_the_tills_with_nothing_in_his_wallets(engine, diner, group):
    record = published(engine, "diner", diner.id)
    assert (record.staff_no, record.name, record.department) == ("1001", "甲子", "办公室")
    assert record.group_id == group.id
    assert record.status is DinerStatus.ACTIVE
    assert (record.subsidy, record.cash) == (0, 0)
    assert record.pin_hash is None


def test_every_change_of_a_diner_is_published_and_written_to_the_audit_log(
    engine, actor, diner, group
):
    with writing(engine) as session:
        people.update_diner(session, actor, diner.id, values(group, name="丙寅"))
        people.set_status(session, actor, diner.id, DinerStatus.FROZEN)
    record = published(engine, "diner", diner.id)
    assert record.name == "丙寅"
    assert record.status is DinerStatus.FROZEN
    assert actions(engine)[-2:] == ["diner.update", "diner.status"]
    with reading(engine) as session:
        row = session.scalars(select(audit.Audit).where(audit.Audit.action == "diner.update")).one()
        assert row.before["name"] == "甲子"
        assert row.after["name"] == "丙寅"


def test_a_change_that_fails_leaves_neither_feed_nor_audit_behind(engine, actor, diner):
    before = actions(engine)

    def fail():
        with writing(engine) as session:
            people.set_status(session, actor, diner.id, DinerStatus.FROZEN)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert published(engine, "diner", diner.id).status is DinerStatus.ACTIVE
    assert actions(engine) == before


@pytest.mark.usefixtures("diner")
def test_a_staff_number_belongs_to_one_diner_of_a_site(engine, actor, group):
    with writing(engine) as session:
        other = people.create_diner(session, actor, values(group, "1002"))
    with pytest.raises(BadInputError, match="1001"), writing(engine) as session:
        people.create_diner(session, actor, values(group, "1001"))
    with pytest.raises(BadInputError, match="1001"), writing(engine) as session:
        people.update_diner(session, actor, other.id, values(group, "1001"))
    with reading(engine) as session:
        assert people.count_diners(session, actor.site_id) == 2


def test_the_rules_of_a_group_reach_the_tills(engine, actor, group):
    rules = groups.GroupValues(
        name="人才",
        discount_percent=10,
        meals={"lunch": {"subsidised_per_day": 1, "subsidy_cap": 800}},
        daily_limit=5000,
    )
    with writing(engine) as session:
        groups.update(session, actor, group.id, rules)
    record = published(engine, "group", group.id)
    assert record.discount_percent == 10
    assert record.meals["lunch"].subsidy_cap == 800
    assert record.daily_limit == 5000
    assert record.meal_limit is None


@pytest.mark.usefixtures("group")
def test_two_groups_never_share_a_name(engine, actor):
    with pytest.raises(BadInputError, match="干部职工"), writing(engine) as session:
        groups.create(session, actor, groups.GroupValues(name="干部职工"))


@pytest.mark.parametrize(
    ("model", "given", "word"),
    [
        (groups.GroupValues, {"name": ""}, "name"),
        (groups.GroupValues, {"name": "x", "discount_percent": 101}, "discount_percent"),
        (groups.GroupValues, {"name": "x", "meals": {"Lunch!": {}}}, "meals"),
        (groups.GroupValues, {"name": "x", "meal_limit": -1}, "meal_limit"),
        (people.DinerValues, {"staff_no": "1", "name": "x"}, "group_id"),
        (people.DinerValues, {"staff_no": "1 2", "name": "x"}, "staff_no"),
        (people.DinerValues, {"staff_no": "1", "name": "x", "status": "active"}, "status"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(model, given, word):
    with pytest.raises(BadInputError, match=word):
        read_values(model, given)


def test_a_site_neither_sees_nor_changes_the_people_of_another(engine, stranger, diner, group):
    with writing(engine) as session:
        assert people.find_diner(session, stranger.site_id, "1001") is None
        assert people.page_diners(session, stranger.site_id) == []
        assert groups.all_of(session, stranger.site_id) == []
        for act in (
            lambda: people.get_diner(session, stranger.site_id, diner.id),
            lambda: people.update_diner(session, stranger, diner.id, values(group)),
            lambda: people.set_status(session, stranger, diner.id, DinerStatus.FROZEN),
            lambda: people.set_pin(session, stranger, diner.id, PIN),
            lambda: cards.assign(session, stranger, diner.id, "A001"),
            lambda: leaving.leave(session, stranger, diner.id),
            lambda: people.create_diner(session, stranger, values(group)),
            lambda: groups.get(session, stranger.site_id, group.id),
        ):
            with pytest.raises(BadInputError, match="no such"):
                act()


def test_a_pin_is_kept_only_as_a_hash_and_fits_only_itself(engine, actor, diner, stored):
    with writing(engine) as session:
        people.set_pin(session, actor, diner.id, PIN)
        row = people.get_diner(session, actor.site_id, diner.id)
        assert people.pin_fits(row, PIN)
        assert not people.pin_fits(row, "135792")
    record = published(engine, "diner", diner.id)
    assert record.pin_hash.startswith("$argon2id$")
    everything = stored()
    assert str(diner.id).encode() in everything
    assert PIN.encode() not in everything


def test_a_reset_pin_fits_nothing(engine, actor, diner):
    with writing(engine) as session:
        people.set_pin(session, actor, diner.id, PIN)
        people.set_pin(session, actor, diner.id, None)
        assert not people.pin_fits(people.get_diner(session, actor.site_id, diner.id), PIN)
    assert published(engine, "diner", diner.id).pin_hash is None


@pytest.mark.parametrize(
    "pin", ["", "12345", "1234567", "24681o", "２４６８１０", "111111", "123456"]
)
def test_a_pin_of_other_than_six_good_digits_is_refused(engine, actor, diner, pin):
    with pytest.raises(BadInputError, match="PIN"), writing(engine) as session:
        people.set_pin(session, actor, diner.id, pin)


def test_a_qr_code_of_the_diner_is_read_back_only_with_the_site_key(diner):
    key = crypto.new_key()
    text = people.qr_text(key, diner.id)
    assert crypto.read_qr(key, text) == diner.id
    assert crypto.read_qr(crypto.new_key(), text) is None


def test_a_card_is_published_lost_found_and_never_given_to_two(engine, actor, diner, group):
    with writing(engine) as session:
        other = people.create_diner(session, actor, values(group, "1002"))
        cards.assign(session, actor, diner.id, " 00 12ab ")
    assert published(engine, "card", "0012AB").diner_id == diner.id
    with writing(engine) as session:
        cards.report_lost(session, actor, "0012ab")
    assert published(engine, "card", "0012AB").status is CardStatus.LOST
    with writing(engine) as session, pytest.raises(BadInputError, match="甲子"):
        cards.assign(session, actor, other.id, "0012AB")
    with writing(engine) as session:
        cards.found(session, actor, "0012AB")
    assert published(engine, "card", "0012AB").status is CardStatus.ACTIVE
    with writing(engine) as session:
        cards.take_back(session, actor, "0012AB")
        assert published(engine, "card", "0012AB") is not None, "not before the transaction ends"
        cards.assign(session, actor, other.id, "0012AB")
    assert published(engine, "card", "0012AB").diner_id == other.id


def test_a_replaced_card_is_refused_from_then_on(engine, actor, diner):
    with writing(engine) as session:
        cards.assign(session, actor, diner.id, "OLD1")
        cards.replace(session, actor, "OLD1", "NEW1")
        assert [card.number for card in cards.cards_of(session, diner.id)] == ["NEW1", "OLD1"]
    assert published(engine, "card", "OLD1").status is CardStatus.LOST
    assert published(engine, "card", "NEW1").status is CardStatus.ACTIVE
    with pytest.raises(BadInputError, match="lost one"), writing(engine) as session:
        cards.replace(session, actor, "NEW1", "new1")


@pytest.mark.parametrize("text", ["", "12", "1" * 41, "12-34", "卡1234", "1234\x00"])
def test_what_is_no_card_number_is_refused(engine, actor, diner, text):
    with pytest.raises(BadInputError, match="card"), writing(engine) as session:
        cards.assign(session, actor, diner.id, text)


def test_lookalikes_know_of_each_other_and_are_forgotten_on_both_sides(engine, actor, diner, group):
    with writing(engine) as session:
        twin = people.create_diner(session, actor, values(group, "1002"))
        people.mark_lookalikes(session, actor, diner.id, twin.id)
        people.mark_lookalikes(session, actor, twin.id, diner.id)
    assert published(engine, "diner", diner.id).lookalikes == (twin.id,)
    assert published(engine, "diner", twin.id).lookalikes == (diner.id,)
    with writing(engine) as session:
        people.clear_lookalikes(session, actor, diner.id)
        people.publish_diner(session, diner.id)
    assert published(engine, "diner", diner.id).lookalikes == ()
    assert published(engine, "diner", twin.id).lookalikes == ()


def test_who_leaves_disappears_from_the_tills_with_his_cards_and_pin(engine, actor, diner):
    with writing(engine) as session:
        people.set_pin(session, actor, diner.id, PIN)
        cards.assign(session, actor, diner.id, "A001")
        leaving.leave(session, actor, diner.id)
    assert published(engine, "diner", diner.id) is None
    assert published(engine, "card", "A001") is None
    with reading(engine) as session:
        row = people.get_diner(session, actor.site_id, diner.id)
        assert row.status == DinerStatus.LEFT
        assert row.pin_hash is None
        assert people.count_diners(session, actor.site_id) == 0


def test_pages_of_diners_follow_one_another_and_searches_find_by_number_name_department(
    engine, actor, group
):
    with writing(engine) as session:
        for number in range(1001, 1012):
            department = "后勤" if number % 2 else "财务_%"
            people.create_diner(session, actor, values(group, str(number), department=department))
    with reading(engine) as session:
        seen = []
        while part := people.page_diners(
            session, actor.site_id, after=seen[-1] if seen else "", limit=4
        ):
            seen += [diner.staff_no for diner in part]
        assert seen == [str(number) for number in range(1001, 1012)]

        def found(**how):
            return len(people.page_diners(session, actor.site_id, **how))

        assert found(search="100") == 9
        assert found(search="后勤") == 6
        assert found(search="_%") == 5, "a search word is text, not a pattern"
        assert found(status=DinerStatus.FROZEN) == 0
        assert found(group_id=group.id) == 11
