"""What the page asks for, checked before anybody looks at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, StringConstraints, ValidationError

from attrbank.errors import InvalidValueError
from attrbank.schema.choices import MAX_ATTRIBUTES, Core, Inversion
from attrbank.schema.complaints import place_and_reason
from attrbank.schema.fields import Finite, Label, Name, Prompt, Record, Seed, Sha256, Time
from attrbank.studio.arguments import ApplyOptions

Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Steps = Annotated[int, Field(ge=1, le=1000)]

Asked = TypeVar("Asked", bound=Record)


class Slider(Record):
    """An attribute and where its slider stands.

    Attributes:
        name: what the user calls it.
        id: of the artifact; None is what the name means by now.
        at: the time at which it is to act; None is its own.
    """

    name: Name
    id: Sha256 | None = None
    strength: Finite
    at: Time | None = None

    @property
    def text(self) -> str:
        """As ``attrbank apply`` is asked for it."""
        reference = self.name if self.id is None else f"{self.name}@{self.id[:12]}"
        at = f"@{self.at}" if self.at else ""
        return f"{reference}:{repr(self.strength).removesuffix('.0')}{at}"


class Wish(Record):
    """A picture, as the page's controls have it; None is the model's or the attribute's own.

    Attributes:
        image: one that was dropped, by its key; so is the mask.
    """

    backbone: Label
    device: Label | None = None
    attributes: Annotated[tuple[Slider, ...], Field(max_length=MAX_ATTRIBUTES)] = ()
    prompt: Prompt | None = None
    negative_prompt: Prompt | None = None
    seed: Seed | None = None
    sampler: Label | None = None
    steps: Steps | None = None
    guidance_scale: Finite | None = None
    image: Sha256 | None = None
    mask: Sha256 | None = None
    inversion: Inversion | None = None
    core: Core | None = None
    raw: bool = False
    on: Label | None = None
    force: bool = False

    @property
    def texts(self) -> list[str]:
        """The attributes, as ``attrbank apply`` is asked for them."""
        return [slider.text for slider in self.attributes]

    def options(self, picture: Callable[[str], Path]) -> ApplyOptions:
        """What ``Studio.apply`` is told beside the attributes; ``picture`` tells where one of a key lies."""
        told = self.model_dump(exclude={"backbone", "device", "attributes"}, exclude_none=True)
        files = {name: picture(told[name]) for name in ("image", "mask") if name in told}
        return ApplyOptions(**{**told, **files})  # type: ignore[typeddict-item]


class DrawOrder(Record):
    """One picture for one tab.

    Attributes:
        tab: who asks.
        number: the tab's own count: a higher one takes the place of all lower ones.
        draft: whether it is for a slider that still moves.
    """

    tab: Id
    number: Annotated[int, Field(ge=0)]
    draft: bool = False
    wish: Wish


class SaveOrder(Record):
    """A picture to keep; ``only_after`` is as ``attrbank apply`` has it."""

    only_after: bool = False
    wish: Wish


class SheetOrder(Record):
    """A strip or a grid; axes as ``attrbank grid`` has them."""

    x: Label
    y: Label | None = None
    wish: Wish


class LearnOrder(Record):
    """An attribute to learn from two prompts; ``force`` stores what next to nothing was found of."""

    backbone: Label
    device: Label | None = None
    name: str
    source: Prompt
    target: Prompt
    seeds: Label | None = None
    steps: Steps | None = None
    replace: bool = False
    force: bool = False


class NewName(Record):
    """What an attribute is to be called."""

    name: Label


class NewTags(Record):
    """All tags that an attribute is to have."""

    tags: Annotated[tuple[Label, ...], Field(max_length=64)]


class NewNote(Record):
    """The note that is to stand beside an attribute."""

    note: Annotated[str, StringConstraints(max_length=10_000)]


def read(kind: type[Asked], data: bytes) -> Asked:
    """What the page sent.

    Raises:
        InvalidValueError: it is no such thing.
    """
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        place, reason = place_and_reason(error)
        message = f"{place}: {reason}." if place else f"{reason}."
        raise InvalidValueError(message, "Reload the page if you have not typed this.") from error
