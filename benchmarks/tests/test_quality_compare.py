"""The benchmark from stores to files: what it reads, what it chooses, and equal files from equal stores."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest
import yaml
from store_cases import CADENCE_S, START, make_atlas, make_labels, make_reflectivity, times_from

from benchmarks.quality import ROOT, compare, jobs, run, tables
from benchmarks.quality.jobs import Job
from benchmarks.quality.methods import Answer, Method, own_methods
from benchmarks.quality.scenes import Frames, Scene
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, is_echo
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.reflectivity.colour_table import EchoShape
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import format_time, shard_of

RADAR, SHAPE, HOURS, AN_HOUR = "CASGO", (48, 48), 7, 3
NAMES = NameFormat(r"(\d{12})", "%Y%m%d%H%M")
START_HOURS = [START + 3600 * hour for hour in range(HOURS)]
EDGES = (20.0, 30.0)
LABEL = EchoShape(5.0, 3, 3, 5)


def picture(time: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes and reference of a time: a rain area that moves, and specks that are no rain."""
    rng = np.random.default_rng(time)
    codes = np.zeros(SHAPE, np.uint8)
    specks = rng.random(SHAPE) < 0.03
    codes[specks] = 94
    left = (time - START) // 3600 * 2
    rain = np.zeros(SHAPE, bool)
    rain[10:30, 8 + left : 28 + left] = True
    codes[rain] = rng.choice([94, 115, 140], int(rain.sum()))
    codes[:, 0] = NODATA
    classes = np.where(rain, METEOROLOGICAL, np.where(specks, NON_METEOROLOGICAL, 0))
    return codes, classes.astype(np.uint8)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A radar with a few frames an hour: the first hour trains and validates, the others are scored."""
    layout, masks = Layout(tmp_path / "results"), tmp_path / "masks"
    for start in START_HOURS:
        times = times_from(start, AN_HOUR)
        codes, classes = (np.stack(part) for part in zip(*map(picture, times), strict=True))
        shard = shard_of(start, "hour")
        make_reflectivity(layout.reflectivity(RADAR, shard), RADAR, times, codes, range_km=24)
        make_labels(layout.labels(RADAR, shard), RADAR, times, classes)
        (masks / RADAR).mkdir(parents=True, exist_ok=True)
        for time, mask in zip(times, classes, strict=True):
            name = "".join(character for character in format_time(time) if character.isdigit())[:12]
            iio.imwrite(masks / RADAR / f"{name}.png", mask)
    make_atlas(layout.atlas(RADAR), RADAR, clutter=np.zeros(SHAPE, bool))
    (layout.results / "samples").mkdir()
    samples = pd.DataFrame({"time": [format_time(START + CADENCE_S)], "radar": RADAR})
    samples.to_csv(layout.results / "samples/val.csv", index=False)
    training, evaluation = ((START, START + 3600),), ((START + 3600, START + 3600 * HOURS),)
    return Job(layout.results, RADAR, NAMES, masks, 6, training, evaluation, EDGES, LABEL, 0.5, 1.0, (), False, 1)


@pytest.fixture
def frames(job: Job) -> Frames:
    return Frames(job.results, RADAR, job.masks, NAMES, 6)


def test_the_frames_scored_are_those_of_the_evaluation_with_a_mask(job: Job, frames: Frames) -> None:
    times = frames.scored_times(job.evaluation)
    assert times == [time for start in START_HOURS[1:] for time in times_from(start, AN_HOUR)]
    (job.masks / RADAR / "202407110100.png").unlink()
    again = Frames(job.results, RADAR, job.masks, NAMES, 6)
    assert again.scored_times(job.evaluation) == times[1:]


def test_a_scene_has_the_neighbours_that_are_there(frames: Frames) -> None:
    first, second, last = times_from(START_HOURS[1], AN_HOUR)
    assert [sorted(frames.scene(time).neighbours) for time in (first, second, last)] == [[1, 2], [-1, 1], [-2, -1]]
    assert (frames.scene(second).neighbours[-1] == frames.codes[first]).all()


def of_rain(rain: float, other: float) -> Method:
    """A method that knows, and gives rain and other echo these scores."""

    def judge(scene: Scene) -> Answer:
        truth = picture(scene.time)[1]
        return Answer(np.where(truth == METEOROLOGICAL, rain, other).astype(np.float32))

    return Method("knows", "model", {"": judge}, ("", 0.5))


def compared(job: Job, frames: Frames, *methods: Method) -> list[compare.Scored]:
    validation = times_from(START, AN_HOUR)
    return compare.compare_on_radar(frames, methods, frames.scored_times(job.evaluation), validation, EDGES, LABEL)


def test_who_knows_is_perfect_and_leaves_none_of_what_filters_leave(job: Job, frames: Frames) -> None:
    found = compared(job, frames, *own_methods(LABEL), of_rain(1, 0))
    knows = found[-1]
    assert [(choice.removed, choice.kept) for choice in knows.choices] == [(1, 1)] * 4
    assert knows.intervals == ((1, 1),) * 4 and knows.blocks == HOURS - 1
    assert [(point.scores["retention"], point.scores["removal"]) for point in knows.points] == [(1, 1)] * 2
    ratios = [row["left_ratio"] for row in tables.comparison_rows(found) if row["method"] == "knows"]
    assert ratios == [0] * 4 or np.isnan(ratios).all()


def test_a_constant_score_removes_nothing_at_any_point(job: Job, frames: Frames) -> None:
    (found,) = compared(job, frames, of_rain(1, 1))
    assert {choice.removed for choice in found.choices} == {0} and not found.envelope.any()
    assert found.detail.by_size[..., 0].sum() == 0


def test_specks_are_removed_by_area_and_density_and_the_sizes_say_so(job: Job, frames: Frames) -> None:
    found = {one.method: one for one in compared(job, frames, *own_methods(LABEL))}
    for name in ("despeckle by area", "local density"):
        assert found[name].choices[-1].removed > 0.8
    rows = tables.group_rows([found["despeckle by area"]], EDGES)
    small = next(row for row in rows if row["of"] == "1 to 4 px")
    assert small["meteorological"] == 0 and small["removed"] > 0.9


def test_an_operating_point_keeps_on_validation_what_it_shall(job: Job, frames: Frames) -> None:
    (found,) = compared(job, frames, next(one for one in own_methods(LABEL) if one.name == "local density"))
    (point,) = found.points  # it has no default
    judge = next(one for one in own_methods(LABEL) if one.name == "local density").judges[point.parameter]
    kept = total = 0
    for time in times_from(START, AN_HOUR):
        scene, truth = frames.scene(time), frames.truth(time)
        rain = (truth == METEOROLOGICAL) & is_echo(scene.codes)
        kept += int((np.round(judge(scene).score[rain], 3) >= point.threshold - 1e-9).sum())
        total += int(rain.sum())
    assert kept / total >= compare.OPERATING_SHARE


def test_without_validation_frames_only_the_default_is_reported(job: Job, frames: Frames) -> None:
    times = frames.scored_times(job.evaluation)
    (found,) = compare.compare_on_radar(frames, [of_rain(1, 0)], times, [], EDGES, LABEL)
    assert [point.named for point in found.points] == ["default"]


def test_equal_stores_give_equal_files(job: Job, tmp_path: Path) -> None:
    def make(folder: Path) -> dict[str, bytes]:
        run.write(folder, run.score(job), job, Path("config.yaml"))
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "times.csv"}

    first, second = make(tmp_path / "one"), make(tmp_path / "two")
    assert first == second and {"quality.md", "quality.png", "removed_at_shares_kept.csv"} <= first.keys()
    assert "| local density |" in first["quality.md"].decode()
    assert set(pd.read_csv(tmp_path / "one/times.csv").method) == {method.name for method in own_methods(LABEL)}


def test_only_each_so_manieth_frame_is_scored_where_asked(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    run.score(replace(job, every=5))
    assert "4 frames to score, 1 to choose by" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("reference", "said"), [(None, r"set .* evaluation\.reference"), ("nowhere", "folder of masks of none")]
)
def test_where_nothing_can_be_scored_nothing_is_trained(
    reference: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = yaml.safe_load((ROOT / "config/maritimes.yaml").read_text())
    config["evaluation"]["reference"] = reference
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["run", "--config", str(tmp_path / "config.yaml"), "--without-libraries"])
    monkeypatch.setattr(run, "make_results", lambda *_: pytest.fail("snakemake was called"))
    with pytest.raises(SystemExit, match=said):
        run.main()


def test_the_votes_that_are_scored_are_asked_for_where_nothing_is_to_be_evaluated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    text = Path("config/maritimes.yaml").read_text()
    config = jobs.filled(yaml.safe_load(text))
    found = jobs.votes_of_scored_frames(config)
    assert len(found) == 2 * 12 and found[0] == "results-maritimes/labels/CASGO/20240711T12.zarr/zarr.json"


def test_missing_libraries_are_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    absent: Callable[[str], None] = lambda name: None  # noqa: E731
    monkeypatch.setattr(run, "find_spec", absent)
    with pytest.raises(SystemExit, match=r"no wradlib and no pyart; .* installs them, --without-libraries"):
        run.require_libraries()
