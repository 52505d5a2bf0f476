"""Journals as no honest till writes them: damaged bytes, and lies that are properly signed.

Whatever arrives, the server answers without failing, its mark is where it says, the books are
right, and the next honest sale goes through.
"""

import base64
import json
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Engine

from dafan.db import reading
from dafan.ids import new_id
from dafan.journal import GENESIS, hash_entry
from dafan.records import ENTRY_BODIES, JournalPush, Sale, canonical
from server.terminals import Terminal
from server.verify import Report, verify_server
from tests.server.conftest import Till

NOW = "2026-03-02T04:00:00.000000Z"
"""The clock's noon."""
BOUNDED = settings(
    max_examples=25, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


class Liar:
    """A till whose key is good and whose words need not be."""

    def __init__(self, till: Till, engine: Engine, diner: UUID) -> None:
        self.till, self.engine, self.diner = till, engine, diner

    def mark(self) -> tuple[int, str]:
        with reading(self.engine) as session:
            row = session.get_one(Terminal, self.till.id)
            return row.applied_seq, row.applied_hash

    def signed(self, *told: tuple[str, Any, str], seq: int = 0, prev: str = "") -> dict[str, Any]:
        """A batch of ``(kind, body, at)`` that continues at the mark, hashed and signed."""
        mark, head = self.mark()
        seq, prev = seq or mark + 1, prev or head
        entries = []
        for kind, body, at in told:
            own = str(body.get("id")) if isinstance(body, dict) else ""
            entry_id = own if _is_uuid(own) else str(new_id())
            made = hash_entry(self.till.id, seq, UUID(entry_id), at, kind, body, prev)
            entries.append(
                {
                    "terminal_id": str(self.till.id), "seq": seq, "id": entry_id, "at": at,
                    "kind": kind, "body": body, "prev_hash": prev, "hash": made,
                }
            )  # fmt: skip
            seq, prev = seq + 1, made
        first, last = entries[0], entries[-1]
        message = b"dafan-journal-v1" + canonical(
            [str(self.till.id), first["seq"], first["prev_hash"], last["seq"], last["hash"]]
        )
        return {"entries": entries, "signature": _base64(self.till.identity.signing.sign(message))}

    def send(self, body: bytes | dict[str, Any]) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.till.client.post("/api/v1/journal", data=data, headers=self.till.headers())


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture
def liar(terminal: Till, engine: Engine, make_diner: Any) -> Liar:
    return Liar(terminal, engine, make_diner(cash=10**6))


@pytest.fixture
def honest(liar: Liar, make_sale: Any) -> Callable[[], dict[str, Any]]:
    """An honest sale at the mark."""

    def make() -> dict[str, Any]:
        return liar.signed(("sale", make_sale(liar.diner, 100).to_body(), NOW))

    return make


@pytest.fixture(autouse=True)
def _all_is_well_at_the_end(engine: Engine, liar: Liar, honest: Any) -> Iterator[None]:
    yield
    mark, _ = liar.mark()
    answer = liar.send(honest())
    assert (answer.status_code, answer.json["status"]) == (200, "ok"), answer.text
    assert [row["outcome"] for row in answer.json["outcomes"]] == ["applied"]
    assert answer.json["applied_seq"] == mark + 1
    with reading(engine) as session:
        report = Report()
        verify_server(session, report)
    assert not report.faults, [fault.what for fault in report.faults]
    page = liar.till.feed()
    assert page["applied_seq"] == mark + 1


def refused(liar: Liar, data: bytes) -> None:
    before = liar.mark()
    answer = liar.send(data)
    assert answer.status_code == 400, answer.text
    assert answer.json["code"] in {"bad_batch", "bad_request"}
    assert liar.mark() == before


@BOUNDED
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_bit_that_flips_on_the_way_never_changes_what_is_booked(
    liar: Liar, honest: Callable[[], dict[str, Any]], at: float, bit: int
) -> None:
    batch = honest()
    data = bytearray(canonical(batch))
    data[int(at * len(data))] ^= 1 << bit
    before = liar.mark()
    answer = liar.send(bytes(data))
    if answer.status_code == 200:  # 0x20 more in a hexadecimal digit of an id means the same id
        assert answer.json["applied_hash"] in {before[1], batch["entries"][0]["hash"]}
        assert answer.json["outcomes"][0]["outcome"] == "applied"
    else:
        assert answer.status_code == 400, answer.text
        assert liar.mark() == before


@BOUNDED
@given(share=st.floats(0, 1, exclude_max=True), tail=st.binary(max_size=40))
def test_a_batch_that_breaks_off_is_refused(
    liar: Liar, honest: Callable[[], dict[str, Any]], share: float, tail: bytes
) -> None:
    data = canonical(honest())
    refused(liar, data[: int(share * len(data))] + tail)


HOSTILE_JSON = {
    "nothing": b"",
    "null": b"null",
    "a number": b"1e999",
    "NaN": b'{"entries": [NaN], "signature": ""}',
    "an integer of a million digits": b'{"entries": [%s], "signature": ""}' % (b"9" * 10**6),
    "a hundred thousand brackets": b"[" * 10**5,
    "a hundred thousand objects": b'{"entries":' * 10**5,
    "a null byte": b"\0",
    "utf-16": '{"entries": []}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "half of a surrogate": b'{"entries": [], "signature": "\\ud800"}',
    "half of a surrogate as a key": b'{"\\udfff": 1}',
    "not utf-8": b'{"entries": "\xff\xfe"}',
    "an array": b"[]",
    "strings": b'{"entries": "abc", "signature": {}}',
    "two hundred thousand fields": b"{" + b",".join(b'"%d": 1' % i for i in range(200_000)) + b"}",
    "half a million entries": b'{"signature": "", "entries": [' + b"{}," * 500_000 + b"{}]}",
    "a gzip": b"\x1f\x8b\x08" + bytes(100),
}


def test_what_is_no_batch_at_all_is_refused(liar: Liar, subtests: Any) -> None:
    for what, data in HOSTILE_JSON.items():
        with subtests.test(msg=what):
            refused(liar, data)


def test_more_than_four_megabytes_are_not_read(liar: Liar) -> None:
    before = liar.mark()
    answer = liar.send(b" " * (4 * 2**20 + 1))
    assert (answer.status_code, liar.mark()) == (413, before)


def test_a_field_that_comes_twice_never_slips_past_the_hash(
    liar: Liar, honest: Callable[[], dict[str, Any]]
) -> None:
    text = canonical(honest())
    refused(liar, text.replace(b'"total":100', b'"total":100,"total":1'))
    refused(liar, text.replace(b'"entries":[', b'"entries":[],"entries":[{},'))


MOMENTS = [
    "0001-01-01T00:00:00.000000Z", "0999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.000000Z",
    "2038-01-19T03:14:08.000000Z", "9999-12-31T23:59:59.999999Z", "2026-03-02T04:00:00.000000Z",
]  # fmt: skip
NUMBERS = [
    0, 1, -1, 10**9, 10**9 + 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 10**4000,
]  # fmt: skip
TEXTS = [
    "", "\0", "a\0b", "\u202e", "x" * 10**5, "'; DROP TABLE sale; --", "{{ 7 * 7 }}", "=1+1",
    "\r\nSet-Cookie: a=b", "💥" * 50, "\ufffe", "../../etc/passwd",
]  # fmt: skip
WHATEVER = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(TEXTS),
        st.sampled_from(MOMENTS), st.text(max_size=20), st.integers(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)  # fmt: skip


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@st.composite
def changes(draw: st.DrawFn) -> Callable[[Any], Any]:
    """Changes one value somewhere in a body."""
    steps = draw(st.lists(st.integers(0, 30), min_size=1, max_size=3))
    value = draw(WHATEVER)
    drop = draw(st.integers(0, 9)) == 0

    def change(body: Any) -> Any:
        body = json.loads(json.dumps(body))
        part = body
        for number, step in enumerate(steps):
            keys = sorted(part) if isinstance(part, dict) else list(range(len(part)))
            if not keys:
                break
            key = keys[step % len(keys)]
            if number + 1 == len(steps) or not isinstance(part[key], dict | list):
                if drop:
                    del part[key]
                else:
                    part[key] = value
                break
            part = part[key]
        return body

    return change


def told(liar: Liar, *entries: tuple[str, Any, str]) -> None:
    """Send lies that are signed: they are taken in and judged, or refused with a word."""
    seq, _ = liar.mark()
    try:
        batch = liar.signed(*entries)
    except ValueError:  # floats and surrogates have no canonical bytes: nobody can sign them
        return
    answer = liar.send(batch)
    if answer.status_code == 200:
        assert answer.json["status"] == "ok", answer.text
        assert len(answer.json["outcomes"]) == len(entries)
        assert liar.mark()[0] == answer.json["applied_seq"] == seq + len(entries)
    else:
        assert answer.status_code == 400, answer.text
        assert answer.json["code"] in {"bad_batch", "bad_request"}
        assert liar.mark()[0] == seq


@settings(BOUNDED, max_examples=40)
@given(change=changes(), kind=st.sampled_from([*ENTRY_BODIES] + ["sale"] * 5), again=changes())
def test_a_signed_lie_in_any_field_breaks_neither_the_books_nor_the_queue(
    liar: Liar, make_sale: Any, change: Any, kind: str, again: Any
) -> None:
    sale = make_sale(liar.diner, 100).to_body()
    told(liar, (kind, change(sale), NOW), ("sale", again(sale), NOW), ("sale", sale, NOW))


def body_of(liar: Liar, make_sale: Any, kind: str) -> dict[str, Any]:
    """A body of a kind that is right in itself."""
    own, other = str(new_id()), str(new_id())
    day = NOW[:10]
    return {
        "sale": make_sale(liar.diner, 100).to_body(),
        "notice": {"code": "paper_out", "detail": "x"},
        "erasure": {"template_id": own, "diner_id": str(liar.diner), "erased_at": NOW},
        "void": {
            "id": own, "sale_id": other, "business_date": day, "total": 100, "reason": "x",
            "staff_id": other, "at": NOW,
        },
        "shift": {
            "id": own, "business_date": day, "opened_at": NOW, "closed_at": NOW, "first_seq": 1,
            "last_seq": 1, "sales": 1, "voids": 0, "subsidy": 0, "cash": 100, "drawer": 0,
            "counted": 0, "staff_id": other, "note": "",
        },
        "plate": {"id": own, "diner_id": str(liar.diner), "by": "card", "grams": 500, "at": NOW},
        "scoop": {
            "id": own, "station": 1, "pan_id": other, "tray": "E2801170", "session_id": None,
            "dish_id": other, "name": "x", "unit_price": 3980, "grams": 150, "amount": 597,
            "before": 6000, "after": 5850, "steady": True, "at": NOW,
        },
        "pan": {
            "id": own, "station": 1, "pan_id": other, "kind": "unpaid", "before": 6000,
            "after": 5900, "trays": [], "staff": None, "at": NOW,
        },
        "tray_bound": {
            "id": own, "tray": "E2801170", "diner_id": str(liar.diner), "by": "card", "at": NOW,
        },
        "tray_ended": {
            "id": own, "tray": "E2801170", "session_id": None, "how": "exit", "at": NOW,
        },
    }[kind]  # fmt: skip


@pytest.mark.parametrize("kind", ENTRY_BODIES)
def test_a_signed_lie_of_every_kind_is_taken_in_and_judged(
    liar: Liar, make_sale: Any, kind: str
) -> None:
    @settings(BOUNDED, max_examples=12)
    @given(change=changes())
    def each(change: Any) -> None:
        told(liar, (kind, change(body_of(liar, make_sale, kind)), NOW))

    each()


def test_a_clock_that_is_centuries_wrong_stops_nothing(liar: Liar, make_sale: Any) -> None:
    for kind, at in product(ENTRY_BODIES, MOMENTS):
        _at_another_time(liar, kind, body_of(liar, make_sale, kind), at)


def _at_another_time(liar: Liar, kind: str, body: dict[str, Any], at: str) -> None:
    late = {
        name: at if name.endswith("at") else at[:10] if name == "business_date" else value
        for name, value in body.items()
    }
    told(liar, (kind, late, NOW))
    told(liar, (kind, body | {"id": str(new_id())} if "id" in body else body, at))


def test_a_moment_that_is_none_in_utc_is_refused(liar: Liar, honest: Any) -> None:
    for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):
        batch = honest()
        batch["entries"][0]["at"] = at
        refused(liar, canonical(batch))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("business_date", 0), ("business_date", "2026-03-02T00:00:00"), ("subsidised", "off"),
        ("id", "braces"), ("paid_at", "2026-03-02T12:00:00+08:00"),
    ],
)  # fmt: skip
def test_what_is_read_with_good_will_only_is_not_booked(
    liar: Liar, make_sale: Any, field: str, value: Any
) -> None:
    sale = make_sale(liar.diner, 100).to_body()
    sale[field] = f"{{{sale['id']}}}" if value == "braces" else value
    answer = liar.send(liar.signed(("sale", sale, NOW)))
    assert [row["outcome"] for row in answer.json["outcomes"]] == ["parked"]


def test_no_amount_is_too_large_to_be_judged(liar: Liar, make_sale: Any) -> None:
    for fen in NUMBERS:
        _of_amount(liar, make_sale(liar.diner, 100).to_body(), fen)


def _of_amount(liar: Liar, sale: dict[str, Any], fen: int) -> None:
    line = sale["lines"][0] | {"amount": fen, "unit_price": fen}
    paid = [{"source": "cash", "amount": fen}]
    told(
        liar,
        (
            "sale",
            sale | {"lines": [line], "list_total": fen, "total": fen, "payments": paid},
            NOW,
        ),
        ("sale", sale | {"id": str(new_id()), "snapshot_version": fen}, NOW),
    )


def test_a_body_a_thousand_objects_deep_is_judged(liar: Liar) -> None:
    for levels in (50, 150, 300, 900):
        told(liar, ("notice", deep(levels), NOW))


def test_of_a_flood_of_faults_one_is_told(liar: Liar, make_sale: Any) -> None:
    """To tell all of them takes half a minute, and holds the books meanwhile."""
    sale = make_sale(liar.diner, 100).to_body()
    flood = {str(number): 1 for number in range(10_000)}
    for evil in (sale | flood, sale | {"lines": [{}] * 10_000}, sale | {"payments": [{}] * 10_000}):
        with pytest.raises(ValidationError) as refused:
            Sale.model_validate(evil)
        assert refused.value.error_count() < 20
    for batch in ({"entries": [{}] * 10_000, "signature": ""}, {"entries": [flood]}, flood):
        with pytest.raises(ValidationError) as refused:
            JournalPush.model_validate(batch)
        assert refused.value.error_count() < 20


def test_whoever_has_no_right_yet_sends_little(client: FlaskClient) -> None:
    answer = client.post("/api/v1/terminals/enrol", data=b" " * 140_000)
    assert answer.status_code == 413


def test_a_replay_from_another_terminal_is_refused(
    liar: Liar, honest: Callable[[], dict[str, Any]], make_till: Any
) -> None:
    other = make_till()
    data = canonical(honest())
    answer = liar.till.client.post("/api/v1/journal", data=data, headers=other.headers())
    assert (answer.status_code, answer.json["code"]) == (400, "bad_batch")
    headers = liar.till.headers() | {"Authorization": "Bearer x"}
    answer = liar.till.client.post("/api/v1/journal", data=data, headers=headers)
    assert answer.status_code == 401
    assert liar.mark() == (0, GENESIS)


def test_another_past_signed_by_the_same_key_is_kept_aside(
    liar: Liar, honest: Callable[[], dict[str, Any]], make_sale: Any
) -> None:
    for _ in range(3):
        liar.send(honest())
    before = liar.mark()
    for seq in (1, 2, 3):
        sale = make_sale(liar.diner, 10**9).to_body()
        answer = liar.send(liar.signed(("sale", sale, NOW), seq=seq, prev=GENESIS))
        assert (answer.status_code, answer.json["status"]) == (200, "fork")
    answer = liar.send(liar.signed(("sale", sale, NOW), seq=4, prev="f" * 64))
    assert (answer.status_code, answer.json["status"]) == (200, "fork")
    answer = liar.send(liar.signed(("sale", sale, NOW), seq=2**62, prev="f" * 64))
    assert (answer.status_code, answer.json["status"]) == (200, "gap")
    assert liar.mark() == before
