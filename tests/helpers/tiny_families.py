"""Small random models of the other families, in the real folder format of diffusers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from attrbank.plugin.tiny import SCHEDULER, WORDS, build_codec, save_pipeline, save_tokenizer, text_config

FLOW = {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": 3.0}
DYNAMIC = {**FLOW, "use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 1.15}
DDPM = {"_class_name": "DDPMScheduler", "num_train_timesteps": 1000, "clip_sample": True}

_UNET: dict[str, Any] = {
    "sample_size": 16,
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "attention_head_dim": 8,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
}


SD35 = {"qk_norm": "rms_norm", "dual_attention_layers": (0,)}
"""What the transformer of Stable Diffusion 3.5 has beyond that of 3."""


def build_sd3(
    folder: Path,
    *,
    t5: bool = True,
    half: bool = False,
    seed: int = 0,
    transformer: Mapping[str, Any] | None = None,
    **scheduler: object,
) -> Path:
    """Stable Diffusion 3 with 8×16×16 latents and 32×32 pictures."""
    from diffusers import SD3Transformer2DModel
    from transformers import CLIPTextModelWithProjection

    torch.manual_seed(seed)
    networks: dict[str, Any] = {
        name: CLIPTextModelWithProjection(text_config(save_tokenizer(folder / tokenizer), width=width))
        for name, tokenizer, width in (("text_encoder", "tokenizer", 32), ("text_encoder_2", "tokenizer_2", 24))
    }
    if t5:
        networks["text_encoder_3"] = _t5(folder / "tokenizer_3", width=64)
    networks["transformer"] = SD3Transformer2DModel(
        sample_size=16,
        in_channels=8,
        out_channels=8,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=64,
        caption_projection_dim=32,
        pooled_projection_dim=32 + 24,
        pos_embed_max_size=16,
        **(transformer or {}),
    )
    networks["vae"] = build_codec(8, scaling_factor=1.5305, shift_factor=0.0609)
    save_pipeline(folder, "StableDiffusion3Pipeline", networks, FLOW | scheduler, half=half)
    if not t5:
        change(folder / "model_index.json", text_encoder_3=[None, None], tokenizer_3=[None, None])
    return folder


def build_flux(
    folder: Path, *, guidance_embeds: bool = True, half: bool = False, seed: int = 0, **scheduler: object
) -> Path:
    """Flux with 4×16×16 latents, packed into 64 tokens of 16 channels, and 32×32 pictures."""
    from diffusers import FluxTransformer2DModel
    from transformers import CLIPTextModel

    torch.manual_seed(seed)
    networks = {
        "text_encoder": CLIPTextModel(text_config(save_tokenizer(folder / "tokenizer"), width=32)),
        "text_encoder_2": _t5(folder / "tokenizer_2", width=32),
        "transformer": FluxTransformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            axes_dims_rope=(4, 6, 6),
            joint_attention_dim=32,
            pooled_projection_dim=32,
            guidance_embeds=guidance_embeds,
        ),
        "vae": build_codec(4, scaling_factor=0.3611, shift_factor=0.1159),
    }
    return save_pipeline(folder, "FluxPipeline", networks, DYNAMIC | scheduler, half=half)


def build_ddpm(folder: Path, *, pipeline: str = "DDPMPipeline", seed: int = 0, **scheduler: object) -> Path:
    """An unconditional model of 16×16 pictures, which are their own latents."""
    from diffusers import UNet2DModel

    torch.manual_seed(seed)
    return save_pipeline(folder, pipeline, {"unet": UNet2DModel(**_UNET)}, DDPM | scheduler)


def build_ldm(folder: Path) -> Path:
    """An unconditional model of 3×16×16 latents that a VQ codec makes of 32×32 pictures."""
    from diffusers import UNet2DModel, VQModel

    torch.manual_seed(0)
    codec = VQModel(
        block_out_channels=(16, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=8,
        num_vq_embeddings=64,
        scaling_factor=0.5,
    )
    return save_pipeline(folder, "LDMPipeline", {"unet": UNet2DModel(**_UNET), "vqvae": codec}, SCHEDULER)


def change(path: Path, **changes: object) -> None:
    """Say something else in one of a folder's JSON files."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _t5(tokenizer: Path, width: int) -> Any:
    from transformers import T5Config, T5EncoderModel, T5TokenizerFast

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -5.0), *((f"▁{word}", -1.0) for word in WORDS)]
    T5TokenizerFast(vocab=pieces, extra_ids=0).save_pretrained(tokenizer)
    config = T5Config(vocab_size=len(pieces), d_model=width, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    return T5EncoderModel(config)
