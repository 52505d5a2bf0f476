"""Every page that a link leads to, as a person finds it: does it fit, and can everybody use it?"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
LANGUAGES = ("zh", "en")
SHARE = 14
"""Drawing a page and asking axe-core takes a second: all of them are looked at by hand."""
_ID = re.compile(r"(?<=[/=])([0-9a-f]{8}-[0-9a-f-]{27}|\d[\d-]*|[0-9a-f]{32,})(?=$|[/&?.-])")
_ACT = re.compile(r"(?<=/kitchen/template/)\w+")
"""Each act of the list has the same page."""
_HREF = re.compile(r'<a\b[^>]*\bhref="([^"]+)"')
_NO_PAGE = re.compile(
    r"/(logout|static|tokens|bootstrap|pictures)\b|\.(csv|xlsx|json|pdf|jsonl|png|jpg|zip)$"
)


@dataclass(frozen=True)
class Realm:
    """Pages that belong together: whose they are and what they are looked at on.

    Attributes:
        under: How their addresses begin.
        sizes: Width and height of the usual screen, and of the smallest.
    """

    under: str
    sizes: tuple[tuple[int, int], tuple[int, int]]


MANAGER = Realm("/manage/", ((1440, 900), (390, 844)))
KITCHEN = Realm("/kitchen/", ((1280, 800), (800, 1280)))
PHONE = Realm("/me/", ((360, 780), (1024, 768)))


def walk_all(
    chromium: Any, manager: str, *, every: bool, shots: Path | None, only: str = ""
) -> list["Walk"]:
    """Walk through all realms of a demo canteen, as its manager and as a diner of it.

    ``only`` one of them, where it names one: ``manage``, ``kitchen`` or ``me``.
    """
    base = manager.removesuffix("/manage")
    context = chromium.new_context()
    page = context.new_page()
    page.goto(manager)
    page.fill("input[name=login]", "demo")
    page.fill("input[name=password]", "demo-dafan")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-live]")
    wanted = [each for each in (MANAGER, KITCHEN, PHONE) if not only or each.under == f"/{only}/"]
    walks = [Walk(page, base, each, every, shots) for each in wanted if each is not PHONE]
    for one in walks:
        one.go()
    if PHONE not in wanted:
        context.close()
        return walks
    context.add_cookies([{"name": "dafan_language", "value": "zh", "url": base}])
    number, code = _login_code(page, base)
    phone = chromium.new_context().new_page()
    phone.goto(f"{base}/me/login")
    for name, text in (("staff_no", number), ("code", code)):
        phone.fill(f"input[name={name}]", text)
        phone.keyboard.press("Enter")
        phone.wait_for_load_state()
    phone.wait_for_url(f"{base}/me/")
    walks.append(Walk(phone, base, PHONE, every, shots))
    walks[-1].go()
    context.close()
    phone.context.close()
    return walks


def _login_code(page: Any, base: str) -> tuple[str, str]:
    """What the desk hands to the first person of the list."""
    page.goto(f"{base}/manage/people")
    page.locator("a[href*='/manage/people/0']").first.click()
    page.click("button:has-text('打印登录码')")
    page.wait_for_selector(".slip")
    return page.inner_text(".slip dd .num"), page.inner_text(".slip dd.num")


def kind(address: str) -> str:
    """What page an address shows: without the ids, days and numbers of what is on it."""
    parts = urlsplit(address)
    asked = "&".join(sorted(name.partition("=")[0] for name in parts.query.split("&")[:1] if name))
    return _ACT.sub("*", _ID.sub("*", parts.path)) + (f"?{asked}" if asked else "")


@dataclass
class Walk:
    """One walk through the pages of a realm.

    Attributes:
        page: A signed-in browser's.
        base: Where the server is.
        realm: Which pages.
        every: Each page in both languages and both sizes; else one in :data:`SHARE` is looked at,
            in one of the four in turn, and of the others only the links are read.
        shots: Where a picture of each page goes; ``None``: none is taken.
        kinds: The pages that were seen.
        faults: What was wrong, page by page.
    """

    page: Any
    base: str
    realm: Realm
    every: bool = False
    shots: Path | None = None
    kinds: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def go(self) -> None:
        """Follow the links until no new kind of page is found."""
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))
        waiting = [self.base + self.realm.under]
        while waiting:
            address = waiting.pop(0)
            if kind(address) in self.kinds:
                continue
            self.kinds.append(kind(address))
            before = len(self.faults)
            looked = list(self._ways())
            for language, size in looked:
                self._look(address, language, size)
            links = self._links() if looked else self._read(address)
            waiting += [link for link in links if kind(link) not in self.kinds]
            if self.shots:  # it takes long: whoever waits sees where it is
                print(len(self.kinds), kind(address), *self.faults[before:], sep="\n  ", flush=True)

    def _ways(self) -> Iterator[tuple[str, tuple[int, int]]]:
        ways = [(language, size) for language in LANGUAGES for size in self.realm.sizes]
        turn, rest = divmod(len(self.kinds), SHARE)
        if self.every:
            yield from ways
        elif rest == 0:
            yield ways[turn % len(ways)]

    def _look(self, address: str, language: str, size: tuple[int, int]) -> None:
        self.page.context.add_cookies(
            [{"name": "dafan_language", "value": language, "url": self.base}]
        )
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        answer = self.page.goto(address, wait_until="load")
        name = f"{kind(address)} {language} {size[0]}"
        if answer is None or answer.status >= 400:
            self.faults.append(f"{name}: {answer and answer.status}")
            return
        if (more := self.page.evaluate(WIDE)) > 0:
            self.faults.append(f"{name}: {more} pixels too wide")
        self.page.evaluate(AXE)
        found = self.page.evaluate("rules => axe.run(document, rules)", RULES)
        for one in found["violations"]:
            if one["impact"] in {"serious", "critical"}:
                where = one["nodes"][0]
                told = f"{name}: {one['id']} {where['target']} {where['html'][:120]}"
                self.faults.append(f"{told} ({len(one['nodes'])})")
        if self.shots:
            self.shots.mkdir(parents=True, exist_ok=True)
            file = re.sub(r"\W+", "-", f"{kind(address)}-{language}-{size[0]}").strip("-")
            self.page.screenshot(path=self.shots / f"{file}.png", full_page=True)

    def _read(self, address: str) -> list[str]:
        answer = self.page.request.get(address)
        if answer.status >= 400:
            self.faults.append(f"{kind(address)}: {answer.status}")
        return self._ours(answer.url, _HREF.findall(answer.text()))

    def _links(self) -> list[str]:
        found = self.page.eval_on_selector_all(
            "a[href]", "all => all.map(one => one.getAttribute('href'))"
        )
        return self._ours(self.page.url, found)

    def _ours(self, url: str, found: list[str]) -> list[str]:
        links = (urljoin(url, unescape(href)) for href in found)
        return [
            link.partition("#")[0]
            for link in links
            if link.startswith(self.base + self.realm.under)
            and not _NO_PAGE.search(urlsplit(link).path)
        ]
