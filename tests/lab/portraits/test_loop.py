"""The training loop: what it promises whoever stops it."""

from __future__ import annotations

import os
from pathlib import Path
from shutil import copytree

import pytest
import torch
from torch import nn

from attrbank import files
from attrbank.errors import IncompatibleError
from lab.portraits.loop import Trainer, rate


def regression(network: nn.Module):
    def loss_at(step: int) -> torch.Tensor:
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
        return (network(x).squeeze(1) - x.sum(1)).square().mean()

    return loss_at


def fresh() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(4, 1)


def test_a_stopped_and_resumed_run_equals_one_that_went_through(tmp_path: Path):
    straight, stopped, resumed = fresh(), fresh(), fresh()
    whole = Trainer({"n": straight}, tmp_path / "a", 1e-2)
    assert whole.run(regression(straight), 40, None, "run")
    half = Trainer({"n": stopped}, tmp_path / "b", 1e-2)
    for _ in range(20):
        half._update(regression(stopped), 40)
    half.save()
    rest = Trainer({"n": resumed}, tmp_path / "b", 1e-2)
    assert rest.step == 20
    assert rest.run(regression(resumed), 40, None, "run")
    torch.testing.assert_close(resumed.weight, straight.weight)
    torch.testing.assert_close(rest.ema["n/weight"], whole.ema["n/weight"])


def test_a_kill_at_any_moment_of_a_save_leaves_the_old_state_or_the_new(tmp_path: Path, monkeypatch):
    """The folder as it is before each thing that a save does to a file, resumed."""
    folder, killed = tmp_path / "run", list[Path]()

    def watched(act):
        def acting(*arguments, **options):
            killed.append(copytree(folder, tmp_path / f"killed-{len(killed)}"))
            return act(*arguments, **options)

        return acting

    network = fresh()
    trainer = Trainer({"n": network}, folder, 1e-2)
    expected = {}
    for _ in range(2):
        trainer._update(regression(network), 40)
        trainer.save()
        expected[trainer.step] = network.weight.clone(), trainer.ema["n/weight"].clone()
        monkeypatch.setattr(files, "complete", watched(files.complete))
        monkeypatch.setattr(os, "replace", watched(os.replace))
    assert killed
    for state in killed:
        resumed = fresh()
        rest = Trainer({"n": resumed}, state, 1e-2)
        torch.testing.assert_close((resumed.weight, rest.ema["n/weight"]), expected[rest.step])


def test_a_run_without_time_keeps_its_state(tmp_path: Path):
    network = fresh()
    trainer = Trainer({"n": network}, tmp_path, 1e-2)
    assert not trainer.run(regression(network), 40, 0, "run")
    assert (tmp_path / "checkpoint.safetensors").exists()


def test_a_checkpoint_that_learned_from_other_data_is_refused(tmp_path: Path):
    Trainer({"n": fresh()}, tmp_path, 1e-2, data="64 pictures").save()
    with pytest.raises(IncompatibleError, match="64 pictures"):
        Trainer({"n": fresh()}, tmp_path, 1e-2, data="128 pictures")
    assert Trainer({"n": fresh()}, tmp_path, 1e-2, data="64 pictures").step == 0


def test_training_lowers_the_loss_and_the_average_follows(tmp_path: Path):
    network = fresh()
    loss = regression(network)
    before = loss(999).item()
    trainer = Trainer({"n": network}, tmp_path, 3e-2, ema_decay=0.9)
    trainer.run(loss, 300, None, "run")
    trainer.load_average()
    assert loss(999).item() < 0.05 * before


def test_the_plateau_does_not_depend_on_the_number_of_steps():
    assert rate(500, 1000, 1.0) == rate(500, 9000, 1.0) == 1.0
    assert rate(0, 1000, 1.0) < 0.02
    assert 0 < rate(999, 1000, 1.0) < 0.01
