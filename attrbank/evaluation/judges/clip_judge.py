"""The judge of models whose truth nobody knows: CLIP for the attribute, LPIPS for all else, Inception for the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.judges.networks import Networks
from attrbank.evaluation.numbers.distributions import frechet_distance, kernel_distance

BATCH = 16


@dataclass(frozen=True)
class Seen:
    """Pictures as the networks see them.

    Shapes:
        images: (B, 3, h, w).
        clip: (B, D), of unit length.
        inception: (B, 2048).
    """

    images: Tensor
    clip: Tensor
    inception: Tensor

    def __getitem__(self, rows: Tensor) -> Seen:
        return Seen(self.images[rows], self.clip[rows], self.inception[rows])


class ClipJudge:
    """Judges by networks that were trained on photographs.

    All pictures are judged, because CLIP is too unsure to say which lack an attribute. It sees an attribute where
    the picture is nearer to the target prompt than to the bench's own.

    Args:
        networks: that look.
        source: the unedited pictures' prompt.
        subjects: all that are measured; the others' decisions are what may flip.
    """

    name = "clip"

    def __init__(self, networks: Networks, source: str, subjects: Sequence[Subject]) -> None:
        self.weights = networks.weights
        self._networks, self._subjects = networks, tuple(subjects)
        self._source, *targets = networks.clip_text([source, *(subject.target for subject in subjects)])
        self._targets = {subject.id: target for subject, target in zip(subjects, targets, strict=True)}

    def look(self, images: Tensor) -> Seen:
        """Features of images (B, 3, h, w) in [0, 1]."""
        parts = torch.split(images, BATCH)
        clip = torch.cat([self._networks.clip_image(part) for part in parts])
        return Seen(images, clip, torch.cat([self._networks.inception(part) for part in parts]))

    def lacking(self, subject: Subject, view: Seen) -> Tensor:
        """Every picture, (B,) bool: nobody has read what a photograph has already."""
        return torch.ones(len(view.images), dtype=torch.bool)

    def figures(self, subject: Subject, before: Seen, after: Seen) -> Mapping[str, Tensor]:
        """Success, effect, flips and LPIPS; and CLIP's score and direction.

        ``clip_score`` is 100 times the cosine of picture and target prompt (Hessel et al., arXiv:2104.08718, without
        the floor at zero), ``clip_direction`` the cosine of the pictures' change and the prompts' (Gal et al.,
        arXiv:2108.00946).
        """
        target, effect = self._targets[subject.id], self._effect(subject, after)
        return {
            "success": effect > 0,
            "effect": effect,
            **self._flips(subject, before, after),
            "perceptual": self._lpips(before.images, after.images),
            "clip_score": 100 * after.clip @ target,
            "clip_direction": functional.cosine_similarity(after.clip - before.clip, (target - self._source)[None]),
        }

    def distances(self, subject: Subject, before: Seen, after: Seen) -> Mapping[str, float]:
        """FID and KID over Inception's features, to the unedited pictures."""
        if len(after.images) < 2:
            return {}
        return {
            "fid": frechet_distance(after.inception, before.inception),
            "kid": kernel_distance(after.inception, before.inception),
        }

    def limit(self, subject: Subject) -> Mapping[str, float]:
        """Nothing: nobody has a photograph's perfect edit."""
        return {}

    def _effect(self, subject: Subject, seen: Seen) -> Tensor:
        """How much nearer to the target than to the source, in hundredths of a cosine, (B,)."""
        effect: Tensor = 100 * seen.clip @ (self._targets[subject.id] - self._source)
        return effect

    def _flips(self, subject: Subject, before: Seen, after: Seen) -> Mapping[str, Tensor]:
        others = [other for other in self._subjects if other.id != subject.id]
        changed = [(self._effect(other, before) > 0) != (self._effect(other, after) > 0) for other in others]
        return {"flips": torch.stack(changed).float().mean(0)} if changed else {}

    def _lpips(self, before: Tensor, after: Tensor) -> Tensor:
        pairs = zip(torch.split(before, BATCH), torch.split(after, BATCH), strict=True)
        return torch.cat([self._networks.lpips(one, other) for one, other in pairs])
