import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.gallery import NOBODY, Gallery, random_unit


def filled(vectors, people):
    gallery = Gallery(vectors.shape[1])
    gallery.replace_all(
        (f"t{n}", str(p), v) for n, (v, p) in enumerate(zip(vectors, people, strict=True))
    )
    return gallery


def by_numpy(vectors, people, query, allowed=None):
    """The answer of a full search in double precision."""
    query = query.astype(np.float64) / np.linalg.norm(query)
    similarities = vectors.astype(np.float64) @ query
    best = {}
    for person, similarity in zip(people, similarities, strict=True):
        if allowed is None or str(person) in allowed:
            best[str(person)] = max(best.get(str(person), -2.0), similarity)
    ranked = sorted(best.items(), key=lambda pair: -pair[1])
    return ranked + [(None, -1.0)] * (2 - len(ranked))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 400),
    people=st.integers(1, 60),
    dim=st.sampled_from([8, 128, 512]),
    spread=st.sampled_from([0.02, 0.3, 1.0]),
    narrow=st.booleans(),
)
def test_the_search_answers_as_a_full_search_in_double_precision(
    seed, count, people, dim, spread, narrow
):
    rng = np.random.default_rng(seed)
    vectors = random_unit(count, dim, rng)
    if narrow:  # as dlib's space, where all faces are alike
        vectors = vectors * 0.3 + 1 / np.sqrt(dim)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    owners = rng.integers(people, size=count)
    gallery = filled(vectors, owners)
    query = vectors[rng.integers(count)] + spread * random_unit(1, dim, rng)[0]
    found = gallery.search(query)
    (first, s1), (second, s2) = by_numpy(vectors, owners, query)[:2]
    assert found.person_id == first
    assert found.second_id == second
    assert found.similarity == pytest.approx(s1, abs=1e-6)
    assert found.second_similarity == pytest.approx(s2, abs=1e-6)


def test_only_people_on_the_roster_are_found(rng):
    vectors, owners = random_unit(300, 128, rng), np.arange(300)
    gallery = filled(vectors, owners)
    roster = frozenset(str(n) for n in range(0, 300, 3))
    for kind in (roster, set(roster)):
        found = gallery.search(vectors[1], kind)
        (first, s1), (second, _) = by_numpy(vectors, owners, vectors[1], roster)[:2]
        assert (found.person_id, found.second_id) == (first, second)
        assert found.similarity == pytest.approx(s1, abs=1e-6)
    assert gallery.search(vectors[1], frozenset()) == NOBODY
    gallery.add("late", "3", vectors[1])
    assert gallery.search(vectors[1], roster).person_id == "3"


def test_a_removed_template_is_never_found_again(rng):
    vectors = random_unit(50, 128, rng)
    gallery = filled(vectors, np.arange(50))
    for n in rng.permutation(50):
        assert gallery.search(vectors[n]).person_id == str(n)
        assert gallery.remove(f"t{n}")
        assert gallery.search(vectors[n]).person_id != str(n)
        assert not gallery.remove(f"t{n}")
    assert gallery.search(vectors[0]) == NOBODY
    assert not gallery._vectors.any(), "erased faces must not stay in memory"
    assert not gallery._bytes.any()


def test_adding_under_a_known_id_replaces_the_template(rng):
    a, b = random_unit(2, 128, rng)
    gallery = Gallery(128)
    gallery.add("t", "one", a)
    gallery.add("t", "two", b)
    assert len(gallery) == 1
    assert gallery.search(b).person_id == "two"
    assert gallery.search(a).similarity < 0.9


def test_the_gallery_grows_beyond_its_first_room(rng):
    vectors = random_unit(3000, 16, rng)
    gallery = Gallery(16)
    for n, vector in enumerate(vectors):
        gallery.add(str(n), str(n), vector)
    for n in (0, 1023, 1024, 2999):
        assert gallery.search(vectors[n]).person_id == str(n)


def test_the_second_best_is_another_person_not_another_template(rng):
    a, b = random_unit(2, 128, rng)
    near = a + 0.05 * b
    gallery = filled(np.stack([a, near / np.linalg.norm(near), b]), ["x", "x", "y"])
    found = gallery.search(a)
    assert (found.person_id, found.second_id) == ("x", "y")


def test_a_single_person_has_no_second(rng):
    vectors = random_unit(1, 128, rng)
    found = filled(vectors, ["x"]).search(vectors[0])
    assert (found.person_id, found.second_id, found.second_similarity) == ("x", None, -1.0)


@pytest.mark.parametrize("vector", [np.zeros(8), np.full(8, np.nan), np.ones(7)])
def test_a_vector_that_is_no_direction_of_this_space_is_refused(vector):
    with pytest.raises(ValueError, match="vector"):
        Gallery(8).add("t", "p", vector)


def test_duplicates_are_all_people_above_the_threshold(rng):
    vectors = random_unit(500, 16, rng)
    gallery = filled(vectors, np.arange(500) // 2)
    expected = {p for p, s in by_numpy(vectors, np.arange(500) // 2, vectors[3]) if p and s >= 0.5}
    found = gallery.duplicates(vectors[3], 0.5)
    assert {person for person, _ in found} == expected
    assert found[0] == ("1", pytest.approx(1.0, abs=1e-5))


def test_nearest_pairs_name_each_pair_of_people_once(rng):
    vectors = random_unit(200, 16, rng)
    owners = np.arange(200) // 2
    pairs = filled(vectors, owners).nearest_pairs(0.6, block=64)
    cosines = vectors @ vectors.T
    expected = {
        tuple(sorted((int(owners[i]), int(owners[j]))))
        for i, j in np.argwhere(cosines >= 0.6)
        if owners[i] != owners[j]
    }
    assert {tuple(sorted((int(a), int(b)))) for a, b, _ in pairs} == expected
    assert len(pairs) == len(expected)


def test_a_reader_beside_a_writer_always_finds_those_who_stay(rng):
    stay, come_and_go = random_unit(20, 64, rng), random_unit(200, 64, rng)
    gallery = filled(stay, np.arange(20))
    stop = threading.Event()

    def write():
        while not stop.is_set():
            for n, vector in enumerate(come_and_go):
                gallery.add(f"g{n}", f"guest{n}", vector)
            for n in range(len(come_and_go)):
                gallery.remove(f"g{n}")

    writer = threading.Thread(target=write)
    writer.start()
    wrong = [n for n in range(400) if gallery.search(stay[n % 20]).person_id != str(n % 20)]
    stop.set()
    writer.join()
    assert not wrong
