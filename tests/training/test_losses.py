"""The loss's terms."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from radar_cleaner.config.training import Loss
from radar_cleaner.datasets.batches import Batch
from radar_cleaner.training.losses import TERMS, focal_bce, sample_losses, soft_dice

WEIGHTS = Loss(focal_gamma=2, dice=0.5, reflectivity=1.5, inpainting=2, other_echo=1)


def make_batch(samples=3, size=8, seed=0):
    random = torch.Generator().manual_seed(seed)

    def draw():
        return torch.rand(samples, size, size, generator=random)

    mask, weight = (draw() > 0.6).float(), draw() * (draw() > 0.3)
    return Batch(
        channels=torch.empty(0),
        mask=mask,
        weight=weight,
        reflectivity=draw(),
        reflectivity_weight=weight * mask,
        hidden=draw() > 0.5,
        echo=draw() > 0.5,
        injected=draw() > 0.8,
    )


def heads(samples=3, size=8, seed=1):
    random = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(samples, size, size, generator=random) for _ in range(2))


def test_focal_term_without_focus_is_cross_entropy():
    logit, mask = heads()[0], make_batch().mask
    plain = functional.binary_cross_entropy_with_logits(logit, mask, reduction="none")
    assert torch.allclose(focal_bce(logit, mask, 0), plain)


@given(logit=st.floats(-30, 30), mask=st.sampled_from([0.0, 1.0]), gamma=st.floats(0.1, 4))
def test_focal_term_is_the_formula_with_finite_gradients(logit, mask, gamma):
    x = torch.tensor([logit], requires_grad=True)
    loss = focal_bce(x, torch.tensor([mask]), gamma)
    loss.sum().backward()
    truth = 1 / (1 + math.exp(-logit if mask else logit))
    assert float(loss.detach()) == pytest.approx((1 - truth) ** gamma * -math.log(truth), rel=1e-2, abs=1e-4)
    assert torch.isfinite(x.grad).all()


def test_dice_is_zero_for_the_truth_and_near_one_for_its_opposite():
    batch = make_batch(size=32)
    assert torch.allclose(soft_dice(batch.mask, batch.mask, batch.weight), torch.zeros(3), atol=1e-6)
    assert (soft_dice(1 - batch.mask, batch.mask, batch.weight) > 0.95).all()


def test_pixels_without_weight_do_not_count():
    batch, (logit, scaled) = make_batch(), heads()
    unknown = batch.weight == 0
    before = sample_losses(logit, scaled, batch, WEIGHTS)
    after = sample_losses(
        torch.where(unknown, logit + 9, logit), torch.where(unknown, scaled - 5, scaled), batch, WEIGHTS
    )
    assert unknown.any()
    assert all(torch.allclose(before[name], after[name]) for name in TERMS)


def test_reflectivity_is_learnt_where_it_rains_and_inpainting_in_masks_only():
    batch, (logit, scaled) = make_batch(), heads()
    dry, seen = batch.mask == 0, ~batch.hidden
    before = sample_losses(logit, scaled, batch, WEIGHTS)
    off_rain = sample_losses(logit, torch.where(dry, scaled + 1, scaled), batch, WEIGHTS)
    off_holes = sample_losses(logit, torch.where(seen, scaled + 1, scaled), batch, WEIGHTS)
    assert torch.allclose(before["reflectivity"], off_rain["reflectivity"])
    assert torch.allclose(before["inpainting"], off_holes["inpainting"])
    assert not torch.allclose(before["reflectivity"], off_holes["reflectivity"])


def test_a_term_without_a_pixel_is_zero_not_nan():
    batch = make_batch()
    nothing = Batch(
        **{
            **batch.__dict__,
            "weight": batch.weight * 0,
            "reflectivity_weight": batch.reflectivity_weight * 0,
        }
    )
    terms = sample_losses(*heads(), nothing, WEIGHTS)
    assert all((terms[name] == 0).all() for name in TERMS)


def test_the_loss_of_a_batch_is_the_mean_of_its_samples_losses_alone():
    batch, (logit, scaled) = make_batch(samples=5), heads(samples=5)
    together = sample_losses(logit, scaled, batch, WEIGHTS)
    for number in range(5):
        part = slice(number, number + 1)
        alone = Batch(**{name: value[part] for name, value in batch.__dict__.items() if value is not None})
        single = sample_losses(logit[part], scaled[part], alone, WEIGHTS)
        assert torch.allclose(single["loss"][0], together["loss"][number])


def test_weights_scale_their_terms():
    terms = sample_losses(*heads(), make_batch(), WEIGHTS)
    total = terms["focal"] + 0.5 * terms["dice"] + 1.5 * terms["reflectivity"] + 2 * terms["inpainting"]
    assert torch.allclose(terms["loss"], total)


@given(factor=st.floats(0, 50))
def test_other_echo_weighs_so_much_more_in_the_mask_and_nothing_else_does(factor):
    batch, (logit, scaled) = make_batch(), heads()
    found = sample_losses(logit, scaled, batch, Loss(dice=0.5, reflectivity=1.5, inpainting=2, other_echo=factor))
    plain = sample_losses(logit, scaled, batch, Loss(dice=0.5, reflectivity=1.5, inpainting=2, other_echo=1))
    assert all(torch.equal(found[name], plain[name]) for name in ("reflectivity", "inpainting"))
    entropy = functional.binary_cross_entropy_with_logits(logit, batch.mask, reduction="none").double()
    for sample in range(3):
        parts = {  # weather; other echo; what does not echo
            kind: batch.weight[sample].double() * where[sample]
            for kind, where in {
                "weather": batch.mask > 0,
                "other": (batch.mask == 0) & batch.echo & ~batch.injected,
                "injected or none": (batch.mask == 0) & ~(batch.echo & ~batch.injected),
            }.items()
        }
        sums = {kind: (float((entropy[sample] * part).sum()), float(part.sum())) for kind, part in parts.items()}
        value, total = (
            sums["weather"][i] + factor * sums["other"][i] + sums["injected or none"][i] for i in (0, 1)
        )
        assert float(found["focal"][sample]) == pytest.approx(value / total, rel=1e-4)


def test_smoothed_labels_are_met_at_their_own_probability_and_change_the_focal_term_only():
    batch, (logit, scaled) = make_batch(), heads()
    smooth = Loss(dice=0.5, reflectivity=1.5, inpainting=2, other_echo=1, label_smoothing=0.2)
    before, after = (sample_losses(logit, scaled, batch, weights) for weights in (WEIGHTS, smooth))
    assert all(torch.equal(before[name], after[name]) for name in ("dice", "reflectivity", "inpainting"))
    mask = torch.tensor([[1.0, 0.0]])
    probability = torch.tensor([[0.9, 0.1]], dtype=torch.float64)
    best = torch.logit(probability).float().requires_grad_()
    focal_bce(best, mask, 0, 0.2).sum().backward()
    assert best.grad.abs().max() < 1e-6
