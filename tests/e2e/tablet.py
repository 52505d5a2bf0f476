"""The kitchen's tablet in the hands of its people, for tests in a browser."""

from typing import Any

import httpx

from tests.e2e.canteen import Canteen
from tests.pictures import shot

PIN = "246810"


class Tablet:
    """The tablet in the hands of the kitchen's people."""

    def __init__(self, page: Any, canteen: Canteen) -> None:
        self.page, self.canteen = page, canteen
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def go(self, path: str) -> None:
        self.page.goto(self.canteen.kitchen + path)

    def put_on_scale(self, grams: int) -> None:
        """Put something on the scale beside the tablet."""
        answer = httpx.post(f"{self.canteen.hand}place", data={"grams": grams})
        assert answer.status_code == 302

    def weigh(self, grams: int) -> None:
        """Put it on and wait until the page shows that it rests."""
        self.put_on_scale(grams)
        field = self.page.locator(".weigh[data-state=resting] input[data-pad]")
        for _ in range(150):
            factor = 1000 if self.page.get_attribute(".weigh", "data-unit") == "kg" else 1
            if field.count() and round(float(field.input_value() or 0) * factor) == grams:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(self.page.inner_text(".weigh"))

    def sign(self, number: str, where: str = "main") -> None:
        """Say who one is by work number and PIN, on the pad of the dialog."""
        self.page.locator(f"{where} .sign button:visible").first.click()
        fields = self.page.locator("dialog.who input")
        for field, text in ((fields.nth(0), number), (fields.nth(1), PIN)):
            field.click()
            for key in text:
                self.page.click(f"dialog.who .pad button:text-is('{key}')")
        self.page.wait_for_selector("dialog.who", state="detached")

    def press(self, text: str, where: str = "main") -> None:
        self.page.locator(f"{where} button:text-is('{text}'):visible").first.click()

    def done(self) -> None:
        """The page says that it was written down."""
        self.page.wait_for_selector(".note.ok")

    def shot(self, name: str) -> None:
        self.page.wait_for_timeout(300)
        shot(self.page, name)
