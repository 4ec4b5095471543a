"""The judge of models whose truth nobody knows: CLIP for the attribute, LPIPS for all else, Inception for the whole.

The last two are optional.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.judges import networks
from attrbank.evaluation.judges.judge import Case, Judge
from attrbank.evaluation.judges.networks import Networks
from attrbank.evaluation.numbers.distributions import frechet_distance, kernel_distance

BATCH = 16


@dataclass(frozen=True)
class Seen:
    """Pictures as the networks see them.

    Shapes:
        images: (B, 3, h, w).
        clip: (B, D), of unit length.
        inception: (B, 2048); None without that network.
    """

    images: Tensor
    clip: Tensor
    inception: Tensor | None

    def __getitem__(self, rows: Tensor) -> Seen:
        return Seen(self.images[rows], self.clip[rows], None if self.inception is None else self.inception[rows])


class ClipJudge(Judge):
    """Judges by networks that were trained on photographs.

    All pictures are judged, because CLIP is too unsure to say which lack an attribute. It sees an attribute where
    the picture is nearer to the target prompt than to the bench's own.

    Args:
        networks: that look.
        source: the unedited pictures' prompt.
    """

    name = "clip"

    def __init__(self, networks: Networks, source: str) -> None:
        self.weights = networks.weights
        self._networks, self._prompts = networks, {source: networks.clip_text([source])[0]}
        self._source = self._prompts[source]

    def look(self, images: Tensor) -> Seen:
        """Features of images (B, 3, h, w) in [0, 1]."""
        parts, inception = torch.split(images, BATCH), self._networks.inception
        clip = torch.cat([self._networks.clip_image(part) for part in parts])
        return Seen(images, clip, None if inception is None else torch.cat([inception(part) for part in parts]))

    def effect(self, subject: Subject, view: Seen) -> Tensor:
        """How much nearer to the target prompt than to the source, in hundredths of a cosine, (B,)."""
        effect: Tensor = 100 * view.clip @ (self._embedded(subject.target) - self._source)
        return effect

    def lacking(self, subject: Subject, view: Seen) -> Tensor:
        """Every picture, (B,) bool: nobody has read what a photograph has already."""
        return torch.ones(len(view.images), dtype=torch.bool)

    def figures(self, subject: Subject, before: Seen, after: Seen) -> Mapping[str, Tensor]:
        """CLIP's score and direction and, with its network, LPIPS.

        ``clip_score`` is 100 times the cosine of picture and target prompt (Hessel et al., arXiv:2104.08718, without
        the floor at zero), ``clip_direction`` the cosine of the pictures' change and the prompts' (Gal et al.,
        arXiv:2108.00946).
        """
        target = self._embedded(subject.target)
        return {
            **self._lpips(before.images, after.images),
            "clip_score": 100 * after.clip @ target,
            "clip_direction": functional.cosine_similarity(after.clip - before.clip, (target - self._source)[None]),
        }

    def distances(self, subject: Subject, before: Seen, after: Seen) -> Mapping[str, float]:
        """FID and KID over Inception's features, to the unedited pictures, if that network is there."""
        if before.inception is None or after.inception is None or len(after.images) < 2:
            return {}
        return {
            "fid": frechet_distance(after.inception, before.inception),
            "kid": kernel_distance(after.inception, before.inception),
        }

    def _embedded(self, prompt: str) -> Tensor:
        if prompt not in self._prompts:
            self._prompts[prompt] = self._networks.clip_text([prompt])[0]
        return self._prompts[prompt]

    def _lpips(self, before: Tensor, after: Tensor) -> Mapping[str, Tensor]:
        lpips = self._networks.lpips
        if lpips is None:
            return {}
        pairs = zip(torch.split(before, BATCH), torch.split(after, BATCH), strict=True)
        return {"perceptual": torch.cat([lpips(one, other) for one, other in pairs])}


def from_folder(case: Case) -> ClipJudge:
    """The judge with the weights in the folder that the case names; raises as ``networks.load`` does."""
    return ClipJudge(networks.load(Path(case.argument or "")), case.prompt)
