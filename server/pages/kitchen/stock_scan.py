"""Scanning a label: by a scanner that types, or by a photograph where a browser reads no codes."""

from uuid import UUID

import cv2
import numpy as np
import zxingcpp
from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from dafan.errors import BadInputError, DafanError
from kitchen import labels, lots, sample_rules
from server import uploads
from server.access import needs
from server.pages import messages
from server.pages.kitchen.blueprint import kitchen
from server.pages.shared import as_uuid, reading, site_id


@kitchen.get("/stock/scan")
@needs("see_kitchen")
def stock_scan() -> Response:
    """The lot of a label that a scanner, a camera or a hand has typed."""
    return _open(request.args.get("code", ""))


@kitchen.post("/stock/scan")
@needs("see_kitchen")
def stock_scan_photo() -> Response:
    """The lot of a label on a photograph."""
    file = request.files.get("photo")
    try:
        text = read_codes(uploads.read_picture(file.stream if file else None))
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("kitchen.stock"))
    return _open(text)


def read_codes(jpeg: bytes) -> str:
    """What the first readable code of a photograph says.

    Raises:
        BadInputError: there is none.
    """
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    found = zxingcpp.read_barcodes(picture)
    if not found:
        raise BadInputError("no code can be read: closer, sharper, more light", code="no_code")
    return str(found[0].text)


def lot_of(code: str) -> UUID:
    """The lot of a label's text, or of a number that was typed.

    Raises:
        BadInputError: no label of a lot of this site.
        UnknownLotError: no such lot.
    """
    text = code.strip()
    number = labels.read_qr(text, site_id()) if ":" in text else text
    with reading() as session:
        lot = lots.find_by_number(session, site_id(), number)
    if lot is None:
        raise lots.UnknownLotError("there is no lot of this number here")
    return lot.id


def _open(code: str) -> Response:
    """Where the person was on the way to: the lot itself, its count, or a trace."""
    wanted = request.values.get("to", "")
    sample_id = as_uuid(code.strip().removeprefix(sample_rules.QR_PREFIX))
    if sample_id is not None and code.strip().startswith(sample_rules.QR_PREFIX):
        return redirect(url_for("kitchen.trace_sample", sample_id=sample_id))
    try:
        lot_id = lot_of(code)
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("kitchen.trace" if wanted == "trace" else "kitchen.stock"))
    if wanted == "trace":
        return redirect(url_for("kitchen.trace_lot", lot_id=lot_id))
    count = as_uuid(wanted)
    if count is not None:
        return redirect(url_for("kitchen.stock_count_lot", stocktake_id=count, lot_id=lot_id))
    return redirect(url_for("kitchen.stock_lot", lot_id=lot_id))
