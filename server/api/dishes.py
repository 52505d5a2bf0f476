"""Dishes and their prices."""

from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel

from dafan.db import reading, writing
from dafan.wire import Utc
from kitchen import dishes as kitchen_dishes
from kitchen.dishes import Dish, DishValues, values_of
from server import dishes
from server.access import needs
from server.api.common import NOT_SIGNED_IN, Limit, actor, answers_unknown
from server.services import services

blueprint = answers_unknown(
    APIBlueprint("api_dishes", __name__, url_prefix="/api/v1/dishes", tag="Dishes")
)


class DishAnswer(DishValues):
    """A dish."""

    id: UUID


class DishPage(BaseModel):
    """Dishes in order of the menu; ask for those after ``next``."""

    dishes: list[DishAnswer]
    next: UUID | None


class DishPriceAnswer(BaseModel):
    """The prices of a dish from a moment on."""

    price: int | None
    half_price: int | None
    small_price: int | None
    set_by: str
    set_at: Utc


class DishPrices(BaseModel):
    """Every price of a dish, the newest first."""

    prices: list[DishPriceAnswer]


class DishQuery(Limit):
    """Which page."""

    after: UUID | None = None


@blueprint.get("")
@needs("see_dishes")
@blueprint.input(DishQuery, location="query")
@blueprint.output(DishPage)
@blueprint.doc(
    summary="List dishes", responses={**NOT_SIGNED_IN, 404: "No dish that `after` names"}
)
def list_dishes(query_data: DishQuery) -> DishPage:
    """A page of dishes."""
    with reading(services().engine) as session:
        rows = kitchen_dishes.page(
            session, actor().site_id, after=query_data.after, limit=query_data.limit
        )
        found = [_answer(row) for row in rows]
    return DishPage(dishes=found, next=found[-1].id if len(found) == query_data.limit else None)


@blueprint.post("")
@needs("edit_dishes")
@blueprint.input(DishValues)
@blueprint.output(DishAnswer, status_code=201)
@blueprint.doc(summary="Add a dish; every till has it at its next pull", responses=NOT_SIGNED_IN)
def create_dish(json_data: DishValues) -> DishAnswer:
    """Add a dish."""
    with writing(services().engine) as session:
        return _answer(dishes.create(session, actor(), json_data))


@blueprint.get("/<uuid:dish_id>")
@needs("see_dishes")
@blueprint.output(DishAnswer)
@blueprint.doc(summary="One dish", responses={**NOT_SIGNED_IN, 404: "No such dish"})
def get_dish(dish_id: UUID) -> DishAnswer:
    """One dish."""
    with reading(services().engine) as session:
        return _answer(kitchen_dishes.get(session, actor().site_id, dish_id))


@blueprint.put("/<uuid:dish_id>")
@needs("edit_dishes")
@blueprint.input(DishValues)
@blueprint.output(DishAnswer)
@blueprint.doc(
    summary="Change a dish or its prices", responses={**NOT_SIGNED_IN, 404: "No such dish"}
)
def update_dish(dish_id: UUID, json_data: DishValues) -> DishAnswer:
    """Change a dish."""
    with writing(services().engine) as session:
        return _answer(dishes.update(session, actor(), dish_id, json_data))


@blueprint.get("/<uuid:dish_id>/prices")
@needs("see_dishes")
@blueprint.output(DishPrices)
@blueprint.doc(
    summary="Every price that was ever asked", responses={**NOT_SIGNED_IN, 404: "No such dish"}
)
def list_prices(dish_id: UUID) -> DishPrices:
    """The history of a dish's prices."""
    with reading(services().engine) as session:
        kitchen_dishes.get(session, actor().site_id, dish_id)
        rows = kitchen_dishes.price_history(session, actor().site_id, dish_id)
        return DishPrices(
            prices=[
                DishPriceAnswer(
                    price=row.price,
                    half_price=row.half_price,
                    small_price=row.small_price,
                    set_by=row.set_by,
                    set_at=row.set_at,
                )
                for row in rows
            ]
        )


def _answer(dish: Dish) -> DishAnswer:
    return DishAnswer(id=dish.id, **values_of(dish).model_dump())
