"""Choose the pictures of a layout among those of a radar, by their times and sizes."""

from __future__ import annotations

from radar_cleaner.config.section import Section

Size = tuple[int, int]  # width, height


class Claim(Section):
    """Pictures of a period (start, end; seconds since 1970, None: all times) and of a size (None: all sizes)."""

    period: tuple[tuple[int, int], ...] | None = None
    size_px: Size | None = None

    def at(self, time: int) -> bool:
        """Whether the period contains a time."""
        return self.period is None or any(start <= time < end for start, end in self.period)

    def takes(self, time: int, size: Size | None) -> bool:
        """Whether a picture of this time and size, None if its size is not readable, is among them."""
        return self.at(time) and (self.size_px is None or self.size_px == size)


class PictureChoice(Section):
    """The pictures of one claim that none of the others takes."""

    own: Claim = Claim()
    others: tuple[Claim, ...] = ()

    @property
    def sizes(self) -> list[Size]:
        """The sizes that the others claim."""
        return [claim.size_px for claim in self.others if claim.size_px is not None]

    def at(self, time: int) -> bool:
        """Whether a picture of this time can be among them, whatever its size is."""
        return self.own.at(time) and not any(claim.size_px is None and claim.at(time) for claim in self.others)

    def takes(self, time: int, size: Size | None) -> bool:
        """Whether a picture of this time and size is among them."""
        return self.own.takes(time, size) and not any(claim.takes(time, size) for claim in self.others)
