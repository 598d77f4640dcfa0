"""Warnings about the pictures of a radar: other products, doubtful colours, too few frames."""

from __future__ import annotations

from radar_cleaner.reflectivity.archive import MIN_FRAMES, Look
from radar_cleaner.reflectivity.doubt import describe_doubt, measure_doubt
from radar_cleaner.reflectivity.meaning import describe_hiding, describe_unknown, unknown_colours
from radar_cleaner.reflectivity.picture import Picture
from radar_cleaner.reflectivity.plot_box import Box
from radar_cleaner.reflectivity.product_mix import choose_frames, find_mix
from radar_cleaner.reflectivity.sampled_frames import SampledFrames
from radar_cleaner.reflectivity.usual_echo import describe_usual, usual_classes

TRANSPARENT = (0, 0, 0)  # the colour of fully transparent pixels in an RGB store


def describe_picture(
    radar: str, frames: SampledFrames, learned: Picture, look: Look, plot_box: Box
) -> dict[str, str]:
    """Return warnings by name, each a line or an empty text; the names are attributes of the picture's store."""
    palette = look.palette
    unknown = unknown_colours(frames, learned, look)
    if frames.are_layers():  # where nothing is drawn there is no echo
        unknown = [(colour, share) for colour, share in unknown if colour != TRANSPARENT]
    return {
        "other_product": _describe_other_product(radar, frames, plot_box),
        "doubt": describe_doubt(radar, measure_doubt(frames, learned, look), palette),
        "hiding": describe_hiding(radar, learned),
        "meaning": describe_unknown(radar, unknown),
        "shortage": _describe_shortage(radar, learned, look.find_overlay),
        "usual": describe_usual(radar, usual_classes(frames, learned, look), palette),
    }


def _describe_other_product(radar: str, frames: SampledFrames, plot_box: Box) -> str:
    """Return a warning if some frames show another title or legend beside the map, else an empty text."""
    compared = choose_frames(len(frames))
    mix = find_mix(frames.whole(compared), plot_box)
    if mix is None:
        return ""
    return (
        f"{radar}: {len(mix.frames)} of {len(compared)} frames that were compared, for example that of"
        f" {frames.time(compared[mix.frames[0]])}, show another title or legend in {list(mix.box)} of the picture;"
        " if it is another product, name the files of one product in radars[].frames"
    )


def _describe_shortage(radar: str, picture: Picture, find_overlay: bool) -> str:
    """Return a warning if the frames do not show overlay or map, else an empty text."""
    if find_overlay and not picture.enough:
        return (
            f"{radar}: its picture is learned from {picture.frames} frames; {MIN_FRAMES} different ones are needed"
            " to find names, borders and areas of the map in the colour of a class, and in mixed colours (JPEG,"
            " scaled) all thin lines; lengthen picture.period, or set frames.overlay.mask"
        )
    if not picture.ground_colours and not (picture.ground_share > 0).any():
        return f"{radar}: no colour of its map was found; set labels.ground_colours"
    return ""
