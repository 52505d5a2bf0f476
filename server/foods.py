"""What dishes give reaches the tills in the transaction that changes a recipe or an ingredient.

It has a feed item of its own beside the dish: a till of an older version passes over a kind that
it does not know, and goes on selling.
"""

from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from dafan.db import reading, writing
from kitchen import cookbook, foods, ingredients
from kitchen.ingredients import Ingredient, IngredientValues
from kitchen.recipes import RecipeValues
from server import feed, sites
from server.actor import Actor


def save_recipe(session: Session, actor: Actor, dish_id: UUID, values: RecipeValues) -> None:
    """Save a recipe as :func:`kitchen.cookbook.save`, and publish what its dishes give now."""
    cookbook.save(session, actor, dish_id, values)
    publish(session, actor.site_id, dish_id)


def update_ingredient(
    session: Session, actor: Actor, ingredient_id: UUID, values: IngredientValues
) -> Ingredient:
    """Change it as :func:`kitchen.ingredients.update`, and publish what its dishes give now."""
    row = ingredients.update(session, actor, ingredient_id, values)
    publish(session, actor.site_id, ingredient_id)
    return row


def publish(session: Session, site_id: UUID, changed: UUID | None = None) -> None:
    """Send what the dishes of a site give by their newest recipes; what is the same is no news.

    Args:
        session: The transaction that changes a recipe or an ingredient.
        site_id: Whose tills learn it; its feed stays locked until the commit.
        changed: Only the dishes that are made with this ingredient or component, and this dish.
    """
    session.flush()
    feed.lock(session, site_id)
    book = cookbook.load_book(session, site_id)
    dish_ids = book.recipes if changed is None else foods.made_with(book, changed)
    feed.publish_all(
        session, site_id, "food",
        {str(dish_id): foods.food_of(book, dish_id) for dish_id in dish_ids},
    )  # fmt: skip


def publish_all(engine: Engine) -> str:
    """Send it for every site: a server of an earlier version has not done it."""
    with reading(engine) as session:
        site_ids = [site.id for site in sites.all_sites(session)]
    for site_id in site_ids:
        with writing(engine) as session:
            publish(session, site_id)
    return f"{len(site_ids)} sites"
