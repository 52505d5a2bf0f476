"""The system's font with Chinese characters, for slips, pictures and documents.

It is the path in ``DAFAN_FONT``, else a known CJK font, else what fontconfig names. Debian: ``apt
install fonts-noto-cjk`` (or ``fonts-wqy-microhei``).
"""

import os
import shutil
import subprocess
from pathlib import Path

_KNOWN = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
    "/System/Library/Fonts/PingFang.ttc",
)
HELP = "install a Chinese font (Debian: apt install fonts-noto-cjk) or name one in DAFAN_FONT"


def find_font() -> Path | None:
    """The file of a font with Chinese characters, or None where the system has none."""
    named = os.environ.get("DAFAN_FONT")
    if named:
        return Path(named) if Path(named).is_file() else None
    for known in _KNOWN:
        if Path(known).is_file():
            return Path(known)
    return _from_fontconfig()


def _from_fontconfig() -> Path | None:
    tool = shutil.which("fc-list")
    if tool is None:
        return None
    listing = subprocess.run(
        [tool, ":lang=zh-cn", "file"], capture_output=True, text=True, check=False, timeout=10
    )
    files = (line.rstrip(": ") for line in listing.stdout.splitlines())
    return next((Path(f) for f in sorted(files) if Path(f).is_file()), None)
