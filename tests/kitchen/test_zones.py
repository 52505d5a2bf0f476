import pytest

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import zones
from kitchen.categories import READY_TO_EAT
from kitchen.zones import DEFAULTS, WrongZoneError, Zone, read_zone

RAW = {"name": "生食", "colour": "#c62828", "shape": "square", "categories": ["畜肉", "水产"]}


def test_the_usual_colours_are_red_blue_green_and_yellow_and_no_two_share_colour_or_shape():
    named = {zone.name: zone.colour for zone in DEFAULTS}
    assert named["动物性食品"] == "#c62828"
    assert named["水产品"] == "#1565c0"
    assert named["植物性食品"] == "#2e7d32"
    assert named["即食食品"] == "#f9a825"
    assert len({zone.colour for zone in DEFAULTS}) == len({zone.shape for zone in DEFAULTS}) == 5


def test_food_goes_where_it_belongs_and_never_raw_beside_ready_to_eat():
    assert zones.place(DEFAULTS, "水产") == "水产品"
    assert zones.place(DEFAULTS, "熟食", asked="即食食品") == "即食食品"
    assert zones.place(DEFAULTS, "没有的", usual="动物性食品") == ""
    for category in ("畜肉", "蔬菜", "水产", "蛋"):
        with pytest.raises(WrongZoneError, match="lie apart"):
            zones.place(DEFAULTS, category, asked="即食食品")
    for category in READY_TO_EAT:
        with pytest.raises(WrongZoneError):
            zones.place(DEFAULTS, category, asked="动物性食品")
    with pytest.raises(WrongZoneError, match="no zone"):
        zones.place(DEFAULTS, "畜肉", asked="厕所")


def test_the_usual_zone_of_an_ingredient_holds_only_where_it_is_right():
    both = (*DEFAULTS, Zone.model_validate(RAW | {"name": "肉架", "categories": ["畜肉"]}))
    assert zones.place(both, "畜肉", usual="肉架") == "肉架"
    assert zones.place(both, "畜肉", usual="水产品") == "动物性食品"


@pytest.mark.parametrize(
    "wrong", [{"categories": ["畜肉", "熟食"]}, {"colour": "red"}, {"shape": "star"}, {"name": " "}]
)
def test_a_zone_that_mixes_raw_and_ready_to_eat_cannot_be_kept(wrong):
    with pytest.raises(BadInputError, match="this zone"):
        read_zone({**RAW, **wrong})


def test_a_site_has_its_own_table_and_the_journal_knows_the_old_one(engine, actor):
    own = [read_zone(RAW)]
    with writing(engine) as session:
        zones.replace(session, actor, own)
        with pytest.raises(BadInputError):
            zones.replace(session, actor, own * 2)
        with pytest.raises(BadInputError):
            zones.replace(session, actor, [])
    with reading(engine) as session:
        assert zones.of_site(session, actor.site_id) == tuple(own)
        assert zones.of_site(session, new_id()) == DEFAULTS
    (line,) = actor.recorded
    assert (len(line.before), len(line.after)) == (5, 1)
