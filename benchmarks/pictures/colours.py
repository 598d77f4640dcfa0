"""Read spoiled frames of random worlds as the workflow does, and compare them with the truth of each pixel.

`python -m benchmarks.pictures.colours [--pictures 20] [--seed 0] [--kind "JPEG 4:2:0"] [--list]` prints a table, a
line for each kind of spoiling. A picture has 1, 3, 12 or 50 frames that are learned from. Two of these and a later
one are compared. Lost and invented pixels are shares of the echo. Pixels that echo by a fourth to three fourths do
not count. A class is wrong if it is more than one beyond those that the pixel contains. A picture is wrong if one
of the three is above 1 % of the echo, and silent if no warning names it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from radar_cleaner.conventions import encode_dbz, is_echo
from radar_cleaner.reflectivity.archive import DEFAULT_TOLERANCE, Look
from radar_cleaner.reflectivity.doubt import describe_doubt, measure_doubt
from radar_cleaner.reflectivity.frame_decoder import FrameDecoder
from radar_cleaner.reflectivity.palette import make_palette
from radar_cleaner.reflectivity.picture_learning import learn
from radar_cleaner.reflectivity.unmatched import UnmatchedColours

from .drawings import MAPS, PALETTES, draw_world
from .spoiling import SPOILINGS, Spoiling

COUNTS = (1, 3, 12, 50)
WRONG = 0.01  # of the echo
NONE = np.zeros((0, 3), np.uint8)


@dataclass(frozen=True)
class Score:
    """The shares of the echo of a picture that are wrong, and the warnings of its reading."""

    name: str
    kind: str
    lost: float
    invented: float
    off: float
    unmatched: float
    warnings: tuple[str, ...]

    @property
    def worst(self) -> float:
        """The largest of the wrong shares."""
        return max(self.lost, self.invented, self.off)


def score_picture(seed: int, number: int, kind: str) -> Score:
    """Draw a picture of a kind of spoiling, learn and decode it."""
    rng = np.random.default_rng([seed, number, list(SPOILINGS).index(kind)])
    spoiling: Spoiling = SPOILINGS[kind](rng)
    palette_kind = str(rng.choice(PALETTES))
    # No gray relief differs from a palette of grays.
    maps = [one for one in MAPS if (palette_kind, one) != ("grays", "hillshade")]
    map_kind = str(rng.choice(maps))
    count = int(rng.choice(COUNTS))
    drawing = draw_world(int(rng.integers(2**31)), palette_kind, map_kind)
    classes = len(drawing.colours)
    palette = make_palette(drawing.colours.astype(np.uint8), 5 + 60 / classes * np.arange(classes), "drawn")
    scale = palette.scale(DEFAULT_TOLERANCE)
    frames = [spoiling.draw(drawing, step)[0] for step in range(count)]
    observed = np.ones(frames[0].shape[:2], bool)
    look = Look(scale, palette, NONE, NONE, observed)
    picture = learn(frames, look)
    doubt = measure_doubt(frames, picture, look)
    decoder = FrameDecoder(scale, palette, picture, observed, -30)
    echo = lost = invented = off = 0
    unmatched = UnmatchedColours(picture.soft)
    places = encode_dbz(palette.value_dbz).astype(float)
    echoes = 0
    for step in sorted({0, count // 2, count + 3}):
        frame, truth = spoiling.draw(drawing, step)
        decoded = decoder(frame)
        unmatched.add(frame, decoded.unmatched)
        found, wanted = is_echo(decoded.codes), truth.share > 0.75
        echoes += int(found.sum())
        echo += int(wanted.sum())
        lost += int((wanted & ~found).sum())
        invented += int((found & (truth.share < 0.25)).sum())
        both = found & (truth.high > 0)
        value = np.interp(decoded.codes[both], places, 1 + np.arange(classes))
        wrong = (value < np.floor(truth.low[both]) - 1.01) | (value > np.ceil(truth.high[both]) + 1.01)
        off += int(wrong.sum())
    name = f"{number}: {spoiling.text}; {palette_kind} ({classes}) over {map_kind}; {count} frames"
    name += f"; softness {picture.softness:.2f}, opacity {picture.opacity:.2f}, tolerance {picture.tolerance:g}"
    name += f", ground {len(picture.ground_colours)}, overlay {picture.overlay.sum()}, doubt {doubt.share:.4f}"
    counts = unmatched.summarize(echoes)
    warnings = [counts.describe("")] if counts.are_many else []
    warnings += filter(None, [describe_doubt("", doubt, palette)])
    if not picture.enough and invented >= max(lost, off):  # it names parts of the map that are taken for echo
        warnings.append("few frames")
    warnings += ["no ground"] if not picture.ground_colours and not (picture.ground_share > 0).any() else []
    total = max(echo, 1)
    return Score(name, kind, lost / total, invented / total, off / total, counts.pixels / total, tuple(warnings))


def table_row(kind: str, scores: Sequence[Score]) -> str:
    """Return the line of a kind in the table."""
    cells = [kind, str(len(scores))]
    for values in ([s.lost for s in scores], [s.invented for s in scores], [s.off for s in scores]):
        cells.append(f"{100 * np.median(values):.2f} %")
    wrong = [score for score in scores if score.worst > WRONG]
    silent = [score for score in wrong if not score.warnings]
    right = len(scores) - len(wrong)
    alarms = sum(bool(score.warnings) for score in scores if score.worst <= WRONG)
    cells += [str(right), str(alarms), str(len(wrong) - len(silent)), str(len(silent))]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=20, help="pictures of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=SPOILINGS, action="append", help="only this kind; may be repeated")
    parser.add_argument("--list", action="store_true", help="list each wrong picture and its warnings")
    options = parser.parse_args()
    print("| frames | pictures | lost | invented | class off | right | of these warned | wrong, warned | silent |")
    print("|---|---|---|---|---|---|---|---|---|")
    for kind in options.kind or SPOILINGS:
        started = time.process_time()
        scores = [score_picture(options.seed, number, kind) for number in range(options.pictures)]
        print(table_row(kind, scores), flush=True)
        for score in scores if options.list else []:
            if score.worst > WRONG:
                shares = f"lost {score.lost:.3f} invented {score.invented:.3f} off {score.off:.3f}"
                print(
                    f"    {shares} unmatched {score.unmatched:.3f} {score.name}{' SILENT' * (not score.warnings)}"
                )
        if options.list:
            print(f"    {time.process_time() - started:.1f} s")


if __name__ == "__main__":
    main()
