"""What attrbank costs beside a stock pipeline, on UNets of real sizes: ``python -m lab.real_size --kind sd15``.

The weights are random and made in place; nothing is stored but a tiny model of the same interface. Each way runs in a
process of its own, whose largest memory is read when it ends. ``stock`` is the pipeline of diffusers with as many
pictures at once as ``learn`` has rows, ``apply`` draws one picture with an attribute beside the stock's one.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

import torch
import typer
from diffusers import DiffusionPipeline, UNet2DConditionModel

from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.acting import ready
from attrbank.editing.composition import run_edits
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.plugin import tiny
from attrbank.plugins.manager import load_plugins
from lab import markdown

SOURCE, TARGET = "a photo of a person", "a photo of an old person"
STEPS, SEEDS, GUIDANCE = 8, 4, 7.5
WAYS = ("stock", "stock-one", "learn", "apply")

_SD = {
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
}
KINDS: Mapping[str, Mapping[str, Any]] = {
    "sd15": {**_SD, "cross_attention_dim": 768, "attention_head_dim": 8},
    "sd21": {
        **_SD,
        "cross_attention_dim": 1024,
        "attention_head_dim": (5, 10, 20, 20),
        "use_linear_projection": True,
    },
}


class Cost(NamedTuple):
    """What a way takes.

    Attributes:
        seconds: of sampling.
        evaluations: rows of the network in them.
        fitting: seconds after the last of them, such as Φ's training.
        megabytes: the largest memory of the process.
    """

    seconds: float
    evaluations: int
    fitting: float
    megabytes: float

    @property
    def each(self) -> float:
        """Seconds of a row."""
        return self.seconds / self.evaluations


def network(kind: str, latent: int) -> UNet2DConditionModel:
    """A UNet of that configuration; its weights are small random numbers, drawn where they stay."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(sample_size=latent, in_channels=4, out_channels=4, **KINDS[kind])
    unet = unet.to_empty(device="cpu").eval().requires_grad_(False)
    for parameter in unet.parameters():
        parameter.normal_(0, 0.02)
    return cast(UNet2DConditionModel, unet)


def folder_of(kind: str, latent: int, folder: Path) -> Path:
    """A tiny model whose UNet a real one can replace: the same latents, and a text encoder of the same width."""
    from transformers import CLIPTextModel

    width = KINDS[kind]["cross_attention_dim"]
    networks = {
        "text_encoder": CLIPTextModel(tiny.text_config(tiny.save_tokenizer(folder / "tokenizer"), width)),
        "unet": UNet2DConditionModel(**{**tiny.UNET, "sample_size": latent}, cross_attention_dim=width),
        "vae": tiny.build_codec(),
    }
    return tiny.save_pipeline(folder, "StableDiffusionPipeline", networks, tiny.SCHEDULER)


def stock(kind: str, latent: int, folder: Path, pictures: int) -> Cost:
    """The pipeline of diffusers."""
    pipeline = DiffusionPipeline.from_pretrained(folder, safety_checker=None)
    pipeline.unet = network(kind, latent)
    pipeline.set_progress_bar_config(disable=True)
    noise = [torch.Generator().manual_seed(seed) for seed in range(pictures)]
    options = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE, "output_type": "latent"}
    began = time.monotonic()
    pipeline([SOURCE] * pictures, generator=noise, **options)
    return Cost(time.monotonic() - began, 2 * STEPS * pictures, 0.0, 0.0)


def ours(kind: str, latent: int, folder: Path, *, applies: bool) -> Cost:
    """``learn``, or one ``apply`` of what it has learned; learning is then left out of the seconds."""
    backbone: Any = load_plugins().backbone(str(folder))
    backbone.unet = network(kind, latent)
    plugins, seeds = load_plugins(), tuple(range(1 if applies else SEEDS))
    asked = learn_spec("old", [SOURCE], [TARGET], seeds=seeds, steps=STEPS, guidance_scale=GUIDANCE, core="mean")
    spec, sampled = complete(asked, backbone), [time.monotonic()]
    method, sampler = plugins.method(spec.method), plugins.sampler(spec.sampler)
    counted = _counting(backbone)
    began = time.monotonic()

    def progress(stage: str, done: int, total: int) -> None:
        if stage.startswith("sampling"):
            sampled[0] = time.monotonic()

    learned = learn_attribute(spec, method, backbone, sampler, force=True, on_progress=progress)
    if not applies:
        return Cost(sampled[0] - began, counted(), time.monotonic() - sampled[0], 0.0)
    grid = sampler.grid(STEPS, backbone.schedule)
    trajectory = Trajectory(backbone, sampler, grid=grid, guidance_scale=GUIDANCE)
    act, began = ready(learned, 1.0).on(grid, backbone.schedule), time.monotonic()
    run_edits(trajectory, SOURCE, [0], [act])
    return Cost(time.monotonic() - began, trajectory.evaluations, 0.0, 0.0)


def _counting(backbone: Any) -> Callable[[], int]:
    rows, predict = [0], backbone.predict

    def counted(latent: Any, *others: Any) -> Any:
        rows[0] += len(latent)
        return predict(latent, *others)

    backbone.predict = counted
    return lambda: rows[0]


def measured(way: str, kind: str, latent: int, folder: Path) -> Cost:
    """One of ``WAYS``, in this process."""
    if way.startswith("stock"):
        cost = stock(kind, latent, folder, 1 if way == "stock-one" else SEEDS)
    else:
        cost = ours(kind, latent, folder, applies=way == "apply")
    return cost._replace(megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)


def alone(way: str, kind: str, latent: int, folder: Path) -> Cost:
    """The same in a process of its own, so that its memory is its own."""
    options = ["--kind", kind, "--latent", str(latent), "--way", way, "--folder", str(folder)]
    command = [sys.executable, "-m", "lab.real_size", *options]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return Cost(*json.loads(found.stdout.splitlines()[-1]))


def table(found: Mapping[str, Cost]) -> str:
    """Markdown: each of ours beside the stock pipeline that does as much."""
    rows = []
    for way, beside in (("learn", "stock"), ("apply", "stock-one")):
        cost, other = found[way], found[beside]
        each, memory = f"{cost.each / other.each:.2f}", f"{cost.megabytes / other.megabytes:.2f}"
        fitting = f"{cost.fitting / cost.seconds:.2f}" if cost.fitting else "–"
        rows.append([way, str(cost.evaluations), f"{cost.seconds:.1f}", each, f"{cost.megabytes:.0f}", memory, fitting])
    columns = ["", "evaluations", "seconds", "time × stock's", "MB", "memory × stock's", "fitting / sampling"]
    return markdown.table(columns, rows)


def main(
    kind: Annotated[str, typer.Option(help=f"{' or '.join(KINDS)}.")] = "sd15",
    latent: Annotated[int, typer.Option(help="Height and width of the latents; 64 is the real size.")] = 16,
    way: Annotated[str | None, typer.Option(hidden=True, help="Of the ways only this, as JSON.")] = None,
    folder: Annotated[Path, typer.Option(hidden=True, help="Where its tiny model is.")] = Path(),
) -> None:
    """Measure learn and apply beside the stock pipeline, and print a table."""
    if way is not None:
        typer.echo(json.dumps(measured(way, kind, latent, folder)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        model = folder_of(kind, latent, Path(scratch) / "model")
        typer.echo(table({one: alone(one, kind, latent, model) for one in WAYS}))


if __name__ == "__main__":
    typer.run(main)
