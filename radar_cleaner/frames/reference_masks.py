"""Read reference masks: pictures that classify the pixels of a frame."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.section import Section
from radar_cleaner.errors import FrameError
from radar_cleaner.frames.sources import list_frames
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.storage.shards import format_time


class ReferenceSource(Section):
    """The folder of a radar's reference masks, and the format of the times in their names."""

    radar: str
    folder: str
    pattern: str
    time_format: str
    time_zone: str
    slot_minutes: float = 0
    snap_minutes: float = 0

    @property
    def names(self) -> NameFormat:
        """The format of the times in the names."""
        return NameFormat(
            self.pattern,
            self.time_format,
            self.time_zone,
            slot_minutes=self.slot_minutes,
            snap_minutes=self.snap_minutes,
        )


class References(Section):
    """The reference masks of all radars."""

    sources: tuple[ReferenceSource, ...] = ()


NO_REFERENCES = References()


class ReferenceMasks:
    """The reference masks of a radar by time: gray pictures of the plot box, named like its frames.

    Entries with the name of a mask that are not files are skipped, as in the plan.
    """

    def __init__(self, folder: Path, names: NameFormat) -> None:
        """Raises FrameError if two masks have the same time."""
        self._paths: dict[int, Path] = {}
        for frame in list_frames(folder, names).frames:
            if frame.problem:
                continue
            if frame.time in self._paths:
                raise FrameError(
                    f"{frame.path}: {self._paths[frame.time].name} is a mask of the same time"
                    f" ({format_time(frame.time)}); keep one of them"
                )
            self._paths[frame.time] = Path(frame.path)

    def picture(self, time: int, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
        """Read the mask (y, x) of a time, None if there is none. Raises FrameError if its shape differs."""
        path = self._paths.get(time)
        if path is None:
            return None
        try:
            picture = iio.imread(path, plugin="pillow")
        except (OSError, ValueError, SyntaxError) as error:  # raised by Pillow on broken pictures
            raise FrameError(f"{path}: not readable as a mask ({error}); mend or remove it") from error
        if picture.shape != shape or picture.dtype != np.uint8:
            raise FrameError(
                f"{path}: a mask is a grey picture of 8 bits and {shape[1]} x {shape[0]} pixels, the plot"
                f" box's size; this one is {picture.dtype} of shape {picture.shape}; mend or remove it"
            )
        return np.asarray(picture)
