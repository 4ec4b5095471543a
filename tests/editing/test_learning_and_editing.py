"""Learning and applying, end to end on a tiny model in the real format."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from attrbank.attribute.artifact import decode, encode
from attrbank.diffusion.schedule import nearest_index
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.composition import Act, run_edits
from attrbank.editing.plan import plan
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.errors import IncompatibleError, InvalidValueError, StorageError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn, learn_attribute
from attrbank.methods.avi import Avi
from attrbank.methods.pairs import predict_seen_pairs
from attrbank.methods.protocol import LearnContext, quiet
from attrbank.names import Asked
from attrbank.pictures.png_text import read_recipe_text
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM
from attrbank.schema.carried import Recipe
from attrbank.store.bank import Bank

SOURCE, TARGET = "a photo of a person", "a photo of an old person"


@pytest.fixture(scope="module")
def backbone(tiny_pipeline: Path):
    return load_plugins().backbone(str(tiny_pipeline))


def learned(backbone, sampler: str = "ddim", **options):
    options = {"seeds": tuple(range(6)), "steps": 10, "guidance_scale": 3.0, "core": "mean", **options}
    spec = complete(learn_spec("old", [SOURCE], [TARGET], **options), backbone)
    return learn_attribute(spec, Avi(), backbone, load_plugins().sampler(sampler))


@pytest.fixture(scope="module")
def old(backbone):
    return learned(backbone)


def trajectory(backbone, sampler: str = "ddim") -> Trajectory:
    chosen = load_plugins().sampler(sampler)
    return Trajectory(backbone, chosen, grid=chosen.grid(10, backbone.schedule), guidance_scale=3.0)


def edited(backbone, attribute, strength: float, core=None, seeds=(100, 101)):
    edit = Avi().edit(attribute.record, attribute.tensors, core)
    index = next(i for i, (t, _) in enumerate(trajectory(backbone).grid) if t == attribute.record.resolved.timestep_x)
    return run_edits(trajectory(backbone), SOURCE, seeds, [Act(index, edit, strength)])


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_seeds_too_few_to_judge_a_network_leave_it_to_the_mean(backbone, seeds, monkeypatch):
    monkeypatch.setattr("attrbank.methods.difference.CLEARLY_BETTER", -9.0)  # what is banked acts whatever live does
    record = learned(backbone, seeds=tuple(range(seeds)), core=None).record
    assert record.core == "mean"
    assert record.measured["explained_variance_conv"] == record.measured["explained_variance_mean"]


def test_a_rank_that_no_latent_has_is_refused_before_anything_is_sampled(backbone):
    def never(stage: str, done: int, total: int) -> None:
        raise AssertionError(stage)

    spec = complete(learn_spec("old", [SOURCE], [TARGET], seeds=(1,), rank=17), backbone)
    with pytest.raises(InvalidValueError, match="ranks from 1 to 16"):
        learn_attribute(spec, Avi(), backbone, load_plugins().sampler("ddim"), never)


@pytest.mark.parametrize("core", ["mean", "mlp", "conv", "own"])
def test_strength_zero_is_the_identity_bit_for_bit(backbone, core, old):
    before, after = edited(backbone, old, 0.0, core)
    assert torch.equal(before, after)


class Remembering(DDIM):
    """A sampler that leans on its last prediction, so that forgetting it shows."""

    def step(self, x, prediction, t, t_prev, schedule, noise, state):
        x_prev, _ = super().step(x, prediction, t, t_prev, schedule, noise, None)
        return x_prev + 0.1 * (prediction.eps - state if state is not None else 0), prediction.eps


def test_an_edit_of_strength_zero_leaves_a_sampler_its_memory(backbone, old):
    attribute, sampler = old, Remembering()
    edit = Avi().edit(attribute.record, attribute.tensors, "mean")
    for strength, same in ((0.0, True), (1e-9, False)):
        run = Trajectory(backbone, sampler, grid=sampler.grid(10, backbone.schedule), guidance_scale=3.0)
        before, after = run_edits(run, SOURCE, [7], [Act(6, edit, strength)])
        assert torch.equal(before, after) is same


@pytest.mark.parametrize("core", ["mean", "mlp", "conv", "own"])
def test_strength_one_moves_the_picture_and_minus_one_moves_it_elsewhere(backbone, core, old):
    attribute = old
    before, more = edited(backbone, attribute, 1.0, core)
    _, less = edited(backbone, attribute, -1.0, core)
    assert (more - before).abs().max() > 1e-3
    assert (more - less).abs().max() > (more - before).abs().max()


@pytest.mark.parametrize("options", [{}, {"tail": "alg1"}, {"solver": "mlp", "samples": 40}, {"z": "own"}])
def test_the_papers_vectors_are_the_identity_at_zero_and_move_the_picture_at_one(backbone, options):
    attribute = learned(backbone, vectors="paper", core=None, **options)
    before, after = edited(backbone, attribute, 0.0)
    assert torch.equal(before, after)
    assert not torch.equal(before, edited(backbone, attribute, 1.0).after)


def test_own_on_a_learning_seed_is_that_seeds_difference_seen_through_the_vectors(backbone):
    """With one seed and full rank, the mean, and this picture's own difference, are the same thing."""
    attribute = learned(backbone, seeds=(5,), rank=16)
    tensors = dict(attribute.tensors)
    mean = edited(backbone, attribute, 1.0, "mean", seeds=(5,)).after
    full = learn_attribute_with_full_shared_rank(backbone)
    own = edited(backbone, full, 1.0, "own", seeds=(5,)).after
    assert tensors["mean.u"].shape[-1] == 16
    torch.testing.assert_close(mean, own, atol=2e-4, rtol=1e-3)


def learn_attribute_with_full_shared_rank(backbone):
    from attrbank.methods import difference

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(difference, "SHARED_RANK", 16)
        return learned(backbone, seeds=(5,), rank=16)


def test_an_artifact_survives_its_bytes(backbone, old):
    attribute = old
    again = decode(encode(attribute))
    assert again.record == attribute.record
    _, after = edited(backbone, again, 1.0)
    assert torch.equal(after, edited(backbone, attribute, 1.0).after)


def test_with_the_mean_an_edit_costs_no_evaluation_beyond_two_pictures(backbone, old):
    attribute, run = old, trajectory(backbone)
    edit = Avi().edit(attribute.record, attribute.tensors, "mean")
    run_edits(run, SOURCE, [7], [Act(6, edit, 1.0)], with_before=False)
    assert run.evaluations == 2 * 10
    run = trajectory(backbone)
    run_edits(run, SOURCE, [7], [Act(6, edit, 1.0)])
    assert run.evaluations == 2 * (10 + 4)


def test_two_edits_at_one_step_both_act_and_commute(backbone, old):
    attribute = old
    edit = Avi().edit(attribute.record, attribute.tensors, "mean")
    once = run_edits(trajectory(backbone), SOURCE, [7], [Act(6, edit, 0.5), Act(6, edit, 0.25)]).after
    whole = run_edits(trajectory(backbone), SOURCE, [7], [Act(6, edit, 0.75)]).after
    torch.testing.assert_close(once, whole, atol=1e-4, rtol=1e-4)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, tiny_pipeline: Path) -> Path:
    folder = tmp_path_factory.mktemp("filled") / "bank"
    spec = learn_spec("old", [SOURCE], [TARGET], seeds=(0, 1, 2, 3), steps=10, core="conv")
    learn(spec, backbone=str(tiny_pipeline), bank=folder)
    return folder


@pytest.fixture
def bank(tmp_path: Path, filled: Path) -> Path:
    return shutil.copytree(filled, tmp_path / "bank")


def request(bank: Path, model: Path, output: Path, **options) -> ApplyRequest:
    options = {"steps": 10, **options}
    return ApplyRequest(references=(Asked("old"),), bank=bank, backbone=str(model), output=output, **options)


def test_apply_writes_a_picture_that_carries_its_recipe(bank, tiny_pipeline, tmp_path):
    applied = apply(request(bank, tiny_pipeline, tmp_path / "out.png", seed=3))
    recipe = Recipe.model_validate_json(read_recipe_text(applied.output))
    assert (recipe.seed, recipe.prompt, recipe.steps) == (3, SOURCE, 10)
    assert recipe.steps_applied[0].id == Bank(bank).resolve("old").id
    with Image.open(applied.output) as image:
        assert image.width > 2 * 256


def test_strength_zero_gives_the_same_picture_twice(bank, tiny_pipeline, tmp_path):
    applied = apply(request(bank, tiny_pipeline, tmp_path / "out.png", rho=0.0))
    assert torch.equal(applied.before, applied.after)


def test_the_plan_foretells_the_cost(bank, tiny_pipeline, tmp_path):
    phi = [{"core": core, "only_after": True, "rho": rho} for core in ("mlp", "conv") for rho in (1.0, -1.0)]
    for options in ({}, {"only_after": True}, {"core": "mlp"}, {"core": "own"}, *phi):
        asked = request(bank, tiny_pipeline, tmp_path / "out.png", **options)
        assert apply(asked).unet_evaluations == plan(asked).unet_evaluations, options


def test_a_plan_loads_no_torch(bank, tiny_pipeline):
    code = (
        "import sys\nfrom pathlib import Path\nfrom attrbank.editing.plan import plan\n"
        "from attrbank.editing.request import ApplyRequest\nfrom attrbank.names import Asked\n"
        f"plan(ApplyRequest(references=(Asked('old'),), bank=Path({str(bank)!r}), backbone={str(tiny_pipeline)!r}))\n"
        "print([name for name in ('torch', 'diffusers', 'transformers', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_another_backbone_is_refused_before_it_is_loaded(bank, tiny_pipeline, tmp_path):
    import shutil

    other = shutil.copytree(tiny_pipeline, tmp_path / "other")
    config = json.loads((other / "scheduler" / "scheduler_config.json").read_text())
    (other / "scheduler" / "scheduler_config.json").write_text(json.dumps({**config, "beta_end": 0.02}))
    (other / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(IncompatibleError, match="learned on"):
        apply(request(bank, other, tmp_path / "out.png"))
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("options", [{"prompt": "a" * 2001}, {"prompt": "\ud800"}, {"backbone": "b" * 201}])
def test_what_no_recipe_could_hold_is_refused_at_once(options):
    with pytest.raises(InvalidValueError):
        ApplyRequest(references=(Asked("old"),), **options)


def test_a_picture_that_cannot_be_finished_leaves_nothing_behind(bank, tiny_pipeline, tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = tmp_path / "pictures"
    folder.mkdir()
    monkeypatch.setattr("attrbank.files.os.fsync", full)
    with pytest.raises(StorageError):
        apply(request(bank, tiny_pipeline, folder / "out.png"))
    assert list(folder.iterdir()) == []


def test_an_unwritable_output_is_refused_before_anything_is_computed(bank, tiny_pipeline, tmp_path):
    with pytest.raises(StorageError):
        apply(request(bank, tiny_pipeline, tmp_path / "no such folder" / "out.png"))


def test_a_taken_name_is_refused_before_anything_is_learned(bank):
    spec = learn_spec("old", [SOURCE], [TARGET])
    with pytest.raises(InvalidValueError, match="old"):
        learn(spec, backbone="/no/such/model", bank=bank)


def test_ddpm_repeats_itself_and_edits(backbone):
    attribute = learned(backbone, sampler="ddpm")
    edit = Avi().edit(attribute.record, attribute.tensors, "mean")
    runs = [run_edits(trajectory(backbone, "ddpm"), SOURCE, [7, 8], [Act(6, edit, 1.0)]) for _ in range(2)]
    assert torch.equal(runs[0].after, runs[1].after)
    assert not torch.equal(runs[0].after, runs[0].before)


def seen_pairs(backbone, branch: float):
    spec = complete(learn_spec("old", [SOURCE], [TARGET], seeds=(1, 2), branch=branch), backbone)
    run = trajectory(backbone)
    indices = [nearest_index(run.grid, backbone.schedule, fraction) for fraction in (spec.t_x, spec.t_z)]
    return predict_seen_pairs(LearnContext(spec, run, *indices, quiet, force=True))  # late, a random model says little


def test_the_later_the_runs_part_the_less_they_differ_while_the_source_stays_the_same(backbone):
    early, late, last = (seen_pairs(backbone, branch) for branch in (1.0, 0.8, 0.4))
    assert torch.equal(early.views, late.views)
    sizes = [(pairs.clean.target - pairs.clean.source).norm().item() for pairs in (early, late, last)]
    assert sizes[0] > sizes[1] > sizes[2] > 0


def test_views_are_what_edits_see_from_t_x_to_t_z(backbone):
    pairs, run = seen_pairs(backbone, 0.8), trajectory(backbone)
    conditioning = backbone.encode_prompts([SOURCE])
    assert torch.equal(pairs.views[-1], pairs.clean.source)
    for view, fraction in zip(pairs.views, (0.4, 0.3, 0.2), strict=True):
        position = run.run(run.start((1, 2)), conditioning, nearest_index(run.grid, backbone.schedule, fraction))
        assert torch.equal(view, run.predict(position, conditioning).x0)


def test_the_branch_is_recorded_and_must_not_come_after_t_x(backbone):
    assert learned(backbone, branch=0.8).record.branch == 0.8
    with pytest.raises(InvalidValueError, match="branch"):
        learned(backbone, branch=0.3)


def test_an_attribute_without_a_branch_keeps_the_bytes_it_had_before_there_were_any(backbone, old):
    assert "branch" not in old.record.model_dump()


def test_a_negative_strength_of_the_convolutional_network_is_the_means(backbone, old):
    attribute = old
    less, mean = (edited(backbone, attribute, -1.0, core).after for core in ("conv", "mean"))
    assert torch.equal(less, mean)
