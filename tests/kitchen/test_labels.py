from datetime import date

import pytest

from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.quantity import Measure
from devices.escpos_render import to_escpos
from devices.receipt_doc import ReceiptDoc
from kitchen import labels, zones
from kitchen.ingredients import Ingredient
from kitchen.lots import Lot

DAY = date(2026, 3, 2)
PORK = Ingredient(name="五花肉", measure="g")


def a_lot(**values):
    return Lot(**{
        "site_id": new_id(), "number": "20260302-007", "quantity": 12_500, "received_on": DAY,
        "produced_on": DAY, "expires_on": date(2026, 3, 5), "zone": "动物性食品", "batch": "B7",
        **values,
    })  # fmt: skip


def test_a_label_says_what_it_is_how_much_until_when_and_where_it_lies():
    label = labels.lot_label(a_lot(), PORK, supplier="鲜达", zone=zones.DEFAULTS[0])
    assert label.title == "五花肉"
    assert dict(label.lines) == {
        "批次": "20260302-007", "数量": "12.5 kg", "生产日期": "2026-03-02",
        "保质期至": "2026-03-05", "入库": "2026-03-02", "存放": "动物性食品 ■", "厂家批号": "B7",
        "供应商": "鲜达",
    }  # fmt: skip


def test_what_is_not_known_is_not_printed():
    bare = a_lot(produced_on=None, expires_on=None, zone="", batch="")
    assert [name for name, _ in labels.lot_label(bare, PORK).lines] == ["批次", "数量", "入库"]


@pytest.mark.parametrize("way", ["gb18030", "raster"])
def test_every_printer_of_the_house_prints_it(way):
    document = ReceiptDoc.model_validate(labels.lot_label(a_lot(), PORK).as_receipt())
    assert to_escpos(document, 58, way)


def test_a_scanned_label_gives_the_number_back_and_another_sites_is_refused():
    lot = a_lot()
    text = labels.lot_label(lot, PORK).qr
    assert labels.read_qr(f" {text}\n", lot.site_id) == lot.number
    for wrong in (text.replace("LOT", "SAMPLE"), "", "DAFAN:LOT", f"{text[:-12]}", "6901234567892"):
        with pytest.raises(BadInputError, match="scan"):
            labels.read_qr(wrong, lot.site_id)
    with pytest.raises(BadInputError, match="scan"):
        labels.read_qr(text, new_id())


def test_amounts_are_shown_as_people_say_them():
    assert labels.show(500, Measure.MASS) == "0.5 kg"
    assert labels.show(10_000, Measure.VOLUME) == "10 L"
    assert labels.show(30, Measure.COUNT) == "30 个"
