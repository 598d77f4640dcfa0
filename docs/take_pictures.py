"""Take the README's picture out of a finished demo's report: `.venv/bin/python docs/take_pictures.py`."""

from __future__ import annotations

import base64
import re
from pathlib import Path

REPORT = Path("results/report/report.html")
PICTURE = Path("docs/before_after.png")
RADAR = "CASGO"  # the one with interference spokes

images = re.findall(r'<img[^>]*?src="data:image/png;base64,([^"]+)"[^>]*?alt="([^"]*)"', REPORT.read_text())
PICTURE.write_bytes(base64.b64decode(next(data for data, title in images if title.startswith(RADAR))))
print(PICTURE)
