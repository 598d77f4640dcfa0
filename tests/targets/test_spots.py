"""One place on Earth is one pixel through the whole chain, from two radars' pictures to the composite."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from imageio import v3 as iio
from learning_cases import NO_HOLES, augmentation, sampler
from learning_cases import config as model_config

from radar_cleaner.config.atlas import Clutter
from radar_cleaner.config.cleaning import Composite, FrameCleaning
from radar_cleaner.config.frames import BadFrames, Overlay, Stores
from radar_cleaner.config.inputs import Inputs
from radar_cleaner.config.labels import Colours, Morphology, PictureColours
from radar_cleaner.config.picture import PictureFrames
from radar_cleaner.config.samples import ModelInputs
from radar_cleaner.config.votes import LabelModel
from radar_cleaner.conventions import FLAG_KEPT
from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.datasets.crops import cut_crops
from radar_cleaner.datasets.frame_cache import RadarSources, open_frame_cache, write_frame_cache
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.files import save_model
from radar_cleaner.models.registry import build_model
from radar_cleaner.stages.align_radars import align_radars
from radar_cleaner.stages.build_clutter_atlas import build_clutter_atlas
from radar_cleaner.stages.build_rgb_store import build_rgb_store
from radar_cleaner.stages.build_warp_grid import build_warp_grid
from radar_cleaner.stages.clean_frames import clean_frames
from radar_cleaner.stages.compose_radars import compose_radars
from radar_cleaner.stages.decode_reflectivity import decode_reflectivity
from radar_cleaner.stages.label_echoes import label_echoes
from radar_cleaner.stages.learn_picture import learn_picture
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.shards import to_datetime
from radar_cleaner.targets.splits import Sample

A = RadarGeometry.about("CASGO", 45.0985, -63.70433, 240.0, 480, 480, (240.0, 239.0))
B = RadarGeometry.about("CASCM", 46.22232, -65.69924, 240.0, 480, 480, (240.0, 239.0))
FAST = Stores(codec="fast")
SHARD = "20240711"
FIRST = 1720656000  # 2024-07-11 00:00 UTC
SPOTS = 12
HALF = 3  # a spot is 7 x 7 px
LAND, GREEN = (0x99, 0x99, 0x66), (0x00, 0xCC, 0x00)
Pixel = tuple[int, int]


def spots() -> list[tuple[float, float]]:
    """Random (longitude, latitude) that both radars see, clear of border, cross and each other's range."""
    random = np.random.default_rng(8)
    found: list[tuple[float, float]] = []
    while len(found) < SPOTS:
        longitude, latitude = random.uniform(-67, -62), random.uniform(44, 48)
        pixels = [pixel_of(radar, longitude, latitude) for radar in (A, B)]
        distance = [
            np.hypot(column - radar.center_px[0], row - radar.center_px[1])
            for radar, (row, column) in zip((A, B), pixels, strict=True)
        ]
        if min(distance) > 20 and max(distance) < 225:
            found.append((longitude, latitude))
    return found


def pixel_of(radar: RadarGeometry, longitude: float, latitude: float) -> Pixel:
    column, row = radar.grid.pixel_of(np.array(longitude), np.array(latitude))
    return round(float(row)), round(float(column))


def center_of(echo: np.ndarray) -> Pixel:
    """The middle of the one spot of a picture."""
    rows, columns = np.nonzero(echo)
    assert rows.size > 0
    return round(float(rows.mean())), round(float(columns.mean()))


def near(found: Pixel, wanted: Pixel) -> bool:
    """The same pixel, but for the rounding of two nearest-neighbour steps."""
    return max(abs(found[0] - wanted[0]), abs(found[1] - wanted[1])) <= 1


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Layout, list[tuple[float, float]]]:
    """Pictures of one spot each, a time a spot, taken through every stage up to the composite."""
    root = tmp_path_factory.mktemp("spots")
    layout, places = Layout(root / "results"), spots()
    for radar in (A, B):
        folder = root / "frames" / radar.radar
        folder.mkdir(parents=True)
        for number, (longitude, latitude) in enumerate(places):
            picture = np.zeros((480, 580, 3), np.uint8)
            picture[:, 100:] = LAND
            row, column = pixel_of(radar, longitude, latitude)
            picture[row - HALF : row + HALF + 1, 100 + column - HALF : 100 + column + HALF + 1] = GREEN
            time = to_datetime(FIRST + 360 * number).strftime("%Y%m%d%H%M")
            iio.imwrite(folder / f"{time}.png", picture)
        prepare(layout, folder, radar)
    geometries = [A, B]
    for target in ("CASGO", "CASCM", "composite"):
        for radar in ("CASGO", "CASCM"):
            build_warp_grid(
                target=target,
                radar=radar,
                geometries=geometries,
                composite=Composite(grid="union"),
                output=layout.warp(target, radar),
            )
    model = root / "model.pt"
    config = model_config(base_width=2, input_minutes=(0,))
    network = build_model(config)
    draw_weights(network, 1)
    save_model(model, config, network.state_dict(), {})
    for own, other in ((A, B), (B, A)):
        finish(layout, own, other, model)
    compose_radars(
        shard=SHARD,
        products=[layout.cleaned(radar, SHARD) for radar in ("CASGO", "CASCM")],
        warps=[layout.warp("composite", radar) for radar in ("CASGO", "CASCM")],
        output=layout.composite(SHARD),
        stores=Stores(codec="fast"),
    )
    return layout, places


def prepare(layout: Layout, folder: Path, radar: RadarGeometry) -> None:
    name = radar.radar
    build_rgb_store(
        radar=name,
        source=folder,
        names=NameFormat(r"(\d{12})", "%Y%m%d%H%M"),
        shard=SHARD,
        size=(580, 480),
        stores=Stores(codec="fast"),
        frames=BadFrames(on_bad_frame="fail"),
        output=layout.rgb(name, SHARD),
        rejects=layout.rejects(name, SHARD),
    )
    overlay = Overlay(mask="none", border_px=3, boxes_px=((334, 233, 347, 246),))
    labels = Colours(palette=str(Path(__file__).parents[2] / "config/palettes/eccc.csv"))
    picture = layout.picture(name)
    learn_picture(
        rgb=[layout.rgb(name, SHARD)],
        plot_box=(100, 0, 580, 480),
        geometry=radar,
        overlay=overlay,
        labels=labels.cut(PictureColours),
        picture=PictureFrames(),
        output=picture,
        mask=picture.with_suffix(".png"),
    )
    decode_reflectivity(
        rgb=layout.rgb(name, SHARD),
        picture=picture,
        output=layout.reflectivity(name, SHARD),
        stores=FAST,
        plot_box=(100, 0, 580, 480),
        geometry=radar,
        overlay=overlay,
        labels=labels,
    )
    build_clutter_atlas(
        results=layout.results,
        radar=name,
        stores=[f"{name}={SHARD}"],
        atlas=Clutter(window_px=0, quiet_fraction=0.5, min_quiet_frames=10, threshold=0.9),
        output=layout.atlas(name),
    )


def finish(layout: Layout, own: RadarGeometry, other: RadarGeometry, model: Path) -> None:
    name = own.radar
    align_radars(
        radar=name,
        reflectivity=layout.reflectivity(name, SHARD),
        others=[other.radar],
        other_reflectivity=[layout.reflectivity(other.radar, SHARD)],
        other_warps=[layout.warp(name, other.radar)],
        output=layout.aligned(name, SHARD),
        stores=FAST,
    )
    label_echoes(
        reflectivity=layout.reflectivity(name, SHARD),
        labels=Morphology(opening_px=3, closing_px=3, min_area_px=9),
        atlas=layout.atlas(name),
        aligned=layout.aligned(name, SHARD),
        other_warps=[layout.warp(name, other.radar)],
        votes=LabelModel(colour=0, density=0, spoke=0, area=1, atlas=0.25, persistence=0, others=1),
        output=layout.labels(name, SHARD),
        labelers=layout.labelers(name, SHARD),
        stores=FAST,
    )
    clean_frames(
        results=layout.results,
        shard=SHARD,
        geometry=own,
        model=[model],
        inputs=ModelInputs(input_minutes=(0,)),
        static=False,
        cleaning=FrameCleaning(threshold=0, votes=0, fill=False),  # keep every echo: this is about places
        threads=1,
        output=layout.cleaned(name, SHARD),
        stores=Stores(codec="fast"),
    )


@pytest.mark.parametrize("radar", [A, B], ids=["CASGO", "CASCM"])
@pytest.mark.parametrize(
    ("kind", "variable", "echo"),
    [
        ("reflectivity", "reflectivity", (1, 254)),
        ("aligned", "reflectivity", (1, 254)),
        ("labels", "echo_class", (1, 1)),
    ],
    ids=["reflectivity", "other_radars", "label"],
)
def test_a_spot_keeps_its_pixel_on_the_radars_own_grid(
    chain: tuple[Layout, list[tuple[float, float]]],
    radar: RadarGeometry,
    kind: str,
    variable: str,
    echo: tuple[int, int],
) -> None:
    layout, places = chain
    store = open_store(getattr(layout, kind)(radar.radar, SHARD), kind)
    for number, (longitude, latitude) in enumerate(places):
        values = store.frame(variable, number)
        found = (values >= echo[0]) & (values <= echo[1])
        wanted = pixel_of(radar, longitude, latitude)
        assert found[wanted]
        assert near(center_of(found), wanted)


@pytest.mark.parametrize("radar", [A, B], ids=["CASGO", "CASCM"])
def test_this_radar_and_others_and_the_target_stay_aligned_in_augmented_crops(
    chain: tuple[Layout, list[tuple[float, float]]], radar: RadarGeometry, tmp_path: Path
) -> None:
    layout, places = chain
    name = radar.radar
    samples = [Sample(FIRST + 360 * number, name) for number in range(len(places))]
    sources = RadarSources(
        [layout.reflectivity(name, SHARD)], [layout.aligned(name, SHARD)], [layout.labels(name, SHARD)]
    )
    inputs = Inputs((0,), "none", "max")
    write_frame_cache(tmp_path, {name: sources}, samples, inputs, 10**9)
    cache = open_frame_cache(tmp_path)
    how = augmentation(crop=96, flips=True, prefer_echo=1.0)
    turned = 0
    for item, sample in enumerate(samples):
        draw = sampler(how, NO_HOLES, inputs, seed=3).sample(cache, sample, epoch=0, item=item)
        turned += draw.flip_rotation.flip or draw.flip_rotation.quarter_turns > 0
        raw = cut_crops(cache, [sample], [draw], inputs)
        batch = make_batch(raw, inputs, torch.device("cpu"))
        own, others = (batch.channels[0, channel].numpy() > 0 for channel in (0, 2))
        target = batch.mask[0].numpy() > 0
        if not (own[0].any() or own[-1].any() or own[:, 0].any() or own[:, -1].any()):  # whole in the crop
            assert near(center_of(others), center_of(own))
            assert center_of(target) == center_of(own)
        assert (own & others & target).any()
    assert turned > SPOTS / 2


def test_a_spot_keeps_its_place_in_products_and_composite(
    chain: tuple[Layout, list[tuple[float, float]]],
) -> None:
    layout, places = chain
    composite = open_store(layout.composite(SHARD), "product")
    longitudes, latitudes = composite.read("longitude"), composite.read("latitude")
    for number, (longitude, latitude) in enumerate(places):
        for radar in (A, B):
            kept = (
                open_store(layout.cleaned(radar.radar, SHARD), "product").frame("quality_flag", number)
                == FLAG_KEPT
            )
            assert near(center_of(kept), pixel_of(radar, longitude, latitude))
        distance = np.hypot((longitudes - longitude) * np.cos(np.radians(latitude)), latitudes - latitude)
        wanted = tuple(int(index) for index in np.unravel_index(distance.argmin(), distance.shape))
        kept = composite.frame("quality_flag", number) == FLAG_KEPT
        assert kept[wanted]
        assert near(center_of(kept), wanted)
