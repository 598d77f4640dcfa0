"""Count the frames of a radar that were refused, by reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from radar_cleaner.frames.image import is_spare

# The share of refused frames above which a run ends with a line about them.
MANY = 0.1
# The begin of a reason, and the keys that read these frames.
REMEDIES = {
    "wrong size": "radars[].layouts reads several sizes, frames.size_px chooses another one",
    "an animation": "frames.loop reads every picture",
    "no time": "frames.pattern, frames.time_format and frames.time_from find the times",
    "same time": "radars[].frames as a glob, such as A_*.png, leaves those of another radar, product or format"
    " out; pictures of animations also need the right frames.loop.step_minutes",
    "mislabelled": "rename them to the suffix of their content",
    "not a picture": "fetch them again: perhaps they contain the server's error page",
    "the file is empty": "fetch them again",
    "the picture is truncated": "fetch them again",
    "the picture is damaged": "fetch them again",
}


@dataclass(frozen=True)
class Refusals:
    """The frames of a radar: number of those read, and (reason, number, one of their names), commonest first."""

    read: int
    reasons: tuple[tuple[str, int, str], ...]

    @property
    def refused(self) -> int:
        """The number of refused frames."""
        return sum(number for _, number, _ in self.reasons)

    @property
    def are_many(self) -> bool:
        """Whether more than a tenth of the frames were refused."""
        return self.refused > MANY * (self.read + self.refused)

    def describe(self, radar: str) -> str:
        """Return a line: how many frames were refused, the commonest reason, and the key to change."""
        reason, number, name = self.reasons[0]
        total = self.read + self.refused
        count = f"all {total} frames" if not self.read else f"{self.refused} of {total} frames"
        most = "" if number == self.refused else f"{number} of them: "
        remedy = next((f"; {text}" for begin, text in REMEDIES.items() if reason.startswith(begin)), "")
        return f"{count} of radar {radar} were refused: {most}{reason} ({name}){remedy}"


def count_refusals(read: int, rejects: Iterable[tuple[str, str]]) -> Refusals:
    """Count refused frames, (name, reason), by reason. Copies of a frame that was read are not among them."""
    found: dict[str, list[str]] = {}
    for name, reason in rejects:
        if not is_spare(reason):
            found.setdefault(_common(reason), []).append(name)
    reasons = [(reason, len(names), min(names)) for reason, names in found.items()]
    return Refusals(read, tuple(sorted(reasons, key=lambda row: (-row[1], row[0]))))


def _common(reason: str) -> str:
    """Return a reason without the names and texts in it that differ from frame to frame."""
    reason = re.sub(r"^same time as .*, but", "same time as another one, but", reason)
    return re.sub(r"^(no time in the name: )'.*' is not", r"\1it is not", reason)
