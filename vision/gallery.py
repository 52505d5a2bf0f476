"""Who is it: exact search among all enrolled vectors.

Reading 50,000 x 128 float32 takes 2 ms on one core, because memory gives no more. So a first pass
runs over 8-bit copies, a quarter of the bytes, and gives every similarity to within a proved error;
the few templates that could be first or second by that error are then compared in full precision.
The answer is that of the full search, not an approximation.
"""

import threading
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from vision.embed import unit
from vision.session import open_session

Id = UUID | str
Vector = npt.NDArray[np.float32]

_STEP = np.float32(0.5 / 127)
"""What one unit of an 8-bit number stands for. Larger parts of a vector are cut to 0.5; the error
that is proved for each row counts that in, so it costs time, never exactness."""
_QUERY_LEVELS = 63
"""Products of 7-bit queries and 8-bit rows never saturate the 16-bit sums of older processors."""
_OUT = np.int32(np.iinfo(np.int32).min)
"""The rough similarity of a row that is not asked about."""
_ROUNDING = 1e-5
"""Slack for float32 arithmetic; similarities are at most 1."""
_GROWTH = 1.25
_FIRST = 1024


@dataclass(frozen=True)
class Match:
    """The most similar person, and the next one.

    Attributes:
        person_id: ``None`` where the gallery, or the roster, is empty.
        similarity: Cosine, -1 to 1.
        second_id: The most similar *other* person.
        second_similarity: Its cosine; -1 where there is nobody else.
    """

    person_id: Id | None
    similarity: float
    second_id: Id | None
    second_similarity: float

    @property
    def margin(self) -> float:
        """Lead over the next person."""
        return self.similarity - self.second_similarity


NOBODY = Match(None, -1.0, None, -1.0)


class Gallery:
    """Templates of one pack; several templates may belong to one person.

    Safe for threads: every call holds one lock for its whole, short length. What ``remove`` took
    out is never found by a search that starts after it.

    Args:
        dim: Numbers in a vector.
    """

    _count: int
    _vectors: Vector
    _bytes: npt.NDArray[np.int8]
    _sums: npt.NDArray[np.int32]
    _people: npt.NDArray[np.int32]
    _templates: list[Id]
    _row_of: dict[Id, int]
    _names: list[Id]
    _number_of: dict[Id, int]
    _residual: float
    _roster: tuple[AbstractSet[Id], npt.NDArray[np.bool_]] | None

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._lock = threading.Lock()
        self._products = open_session(_matmul(dim), "the gallery's product")
        self._clear(_FIRST)

    def __len__(self) -> int:
        return self._count

    def add(self, template_id: Id, person_id: Id, vector: Vector) -> None:
        """Add a template, or replace the one of the same id.

        Args:
            template_id: Its id.
            person_id: Whose it is.
            vector: (dim,), any length but zero; it is scaled to 1.

        Raises:
            ValueError: the vector has another size or is no direction.
        """
        row = self._checked(vector)
        with self._lock:
            at = self._row_of.get(template_id, self._count)
            if at == len(self._vectors):
                self._grow()
            if at == self._count:
                self._count += 1
                self._templates.append(template_id)
                self._row_of[template_id] = at
            self._people[at] = self._number(person_id)
            self._put(slice(at, at + 1), row[None])

    def remove(self, template_id: Id) -> bool:
        """Take a template out at once; says whether it was there."""
        with self._lock:
            at = self._row_of.pop(template_id, None)
            if at is None:
                return False
            last = self._count - 1
            if at != last:
                self._vectors[at], self._bytes[:, at] = self._vectors[last], self._bytes[:, last]
                self._sums[at], self._people[at] = self._sums[last], self._people[last]
                self._templates[at] = self._templates[last]
                self._row_of[self._templates[at]] = at
            self._vectors[last] = 0
            self._bytes[:, last] = 0
            self._templates.pop()
            self._count = last
            self._roster = None
            return True

    def replace_all(self, templates: Iterable[tuple[Id, Id, Vector]]) -> None:
        """Replace everything by (template, person, vector) triples, in one step for readers.

        Raises:
            ValueError: as in :meth:`add`; nothing has changed then.
        """
        latest = {template: (person, vector) for template, person, vector in templates}
        vectors = np.empty((len(latest), self.dim), np.float32)
        for at, (_, vector) in enumerate(latest.values()):
            vectors[at] = self._checked(vector)
        with self._lock:
            self._clear(max(_FIRST, len(latest)))
            self._count = len(latest)
            self._templates = list(latest)
            self._row_of = {template: at for at, template in enumerate(latest)}
            people = [self._number(person) for person, _ in latest.values()]
            self._people[: self._count] = people
            self._put(slice(0, self._count), vectors)

    def search(self, vector: Vector, roster: AbstractSet[Id] | None = None) -> Match:
        """The most similar person and the next one, exactly.

        Args:
            vector: (dim,).
            roster: Only these people; pass the same frozenset again and it costs nothing.

        Raises:
            ValueError: the vector has another size or is no direction.
        """
        query = self._checked(vector)
        with self._lock:
            if self._count == 0:
                return NOBODY
            rough, error = self._rough(query)
            if roster is not None:
                np.copyto(rough, _OUT, where=self._off_roster(roster))
            return self._best_two(query, rough, error)

    def duplicates(self, vector: Vector, threshold: float) -> list[tuple[Id, float]]:
        """People who resemble a vector by at least ``threshold``, most similar first."""
        query = self._checked(vector)
        with self._lock:
            if self._count == 0:
                return []
            rough, error = self._rough(query)
            rows = np.flatnonzero(rough >= threshold / self._unit(query) - error)
            best: dict[Id, float] = {}
            for row, similarity in zip(rows, self._exact(query, rows), strict=True):
                person = self._names[self._people[row]]
                if similarity >= threshold:
                    best[person] = max(best.get(person, -1.0), float(similarity))
        return sorted(best.items(), key=lambda pair: -pair[1])

    def nearest_pairs(self, threshold: float, block: int = 1024) -> list[tuple[Id, Id, float]]:
        """Every two different people who resemble each other by at least ``threshold``.

        For the list of look-alikes; 50,000 templates take about half a minute on one core, so run
        it on a copy, not at a till.
        """
        with self._lock:
            vectors, people = (
                self._vectors[: self._count].copy(),
                self._people[: self._count].copy(),
            )
            names = list(self._names)
        best: dict[tuple[int, int], float] = {}
        for start in range(0, len(vectors), block):
            similarities = vectors[start : start + block] @ vectors.T
            for i, j in np.argwhere(similarities >= threshold):
                a, b = int(people[start + i]), int(people[j])
                if a < b:
                    best[a, b] = max(best.get((a, b), -1.0), float(similarities[i, j]))
        pairs = [(names[a], names[b], similarity) for (a, b), similarity in best.items()]
        return sorted(pairs, key=lambda pair: -pair[2])

    # ------------------------------------------------------------ rows; the caller holds the lock

    def _clear(self, room: int) -> None:
        self._count = 0
        self._vectors = np.zeros((room, self.dim), np.float32)
        self._bytes = np.zeros((self.dim, room), np.int8)
        self._sums = np.zeros(room, np.int32)
        self._people = np.zeros(room, np.int32)
        self._templates = []
        self._row_of = {}
        self._names = []
        self._number_of = {}
        self._residual = 0.0
        self._roster = None

    def _put(self, rows: slice, vectors: Vector) -> None:
        """Write unit vectors, their 8-bit copies, and remember the largest error of those."""
        coarse = np.clip(np.rint(vectors / _STEP), -127, 127).astype(np.int8)
        self._vectors[rows] = vectors
        self._bytes[:, rows] = coarse.T
        self._sums[rows] = coarse.sum(axis=1, dtype=np.int32)
        errors = np.linalg.norm(vectors - coarse.astype(np.float32) * _STEP, axis=1)
        self._residual = max(self._residual, float(errors.max(initial=0.0)))
        self._roster = None

    def _grow(self) -> None:
        more = int(len(self._vectors) * _GROWTH) - len(self._vectors)
        self._vectors = np.pad(self._vectors, ((0, more), (0, 0)))
        self._bytes = np.pad(self._bytes, ((0, 0), (0, more)))
        self._sums = np.pad(self._sums, (0, more))
        self._people = np.pad(self._people, (0, more))

    def _number(self, person_id: Id) -> int:
        if person_id not in self._number_of:
            self._number_of[person_id] = len(self._names)
            self._names.append(person_id)
        return self._number_of[person_id]

    def _off_roster(self, roster: AbstractSet[Id]) -> npt.NDArray[np.bool_]:
        """Rows of people who are not on it; remembered for a frozenset, which cannot change."""
        if self._roster is not None and self._roster[0] is roster:
            return self._roster[1]
        off = np.array([name not in roster for name in self._names], bool)
        rows = off[self._people[: self._count]]
        if isinstance(roster, frozenset):
            self._roster = (roster, rows)
        return rows

    # ------------------------------------------------------------ search; the caller holds the lock

    @staticmethod
    def _unit(query: Vector) -> float:
        """The similarity that one unit of a rough similarity stands for."""
        return float(np.abs(query).max()) / _QUERY_LEVELS * float(_STEP)

    def _rough(self, query: Vector) -> tuple[npt.NDArray[np.int32], float]:
        """Similarities from the 8-bit copies, and the most by which any of them is wrong.

        Both in units of :meth:`_unit`. With q = q' + r and x = x' + s (primed: what the integers
        stand for), q.x - q'.x' equals r.x + q'.s, which is at most |r| |x| + |q'| |s|
        (Cauchy-Schwarz).
        """
        step = np.float32(np.abs(query).max() / _QUERY_LEVELS)
        coarse = np.rint(query / step)
        shift = _QUERY_LEVELS + 1
        shifted = (coarse + shift).astype(np.uint8)[None]
        rough = self._products.run(None, {"query": shifted, "rows": self._bytes})[0][0]
        rough = rough[: self._count] - shift * self._sums[: self._count]
        stands_for = coarse * step
        error = float(np.linalg.norm(query - stands_for))
        error += float(np.linalg.norm(stands_for)) * self._residual + _ROUNDING
        return rough, error / self._unit(query)

    def _exact(self, query: Vector, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        return self._vectors[rows].astype(np.float64) @ query.astype(np.float64)

    def _best_two(self, query: Vector, rough: npt.NDArray[np.int32], error: float) -> Match:
        first = int(rough.argmax())
        if rough[first] == _OUT:
            return NOBODY
        # Two different people reach at least the rough second less the error, so whoever is below
        # that by another error is neither first nor second.
        same = np.flatnonzero(self._people[: self._count] == self._people[first])
        kept = rough[same]
        rough[same] = _OUT
        second = rough.max()
        rough[same] = kept
        floor = second if second != _OUT else rough[first]
        rows = np.flatnonzero(rough >= floor - 2 * error)
        exact = self._exact(query, rows)
        order = np.argsort(-exact, kind="stable")
        people, exact = self._people[rows[order]], exact[order]
        others = np.flatnonzero(people != people[0])
        best = self._names[people[0]]
        if len(others) == 0:
            return Match(best, float(exact[0]), None, -1.0)
        return Match(best, float(exact[0]), self._names[people[others[0]]], float(exact[others[0]]))

    def _checked(self, vector: Vector) -> Vector:
        row = np.asarray(vector, np.float32).reshape(-1)
        if row.shape != (self.dim,):
            raise ValueError(f"a vector of {row.size} numbers in a gallery of {self.dim}")
        if not np.isfinite(row).all() or not row.any():
            raise ValueError("a vector must be finite and not zero")
        return np.asarray(unit(row[None])[0])


def _matmul(dim: int) -> bytes:
    """A graph of one integer product: (1, dim) uint8 x (dim, n) int8 -> (1, n) int32."""
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["query", "rows"], ["products"])],
        "gallery",
        [
            helper.make_tensor_value_info("query", TensorProto.UINT8, [1, dim]),
            helper.make_tensor_value_info("rows", TensorProto.INT8, [dim, "n"]),
        ],
        [helper.make_tensor_value_info("products", TensorProto.INT32, [1, "n"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def random_unit(count: int, dim: int, rng: np.random.Generator) -> Vector:
    """Random directions, for tests and benches."""
    return unit(rng.standard_normal((count, dim), dtype=np.float32))
