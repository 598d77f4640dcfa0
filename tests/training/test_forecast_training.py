"""The loss of forecasts, their scores in validation, and a small network that learns how rain moves."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from forecast_cases import moving_cache
from learning_cases import (
    augmentation,
    config,
    environment,
    running,
    small_cache,
    train_flags,
    train_here,
    training,
    write_stores,
)

from radar_cleaner.config.training import Loss
from radar_cleaner.datasets.batches import Batch, Forecast
from radar_cleaner.errors import ConfigError
from radar_cleaner.models.registry import build_model
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.loop import train
from radar_cleaner.training.losses import FORECAST, TERMS, focal_bce, forecast_loss, sample_losses, soft_dice
from radar_cleaner.training.signals import Interruption
from radar_cleaner.training.validation import (
    FORECASTS,
    SUMS,
    Validation,
    count_forecasts,
    mean_losses,
    scores,
    sum_names,
)

WEIGHTS = Loss(reflectivity=1.5, inpainting=0, other_echo=1)
AHEAD = {"input_minutes": (-6, 0), "lead_minutes": (0, 6, 12)}


def targets(samples=3, leads=2, size=8, seed=0):
    random = torch.Generator().manual_seed(seed)

    def draw():
        return torch.rand(samples, leads, size, size, generator=random)

    mask, weight = (draw() > 0.7).float(), draw() * (draw() > 0.3)
    return Forecast(mask, weight, draw(), weight * mask)


def heads(samples=3, leads=2, size=8, seed=1):
    random = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(samples, leads, size, size, generator=random) for _ in range(2))


def by_hand(logit, scaled, mask, weight, reflectivity, reflectivity_weight):
    """Return the loss of one sample and lead time by the formulas, pixel by pixel."""
    p = 1 / (1 + np.exp(-logit))
    entropy = -(mask * np.log(p) + (1 - mask) * np.log(1 - p))
    dice = 1 - (2 * (weight * p * mask).sum() + 1) / ((weight * (p + mask)).sum() + 1)
    error = np.abs(scaled - reflectivity)
    smooth = np.where(error < 0.05, error**2 / 0.1, error - 0.025)
    return (
        (weight * entropy).sum() / weight.sum()
        + dice
        + 1.5 * (reflectivity_weight * smooth).sum() / reflectivity_weight.sum()
    )


def test_the_loss_is_the_mean_over_lead_times_of_entropy_dice_and_reflectivity():
    forecast, (logit, scaled) = targets(), heads()
    found = forecast_loss(logit, scaled, forecast, WEIGHTS)
    parts = [part.double().numpy() for part in (logit, scaled, *forecast.__dict__.values())]
    wanted = [np.mean([by_hand(*(part[b, lead] for part in parts)) for lead in range(2)]) for b in range(3)]
    assert np.allclose(found.numpy(), wanted, rtol=1e-5)


def test_a_lead_of_which_nothing_is_known_is_left_out_of_the_mean():
    forecast, (logit, scaled) = targets(), heads()
    forecast.weight[0, 1] = forecast.reflectivity_weight[0, 1] = 0
    forecast.weight[1] = forecast.reflectivity_weight[1] = 0
    found = forecast_loss(logit, scaled, forecast, WEIGHTS)
    first = Forecast(*(part[:1, :1] for part in forecast.__dict__.values()))
    assert torch.allclose(found[0], forecast_loss(logit[:1, :1], scaled[:1, :1], first, WEIGHTS)[0])
    assert found[1] == 0 and found[2] > 0


def test_no_rain_at_all_costs_more_than_the_right_rain_and_less_sure_rain():
    """Entropy alone hardly changes where a few in a hundred pixels are rain."""
    mask = torch.zeros(1, 1, 20, 20)
    mask[..., :4, :4] = 1
    weight = torch.ones_like(mask)
    forecast = Forecast(mask, weight, mask, weight * mask)
    losses = [
        float(forecast_loss(logit, mask, forecast, WEIGHTS))
        for logit in (8 * mask - 4, torch.full_like(mask, -4.0), 2 * mask - 4)
    ]
    assert losses[0] < losses[2] < losses[1] and losses[1] > 1


def test_its_weight_scales_it_and_without_lead_times_there_is_no_term():
    batch = Batch(
        torch.empty(0), *(torch.rand(3, 8, 8) for _ in range(4)), *(torch.rand(3, 8, 8) > 0.5 for _ in range(3))
    )
    own = [torch.randn(3, 8, 8) for _ in range(2)]
    alone = sample_losses(*own, batch, WEIGHTS)
    ahead = Batch(**{**batch.__dict__, "forecast": targets()})
    found = sample_losses(*own, ahead, Loss(reflectivity=1.5, inpainting=0, other_echo=1, forecast=3), heads())
    assert set(alone) == set(TERMS) and set(found) == {*TERMS, FORECAST}
    assert all(torch.equal(alone[name], found[name]) for name in TERMS[1:])
    assert torch.allclose(found["loss"], alone["loss"] + 3 * found[FORECAST])


def test_validation_counts_observed_and_forecast_rain_by_lead_time():
    forecast, (logit, scaled) = targets(leads=2), heads(leads=3)
    batch = Batch(torch.empty(0), *([torch.empty(0)] * 7), forecast)
    found = count_forecasts(torch.stack([logit, scaled]), batch).numpy()
    for lead in range(2):
        hits = misses = alarms = pixels = 0
        error = 0.0
        for one, *pixel in np.ndindex(3, 8, 8):
            at, head = (one, lead, *pixel), (one, lead + 1, *pixel)
            if forecast.weight[at] == 0:
                continue
            forecast_rain, rain = logit[head] >= 0, forecast.mask[at] == 1
            hits, misses, alarms = (
                hits + int(forecast_rain & rain),
                misses + int(~forecast_rain & rain),
                alarms + int(forecast_rain & ~rain),
            )
            if rain:
                pixels += 1
                error += 80 * abs(float(scaled[head] - forecast.reflectivity[at]))
        assert found[lead].tolist() == pytest.approx([hits, misses, alarms, error, pixels], rel=1e-5)


def test_the_scores_have_columns_for_the_lead_times_and_none_without_them():
    ahead = training(model=config(**AHEAD))
    assert sum_names(training()) == SUMS
    assert sum_names(ahead)[: len(TERMS) + 1] == (*TERMS, FORECAST)
    sums = dict.fromkeys(sum_names(ahead), 0.0)
    sums |= dict(zip([f"{name}_12min" for name in FORECASTS], (6, 1, 3, 30, 10), strict=True))
    found = scores(sums, 2)
    assert found["forecast_csi_12min"] == 0.6 and found["forecast_mae_dbz_12min"] == 3
    assert math.isnan(found["forecast_csi_6min"]) and found[FORECAST] == 0
    without = scores(dict.fromkeys(SUMS, 0.0), 2)
    assert found.keys() - without.keys() == {
        FORECAST,
        *(f"forecast_{score}_{lead}min" for score in ("csi", "mae_dbz") for lead in (6, 12)),
    }
    assert FORECAST not in mean_losses(dict.fromkeys(SUMS, 0.0), 1)


def test_without_lead_times_the_forecasts_weight_changes_no_bit_of_the_weights(tmp_path):
    cache, samples = small_cache()
    found = []
    for weight in (0.0, 7.0):
        how = training(weights=Loss(focal_gamma=2, dice=0.5, inpainting=1, other_echo=1, forecast=weight))
        trained = train(how, running(), cache, samples, samples[:1], environment(tmp_path / f"{weight}.pt"))
        found.append(trained.best)
        assert not [name for name in trained.history[0] if "forecast" in name]
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


@pytest.mark.slow  # a training of ten seconds
def test_a_small_network_learns_how_rain_moves_and_beats_persistence(tmp_path):
    """Twelve minutes ahead, by training and validating as train-model does, on rain that it has not seen."""
    cache, samples = moving_cache(range(40))
    model = config(base_width=8, depth=2, **AHEAD)
    how = training(
        augmentation(crop=32),
        model,
        weights=Loss(inpainting=0, other_echo=1),
        epochs=24,
        global_batch_size=4,
        learning_rate=1e-2,
    )
    trained = train(how, running(), cache, samples[:32], samples[32:], environment(tmp_path / "state.pt"))
    best = trained.history[trained.best_epoch - 1]
    hits = wrong = 0
    for sample in samples[32:]:
        frames = cache["CASGO"]
        now, then = (frames.variables[frames.index[sample.time + 60 * minutes], 0] > 0 for minutes in (0, 12))
        hits, wrong = hits + (now & then).sum(), wrong + (now ^ then).sum()
    persistence = hits / (hits + wrong)
    assert persistence < 0.35
    assert best["val_forecast_csi_12min"] > persistence + 0.2
    assert best["val_forecast_csi_6min"] > best["val_forecast_csi_12min"]
    network = build_model(model)
    network.load_state_dict(trained.best)
    sums = Validation(how, cache, samples[32:], Processes(), Interruption()).sums(network)
    assert scores(sums, 8)["forecast_csi_12min"] == pytest.approx(best["val_forecast_csi_12min"])


def test_train_model_writes_the_columns_of_its_leads(tmp_path):
    stores = write_stores(tmp_path)
    train_here(train_flags(tmp_path, stores, input_minutes=[-6, 0], lead_minutes=[0, 6, 18], epochs=2))
    history = pd.read_csv(tmp_path / "model/history.csv")
    ahead = {name for name in history if "forecast" in name}
    assert ahead == {
        "train_forecast",
        "val_forecast",
        *(f"val_forecast_{score}_{lead}min" for score in ("csi", "mae_dbz") for lead in (6, 18)),
    }
    assert history["train_forecast"].gt(0).all() and history["val_forecast_csi_6min"].notna().all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lead_minutes": (6, 12)}, r"samples.lead_minutes \[6, 12\]: must rise from 0"),
        ({"lead_minutes": (0, 12, 6)}, "must rise from 0"),
        ({"lead_minutes": (0, 6)}, r"samples.input_minutes \[-6, 0, 6\]: a forecast"),
        ({"lead_minutes": (0, 6), "input_minutes": (-12, -6)}, "and the frame that is cleaned"),
    ],
)
def test_a_network_that_forecasts_sees_the_past_only(changes, message):
    with pytest.raises(ConfigError, match=message):
        config(**changes)


def test_the_mask_has_the_focal_entropy_of_the_frame_itself():
    forecast, (logit, scaled) = targets(1, 1), heads(1, 1)
    for gamma in (0.0, 2.0):
        entropy = focal_bce(logit, forecast.mask, gamma)
        wanted = (entropy * forecast.weight).sum() / forecast.weight.sum()
        wanted = wanted + soft_dice(torch.sigmoid(logit), forecast.mask, forecast.weight)[0, 0]
        found = forecast_loss(
            logit, scaled, forecast, Loss(focal_gamma=gamma, reflectivity=0, inpainting=0, other_echo=1)
        )
        assert float(found) == pytest.approx(float(wanted), rel=1e-6)
