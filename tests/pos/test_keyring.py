"""Site keys by epoch: they come sealed, survive a restart, and go when nothing needs them."""

import os
import stat
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from conftest_pos import NOON, item
from test_store import make_sale

from dafan.clock import ManualClock
from dafan.crypto import Identity, SealError, make_qr, new_key, seal, seal_to
from dafan.desk import SiteKey
from dafan.records import FeedPage, Template, Tender
from pos.keyring import QR_GRACE, KeyRing, key_file, write_private
from pos.store import TillStore
from vision.gallery import Gallery

FIRST, SECOND = new_key(), new_key()
VECTOR = np.eye(1, 8, dtype="<f4")[0]


@pytest.fixture
def clock():
    return ManualClock(NOON)


@pytest.fixture
def identity():
    return Identity.create()


@pytest.fixture
def gallery():
    return Gallery(8)


@pytest.fixture
def open_store(canteen, clock, identity, gallery, tmp_path):
    write_private(key_file(tmp_path, 1), FIRST)
    opened = []

    def start():
        ring = KeyRing.load(tmp_path, identity)
        store = TillStore(tmp_path / "till.db", canteen.terminal_id, ring, clock, gallery, "test")
        opened.append(store)
        return store

    yield start
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store, canteen):
    store = open_store()
    store.apply_feed_page(canteen.page())
    return store


def sealed_key(identity, key=SECOND, epoch=2):
    return SiteKey(epoch=epoch, sealed=seal_to(identity.box_public, key, "site key"))


def template_of(diner, key, epoch, template_id=None):
    template_id = template_id or uuid4()
    sealed = seal(key, VECTOR.tobytes(), f"template:{template_id}")
    return Template(
        id=template_id, diner_id=diner.id, pack="test", consent_version="2026-02", sealed=sealed,
        epoch=epoch,
    )  # fmt: skip


def give(store, *parts):
    since = store.feed_version()
    items = tuple(item(*part, since + 1) for part in parts)
    page = FeedPage(since=since, version=since + 1, items=items, more=False, server_time=NOON)
    store.apply_feed_page(page)


def known(gallery, diner):
    return gallery.search(VECTOR.astype(np.float32)).person_id == diner.id


def test_a_new_key_comes_through_the_feed_and_survives_a_restart(
    store, open_store, identity, canteen, tmp_path
):
    give(store, ("site_key", str(canteen.terminal_id), sealed_key(identity)))
    for each in (store, open_store()):
        assert each.keys.epochs() == [1, 2]
        assert each.keys.key(2) == SECOND
    assert stat.S_IMODE(key_file(tmp_path, 2).stat().st_mode) == 0o600


def test_a_till_killed_before_the_key_was_in_its_file_opens_it_at_the_next_start(
    store, open_store, identity, canteen, tmp_path
):
    give(store, ("site_key", str(canteen.terminal_id), sealed_key(identity)))
    key_file(tmp_path, 2).unlink()
    assert open_store().keys.key(2) == SECOND


def test_a_template_waits_for_its_key_and_is_taken_when_it_comes(
    store, identity, canteen, gallery, caplog
):
    diner = canteen.diner()
    template = template_of(diner, SECOND, 2)
    give(store, ("template", str(template.id), template))
    assert len(gallery) == 0
    assert caplog.records == []
    give(store, ("site_key", str(canteen.terminal_id), sealed_key(identity)))
    assert known(gallery, diner)


def test_a_template_that_is_sealed_anew_stays_known(store, identity, canteen, gallery):
    diner = canteen.diner()
    template = template_of(diner, FIRST, 1)
    give(store, ("template", str(template.id), template))
    give(store, ("site_key", str(canteen.terminal_id), sealed_key(identity)))
    assert known(gallery, diner)
    again = template_of(diner, SECOND, 2, template.id)
    give(store, ("template", str(template.id), again))
    assert known(gallery, diner)
    assert len(gallery) == 1


def test_a_key_for_another_terminal_is_none_of_ours(store, identity, canteen):
    give(store, ("site_key", str(uuid4()), sealed_key(identity)))
    assert store.keys.epochs() == [1]
    give(store, ("site_key", str(canteen.terminal_id), sealed_key(Identity.create())))
    assert store.keys.epochs() == [1]
    assert store.journal.read(0)[-1].body["code"] == "site_key_unusable"


def test_an_epoch_that_a_restored_server_gives_again_is_taken_with_its_new_key(
    store, identity, canteen, gallery, tmp_path
):
    give(store, ("site_key", str(canteen.terminal_id), sealed_key(identity)))
    other = new_key()
    give(store, ("site_key", str(canteen.terminal_id), sealed_key(identity, other)))
    diner = canteen.diner()
    template = template_of(diner, other, 2)
    give(store, ("template", str(template.id), template))
    assert known(gallery, diner)
    assert key_file(tmp_path, 2).read_bytes() == other


def test_qr_codes_of_every_kept_epoch_are_read(store, identity, canteen):
    diner_id = uuid4()
    give(store, ("site_key", str(canteen.terminal_id), sealed_key(identity)))
    for key in (FIRST, SECOND):
        assert store.keys.read_qr(make_qr(key, diner_id)) == diner_id
    assert store.keys.read_qr(make_qr(new_key(), diner_id)) is None


def test_an_old_key_goes_when_no_template_no_picture_and_no_paper_needs_it(
    store, identity, canteen, clock, tmp_path
):
    diner = canteen.diner()
    template = template_of(diner, FIRST, 1)
    give(store, ("template", str(template.id), template), ("diner", str(diner.id), diner))
    sale = make_sale(canteen, diner, Tender.FACE)
    store.commit_sale(sale, None, store.evidence.seal(sale, b"\xff\xd8jpeg"))
    give(store, ("site_key", str(canteen.terminal_id), sealed_key(identity)))
    os.utime(key_file(tmp_path, 2), (NOON.timestamp(), NOON.timestamp()))
    left = []
    for days in (1, 28, 2):
        clock.advance(timedelta(days=days).total_seconds())
        while store.tidy(clock.now()):
            pass
        left.append(store.keys.epochs())
    assert left == [[1, 2]] * 3
    give(store, ("template", str(template.id), template_of(diner, SECOND, 2, template.id)))
    store.tidy(clock.now())
    assert store.keys.epochs() == [2]
    assert not key_file(tmp_path, 1).exists()
    assert timedelta(days=30) == QR_GRACE


def test_a_till_without_keys_or_with_a_damaged_one_says_so(tmp_path, identity):
    with pytest.raises(SealError, match="enrol it anew"):
        KeyRing.load(tmp_path, identity)
    key_file(tmp_path, 3).write_bytes(b"short")
    with pytest.raises(SealError, match="damaged"):
        KeyRing.load(tmp_path, identity)


def test_a_till_enrolled_after_a_rotation_keeps_the_key_under_its_epoch(tmp_path, identity):
    write_private(key_file(tmp_path, 7), SECOND)
    ring = KeyRing.load(tmp_path, identity)
    assert (ring.newest, ring.key(7), ring.key(1)) == (7, SECOND, None)
