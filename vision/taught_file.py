"""A taught rule as bytes: JSON with a version and a checksum. Nothing in it is ever executed."""

import base64
import hashlib
import json
from dataclasses import asdict
from typing import Any

import numpy as np

from vision.boxes import Box
from vision.errors import ModelError
from vision.features import Describer
from vision.logistic import Line
from vision.persons import RULES
from vision.taught import Counts, Report, Taught

VERSION = 1
MAX_BYTES = 1024 * 1024


def to_bytes(taught: Taught) -> bytes:
    """Write it down; the same rule gives the same bytes."""
    body = {
        "what": "dafan taught rule",
        "version": VERSION,
        "features": taught.describer.name,
        "rule": taught.rule,
        "region": None if taught.region is None else asdict(taught.region),
        "weights": base64.b64encode(taught.line.weights.astype("<f4").tobytes()).decode("ascii"),
        "bias": taught.line.bias,
        "sure": taught.sure,
        "report": asdict(taught.report),
    }
    return _text({**body, "sha256": _sum(body)})


def from_bytes(data: bytes, describer: Describer) -> Taught:
    """Read it back, for crops described as those that it was taught with.

    Raises:
        ModelError: damaged, of another version, made with other features, or no taught rule.
    """
    if len(data) > MAX_BYTES:
        raise ModelError("the taught rule is too large: it is none of ours")
    try:
        body = json.loads(data)
        found = body.pop("sha256")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ModelError("the file is no taught rule: teach it again") from error
    if found != _sum(body):
        raise ModelError("the taught rule is damaged: its checksum is another; teach it again")
    if body.get("version") != VERSION or body.get("features") != describer.name:
        raise ModelError(
            f"the taught rule is of version {body.get('version')} with {body.get('features')}, "
            f"this program reads {VERSION} with {describer.name}: teach it again from its examples"
        )
    try:
        return _read(body, describer)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"the taught rule is incomplete ({error}): teach it again") from error


def _read(body: dict[str, Any], describer: Describer) -> Taught:
    weights = np.frombuffer(base64.b64decode(body["weights"], validate=True), "<f4")
    if len(weights) != describer.size or not np.isfinite(weights).all():
        raise ValueError(f"{len(weights)} weights instead of {describer.size}")
    if body["rule"] not in RULES:
        raise ValueError(f"no rule {body['rule']}")
    said = dict(body["report"])
    said["moments"], said["crops"] = Counts(**said["moments"]), Counts(**said["crops"])
    region = None if body["region"] is None else Box(**body["region"])
    line = Line(weights.astype(np.float32), float(body["bias"]))
    return Taught(str(body["rule"]), region, describer, line, float(body["sure"]), Report(**said))


def _sum(body: dict[str, Any]) -> str:
    return hashlib.sha256(_text(body)).hexdigest()


def _text(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii")
