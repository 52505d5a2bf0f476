"""Categories of ingredients (食材类别): one list for recipes, zones, licences and menus.

An ingredient's category is a word of the site's own; these words are the ones that rules know.
"""

VEGETABLE, FUNGUS, TUBER, FRUIT, SOY = "蔬菜", "菌藻", "薯类", "水果", "豆制品"
MEAT, POULTRY, EGG, AQUATIC, MILK = "畜肉", "禽肉", "蛋", "水产", "奶"
CEREAL, NUT, OIL, SEASONING = "粮食", "坚果", "油", "调料"

READY_TO_EAT = frozenset({"熟食", "即食", "凉菜", "糕点"})
"""What nobody cooks again."""

CATEGORIES: tuple[str, ...] = (
    VEGETABLE, FUNGUS, TUBER, FRUIT, SOY, MEAT, POULTRY, EGG, AQUATIC, MILK, CEREAL, NUT, OIL,
    SEASONING, *sorted(READY_TO_EAT),
)  # fmt: skip
"""In the order in which a form offers them."""
