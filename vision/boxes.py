"""Boxes and polygons of a picture: plain geometry, no pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """An upright rectangle in pixels of the picture; may reach over its edge.

    Attributes:
        x: Left edge.
        y: Top edge.
        w: Width.
        h: Height.
    """

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.w

    @property
    def bottom(self) -> float:
        """Bottom edge."""
        return self.y + self.h

    @property
    def centre(self) -> Point:
        """Middle."""
        return self.x + self.w / 2, self.y + self.h / 2

    @property
    def foot(self) -> Point:
        """Middle of the bottom edge: where a standing person is on the floor."""
        return self.x + self.w / 2, self.bottom

    @property
    def area(self) -> float:
        """Square pixels; 0 where nothing is left."""
        return max(self.w, 0.0) * max(self.h, 0.0)

    def common(self, other: "Box") -> float:
        """Square pixels that both cover."""
        wide = min(self.right, other.right) - max(self.x, other.x)
        high = min(self.bottom, other.bottom) - max(self.y, other.y)
        return max(wide, 0.0) * max(high, 0.0)

    def overlap(self, other: "Box") -> float:
        """Intersection over union, 0 to 1."""
        common = self.common(other)
        union = self.area + other.area - common
        return common / union if union > 0 else 0.0

    def holds(self, point: Point) -> bool:
        """Whether a point lies inside."""
        return self.x <= point[0] <= self.right and self.y <= point[1] <= self.bottom

    def grown(self, factor: float) -> "Box":
        """Larger about the middle, by a factor."""
        w, h = self.w * factor, self.h * factor
        x, y = self.centre
        return Box(x - w / 2, y - h / 2, w, h)

    def moved(self, dx: float, dy: float) -> "Box":
        """Shifted."""
        return Box(self.x + dx, self.y + dy, self.w, self.h)

    def clipped(self, width: float, height: float) -> "Box":
        """The part inside a picture of that size."""
        x, y = min(max(self.x, 0.0), width), min(max(self.y, 0.0), height)
        right, bottom = min(max(self.right, x), width), min(max(self.bottom, y), height)
        return Box(x, y, right - x, bottom - y)


def inside(polygon: Sequence[Point], point: Point) -> bool:
    """Whether a point lies inside a polygon, by counting the edges to its right."""
    x, y = point
    odd = False
    for (ax, ay), (bx, by) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            odd = not odd
    return odd
