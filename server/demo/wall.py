"""Boards and cameras of the demo's kitchen, and what the demo's own programs need to serve them.

Tokens are shown once, so the demo keeps them in a file of its folder that only its owner can read.
"""

import json
import secrets
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine

from dafan import crypto
from dafan.db import writing
from kitchen import boards, cameras
from kitchen.boards import BoardKind, BoardValues
from kitchen.cameras import CameraValues
from server import api_tokens, auth
from server.actor import Actor

FILE = "demo.key"
"""JSON: ``token`` of the API, and for each kind of board the secret of its address."""
BOX = "demo-box"
"""Login of the box that sends temperatures and stills."""
CAMERAS = ("热加工间", "备餐间")
_BOARDS = {
    BoardKind.KITCHEN: ("后厨大屏", "欢迎监督：每道菜留样四十八小时，食材来源随时可查"),
    BoardKind.CANTEEN: ("餐厅大屏", "吃多少取多少，不够再添"),
}


def hang(engine: Engine, actor: Actor, venue_id: UUID, folder: Path) -> None:
    """Hang up boards and cameras; doing so again changes nothing.

    Args:
        engine: Of the demo's server.
        actor: Who seeds.
        venue_id: Whose meals the boards show.
        folder: Where :data:`FILE` is kept.
    """
    if (folder / FILE).exists():
        return
    with writing(engine) as session:
        for name in CAMERAS:
            values = CameraValues(name=name, rules=[], place=name, on_board=True)
            cameras.save(session, actor, values)
        box = auth.find_user(session, BOX) or auth.create_user(
            session, actor.site_id, BOX, secrets.token_urlsafe(24), ["cook"], name="测温与画面",
            by=actor.name,
        )  # fmt: skip
        keys = {"token": api_tokens.make(session, actor, box, "demo", api_tokens.LONGEST_DAYS)}
        for kind, (name, notice) in _BOARDS.items():
            wanted = BoardValues(kind=kind, name=name, venue_id=venue_id, notice=notice)
            keys[kind.value] = boards.make(session, actor, wanted)[1]
    crypto.load_or_create_secret(folder / FILE, json.dumps(keys).encode())
