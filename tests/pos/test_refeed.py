"""A server that came back from a backup: the till shows what the server has, and nothing else."""

from uuid import uuid4

import numpy as np
import pytest
from conftest_pos import NOON, item
from test_store import KEY, make_template

from dafan.clock import ManualClock
from dafan.records import FEED_LINE, FeedPage
from pos.store import TillStore
from vision.gallery import Gallery


@pytest.fixture
def gallery():
    return Gallery(8)


@pytest.fixture
def open_store(canteen, gallery, tmp_path):
    opened = []

    def start():
        clock = ManualClock(NOON)
        store = TillStore(tmp_path / "till.db", canteen.terminal_id, KEY, clock, gallery, "test")
        opened.append(store)
        return store

    yield start
    for store in opened:
        store.close()


def page_of(parts, since, version, *, more=False):
    items = tuple(item(*part, version=version) for part in parts)
    return FeedPage(since=since, version=version, items=items, more=more, server_time=NOON)


class Known:
    """A till at version 50 with two diners, one of whom has a face."""

    def __init__(self, store, canteen):
        self.store, self.canteen = store, canteen
        self.old, self.new = canteen.diner(), canteen.diner(staff_no="1002")
        self.template = make_template(self.new)
        store.apply_feed_page(
            canteen.page(
                ("diner", str(self.old.id), self.old), ("diner", str(self.new.id), self.new),
                ("template", str(self.template.id), self.template), version=50,
            )
        )  # fmt: skip

    def has(self):
        return [self.store.account(each.id, NOON) is not None for each in (self.old, self.new)]


@pytest.fixture
def known(open_store, canteen):
    return Known(open_store(), canteen)


def test_what_the_restored_server_does_not_have_goes(known, gallery):
    canteen, store = known.canteen, known.store
    first = canteen.page(("diner", str(known.old.id), known.old), since=50, version=20)
    store.apply_feed_page(first)
    assert known.has() == [True, False]
    assert len(gallery) == 0
    assert (store.feed_version(), store.catalogue.ready) == (20, True)
    assert [e.kind for e in store.journal.read(0)] == ["erasure"]


def test_until_the_last_page_the_till_goes_on_with_what_it_has(known, open_store, canteen):
    store = known.store
    first = canteen.page(since=50, version=10).model_copy(update={"more": True})
    store.apply_feed_page(first)
    assert known.has() == [True, True]
    known.store = open_store()
    last = page_of([("diner", str(known.old.id), known.old)], 10, 20)
    known.store.apply_feed_page(last)
    assert known.has() == [True, False]
    assert known.store.catalogue.ready


def test_a_server_that_fails_again_on_the_way_is_begun_anew(known, canteen):
    store = known.store
    first = canteen.page(("diner", str(known.new.id), known.new), since=50, version=10)
    store.apply_feed_page(first.model_copy(update={"more": True}))
    again = canteen.page(("diner", str(known.old.id), known.old), since=10, version=5)
    store.apply_feed_page(again)
    assert known.has() == [True, False]


def test_the_feed_can_be_asked_for_anew_and_an_older_question_counts_no_more(known, canteen):
    store = known.store
    store.restart_feed()
    assert (store.feed_version(), known.has()) == (0, [True, True])
    late = page_of([("diner", str(uuid4()), canteen.diner(staff_no="7"))], 50, 51)
    store.apply_feed_page(late)
    assert (store.feed_version(), store.diner_of_staff_no("7")) == (0, None)
    first = canteen.page(("diner", str(known.new.id), known.new), version=60)
    store.apply_feed_page(first.model_copy(update={"more": True}))
    store.restart_feed()
    assert store.feed_version() == 60
    store.apply_feed_page(page_of([], 60, 61))
    assert known.has() == [False, True]
    store.apply_feed_page(page_of([("diner", str(known.old.id), known.old)], 61, 62))
    assert known.has() == [True, True]


def test_a_face_that_comes_again_stays_known_without_a_break(known, gallery, canteen):
    parts = (
        ("diner", str(known.new.id), known.new),
        ("template", str(known.template.id), known.template),
    )
    known.store.apply_feed_page(canteen.page(*parts, since=50, version=20))
    found = gallery.search(np.eye(1, 8, dtype=np.float32)[0])
    assert found.person_id == known.new.id
    assert known.store.journal.head()[0] == 0


def test_a_restored_server_that_has_overtaken_the_till_is_known_by_its_versions(known):
    server = FEED_LINE + 60
    old = ("diner", str(known.old.id), known.old)
    again = known.canteen.page(old, since=50, version=server)
    known.store.apply_feed_page(again)
    assert known.has() == [True, False]
    assert known.store.feed_version() == server
    assert [entry.kind for entry in known.store.journal.read(0)] == ["erasure"]


def test_the_pages_of_another_line_are_one_whole(known):
    old = ("diner", str(known.old.id), known.old)
    first = known.canteen.page(old, since=50, version=FEED_LINE + 1)
    known.store.apply_feed_page(first.model_copy(update={"more": True}))
    assert known.has() == [True, True]
    rest = page_of([("diner", str(known.new.id), known.new)], FEED_LINE + 1, FEED_LINE + 2)
    known.store.apply_feed_page(rest)
    assert known.has() == [True, True]
    assert [entry.kind for entry in known.store.journal.read(0)] == ["erasure"]
