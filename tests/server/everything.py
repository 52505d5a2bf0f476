"""Books in which money has moved in every way that there is, each by its own service."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Engine

from dafan import db, journal
from dafan.desk import Shift, Void
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import SaleLine, Source, Unit
from server import (
    bank_files,
    cashdesk,
    forks,
    leaving,
    online_orders,
    opening,
    reconciliation,
    refunds,
    shifts,
    sites,
    subsidy_expiry,
)
from server.actor import Actor
from server.books import bodies, settlement
from server.gateway import Paid

DAY = date(2026, 3, 2)


class Everything:
    """Builds the books step by step; every step is what a person or a till does."""

    def __init__(
        self, engine: Engine, actor: Actor, site: Any, till: Any, make_diner: Any, make_sale: Any
    ) -> None:
        self.engine, self.actor, self.site, self.till = engine, actor, site, till
        self.boss = replace(actor, name="boss")
        self.make_sale: Callable[..., Any] = make_sale
        self.one = make_diner(cash=50_000, subsidy=3000)
        self.other = make_diner(cash=20_000)
        self.gone = make_diner(cash=500)

    @contextmanager
    def act(self) -> Iterator[Any]:
        with db.writing(self.engine) as session:
            yield session

    def build(self, folder: Path) -> None:
        """All of it, in an order that could be a month's."""
        self.bring_in()
        self.between_bodies()
        self.grant()
        self.sell()
        self.fork(folder)
        self.give_back()
        self.send_away()
        self.close()

    def bring_in(self) -> None:
        """From the old system, the bank and the gateway; one top-up was a mistake."""
        with self.act() as session:
            amounts = [(self.one, Source.CASH, Fen(77)), (self.other, Source.SUBSIDY, Fen(66))]
            opening.book(session, self.actor, amounts)
        text = (
            "工号,姓名,金额,流水号,日期\n1001,甲子,31,B1,2026-03-02\n1002,甲子,32,B2,2026-03-02\n"
        )
        with self.act() as session:
            bank_files.apply(session, self.actor, text.encode())
        for fen, paid in ((4100, True), (4200, True), (4300, False)):
            self.order(fen, paid=paid)
        self.top_up()

    def top_up(self) -> None:
        """One mistake that is reversed, one where a second person does not think so, one move."""
        with self.act() as session:
            mistake = cashdesk.top_up(session, self.actor, self.one, Fen(999), key="mistake")
        with self.act() as session:
            cashdesk.ask_reversal(session, self.actor, mistake.id, "另一个人的")
        with self.act() as session:
            right = cashdesk.top_up(session, self.actor, self.other, Fen(888), key="right")
        with self.act() as session:
            asked = cashdesk.ask_reversal(session, self.boss, right.id, "不确定")
            cashdesk.judge_reversal(session, self.actor, asked.id, approve=False)
        with self.act() as session:
            cashdesk.move_between(
                session, self.actor, self.one, self.other, Fen(123), key="m", reason="换卡"
            )

    def order(self, fen: int, *, paid: bool) -> None:
        gateway: Any = SimpleNamespace(name="wechat")
        order_id = new_id()
        with self.act() as session:
            online_orders.make(session, self.actor, gateway, order_id, self.one, Fen(fen))
        if paid:
            told = Paid(order_id, f"G{fen}", Fen(fen))
            with self.act() as session:
                online_orders.book(session, told, gateway.name, self.actor.at)
        if fen == 4200:
            with self.act() as session:
                online_orders.ask_refund(session, self.boss, order_id)

    def between_bodies(self) -> None:
        """Another body runs a second venue."""
        with self.act() as session:
            self.body = sites.bodies(session, self.site.id)[0].id
            self.second = bodies.add(session, self.actor, "二局").id
            self.shop = sites.ensure_venue(session, self.site.id, "二食堂").id
            bodies.assign_venue(session, self.actor, self.shop, self.second)

    def grant(self) -> None:
        """One subsidy to keep, one that expires before the month ends."""
        with self.act() as session:
            amounts = {self.site.group_id: Fen(1000)}
            cashdesk.run_subsidy(session, self.actor, "三月", amounts, key="keep")
        with self.act() as session:
            amounts = {self.site.group_id: Fen(500)}
            cashdesk.run_subsidy(
                session, self.actor, "节日", amounts, key="soon",
                expires_on=DAY + timedelta(days=3),
            )  # fmt: skip

    def sell(self) -> None:
        """By both wallets, by coins, at the other body's venue; one void and a shift."""
        lines = tuple(
            SaleLine(
                dish_id=new_id(), name="菜", unit=Unit.PIECE, quantity=1, unit_price=Fen(600),
                amount=Fen(600),
            )
            for _ in range(2)
        )  # fmt: skip
        paid = ((Source.SUBSIDY, 200), (Source.CASH, 1000))
        self.refunded = self.make_sale(self.one, 1200, lines=lines, payments=paid)
        coins = self.make_sale(None, 300)
        for sale in (
            self.refunded,
            self.make_sale(self.one, 900, venue_id=self.shop),
            self.make_sale(None, 700),
            coins,
            self.make_sale(self.other, 0),
        ):
            self.till.sell(sale)
        void = Void(
            id=new_id(), sale_id=coins.id, business_date=DAY, total=Fen(300), reason="打错了",
            staff_id=new_id(), at=self.till.clock.now(),
        )  # fmt: skip
        self.till.write("void", void)
        now = self.till.clock.now()
        shift = Shift(
            id=new_id(), business_date=DAY, opened_at=now - timedelta(hours=2), closed_at=now,
            first_seq=1, last_seq=6, sales=5, voids=1, subsidy=Fen(200), cash=Fen(1900),
            drawer=Fen(700), counted=Fen(690), staff_id=new_id(),
        )  # fmt: skip
        self.till.write("shift", shift)
        self.till.push()
        with self.act() as session:
            shifts.confirm_cash(session, self.actor, shift.id)

    def fork(self, folder: Path) -> None:
        """The till comes back from an old disk, and a person takes in what only that one knows."""
        image = folder / "image.db"
        self.till.journal._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(folder / "till-1.db", image)
        self.till.sell(self.make_sale(self.one, 111))
        self.till.push(after=7)
        connection = journal.connect(image)
        old = replace(self.till, journal=journal.Journal(connection, self.till.id), answers=[])
        old.sell(self.make_sale(self.one, 222))
        forks.take_in(self.engine, self.actor, self.till.id, [old.batch(7)])
        connection.close()

    def give_back(self) -> None:
        """One line of a sale, approved; another one waits."""
        with self.act() as session:
            asked = refunds.ask(session, self.actor, self.refunded.id, {2: 1}, "凉", key=new_id())
        with self.act() as session:
            refunds.approve(session, self.boss, asked.id)
        with self.act() as session:
            refunds.ask(session, self.actor, self.refunded.id, {1: 1}, "凉", key=new_id())

    def send_away(self) -> None:
        """One leaves, and gets his own money; his subsidy goes back."""
        with self.act() as session:
            leaving.leave(session, self.actor, self.gone)
        with self.act() as session:
            leaving.ask_pay_out(
                session, self.actor, self.gone, key="p", way="cash", seen=(500, 1500)
            )

    def close(self) -> None:
        """The month ends: what is left of a subsidy expires, days are closed, bodies settle."""
        later = replace(self.actor, at=self.actor.at + timedelta(days=31))
        with self.act() as session:
            subsidy_expiry.expire_due(session, later.at)
        self.till.clock.advance(31 * 86400)
        with self.act() as session:
            reconciliation.close_days(session, later, date(2026, 3, 31))
        with self.act() as session:
            settlement.settle(session, later, date(2026, 3, 1), self.body, self.second, "回单 1")
