"""A till whose staff's desk is run by hand."""

from dataclasses import replace
from uuid import uuid4

from conftest_pos import NOON, Hand

from dafan.clock import ManualClock
from pos import events as ev
from pos.shifts import figures_of
from pos.snapshot import Clerk, Sold

CLERK = Clerk(uuid4(), "收银员甲")


class DeskHand(Hand):
    """A till whose desk is run by hand; the disk is plain Python."""

    def __init__(self, canteen, *, cash=True, staffed=True):
        self.voids, self.shifts, self.staffed, self.fail = [], [], staffed, None
        self.tries = 5
        super().__init__(canteen, ManualClock(NOON, 1000.0))
        self.state = replace(self.state, cash_allowed=cash)
        self.publish()

    def publish(self):
        catalogue = replace(self.canteen.catalogue(), staffed=self.staffed)
        return self.send(lambda at: ev.SnapshotChanged(at, catalogue))

    def account(self, diner_id):
        taken = {void.sale_id for void in self.voids}
        sales, self.sales = self.sales, [sale for sale in self.sales if sale.id not in taken]
        try:
            return super().account(diner_id)
        finally:
            self.sales = sales

    def sold(self):
        taken = {void.sale_id for void in self.voids}
        return tuple(
            Sold(sale, self.diners[sale.diner_id].name if sale.diner_id else "", sale.id in taken)
            for sale in reversed(self.sales)
        )

    def figures(self):
        taken = {void.sale_id for void in self.voids}
        back = [sale for sale in self.sales if sale.id in taken]
        return figures_of(1, len(self.sales) + len(back), NOON, self.sales, back)

    def answer(self, effect):
        match effect:
            case ev.CheckClerk(number, pin):
                self.tries -= (number, pin) != ("301", "135790")
                right = (number, pin) == ("301", "135790")
                tries = self.tries
                return lambda at: ev.ClerkChecked(at, CLERK if right else None, tries, 10)
            case ev.ReadSold():
                return lambda at: ev.SoldRead(at, self.sold())
            case ev.ReadFigures():
                return lambda at: ev.FiguresRead(at, self.figures())
            case ev.WriteVoid(void=entry) | ev.WriteShift(shift=entry):
                if self.fail is not None:
                    return lambda at: ev.DeskFailed(at, entry.id, self.fail)
                (self.voids if isinstance(effect, ev.WriteVoid) else self.shifts).append(entry)
                return lambda at: ev.DeskWritten(at, entry.id)
        return super().answer(effect)

    def sell(self, diner, grams=412):
        self.place(grams).card(diner).wait(2.3, grams)
        self.weigh(0)
        return self.pass_over(5).weigh(0).sales[-1]

    def sign_in(self):
        return self.press("staff").press("digits", digits="301").press("digits", digits="135790")
