"""Bundles as model repositories of the Hugging Face hub, through ``huggingface_hub``, which has the user's login.

A revision is resolved once, to a commit, and everything is read from that. A push is one commit on top of it, which the
hub takes whole or not at all, and refuses if somebody else was quicker.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrbank.attribute import bundle
from attrbank.attribute.places.protocol import Change
from attrbank.errors import (
    AttrbankError,
    BankBusyError,
    CorruptArtifactError,
    InvalidValueError,
    NotFoundError,
    StorageError,
)
from attrbank.store import json_files
from attrbank.text import printable

if TYPE_CHECKING:
    from huggingface_hub import HfApi

TIMEOUT = 30.0
"""Seconds to wait for an answer of the hub."""
_BRANCH = "main"


class Hub:
    """A bundle in a repository, at one commit.

    Args:
        api: the hub.
        repository: ``OWNER/NAME``.
        branch: which to push to.
        commit: what is read.
        sizes: bytes of each file there; None if the hub does not say.
    """

    def __init__(self, api: HfApi, repository: str, branch: str, commit: str, sizes: dict[str, int | None]) -> None:
        self._api, self._repository, self._branch = api, repository, branch
        self._commit, self._sizes = commit, sizes

    @classmethod
    def at(cls, repository: str, revision: str | None) -> Hub:
        """A repository as it is now, or at a revision.

        Raises:
            NotFoundError: there is none, or the hub cannot be reached.
        """
        api = _api(repository)
        with _sentences(repository):
            info = api.model_info(repository, revision=revision, timeout=TIMEOUT, files_metadata=True)
        sizes = {file.rfilename: file.size for file in info.siblings or ()}
        return cls(api, repository, revision or _BRANCH, str(info.sha), sizes)

    @classmethod
    def to(cls, repository: str, branch: str | None, *, private: bool) -> Hub:
        """The same to push to; it is made if need be.

        Raises:
            StorageError: the hub does not let the user.
            NotFoundError: there is no such branch, or the hub cannot be reached.
        """
        api = _api(repository)
        with _sentences(repository):
            api.create_repo(repository, private=private or None, exist_ok=True)
        return cls.at(repository, branch)

    @property
    def shown(self) -> str:
        """The repository and the commit."""
        return f"hf://{self._repository}@{self._commit}"

    def read(self, name: str, limit: int) -> bytes | None:
        """As any place does; the hub says how large a file is before it is fetched."""
        if name not in self._sizes:
            return None
        if (size := self._sizes[name]) is None or size > limit:
            raise CorruptArtifactError(f"{name} of {self.shown} is larger than {limit:,} bytes.", "Get it again.")
        with tempfile.TemporaryDirectory(prefix="attrbank-") as folder, _sentences(self._repository):
            path = self._api.hf_hub_download(
                self._repository, name, revision=self._commit, cache_dir=folder, etag_timeout=TIMEOUT
            )
            return json_files.read_bytes(Path(path), limit)

    def names(self) -> frozenset[str]:
        """As any place does."""
        return frozenset(self._sizes)

    def write(self, change: Change) -> None:
        """One commit."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        written = {**change.files, bundle.SUMS: bundle.spelled(change.sums)}
        added = [CommitOperationAdd(name, data) for name, data in written.items()]
        deleted = [CommitOperationDelete(name) for name in sorted(change.gone)]
        with _sentences(self._repository):
            done = self._api.create_commit(
                self._repository,
                [*added, *deleted],
                commit_message="Push attributes with attrbank",
                revision=self._branch,
                parent_commit=self._commit,
            )
        self._commit = done.oid


def _api(repository: str) -> HfApi:
    from huggingface_hub import HfApi, constants
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if constants.HF_HUB_OFFLINE:
        raise NotFoundError(
            f"HF_HUB_OFFLINE is set, so hf://{repository} cannot be reached.", "Unset it and try again."
        )
    disable_progress_bars()
    return HfApi(library_name="attrbank")


@contextmanager
def _sentences(repository: str) -> Iterator[None]:
    """A dozen unrelated kinds of errors, from the hub's own to those of its client for HTTP, as ours."""
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    place = f"hf://{repository}"
    try:
        yield
    except AttrbankError:
        raise
    except RevisionNotFoundError as error:
        raise NotFoundError(f"There is no such revision of {place}.", "Check its spelling.") from error
    except RepositoryNotFoundError as error:
        hint = "Check its spelling; for a private one, log in with: hf auth login"
        raise NotFoundError(f"There is no {place}, or you may not see it.", hint) from error
    except HfHubHTTPError as error:
        raise _answered(place, error.response.status_code) from error
    except Exception as error:
        reason = printable(str(error))[:200] or type(error).__name__
        raise NotFoundError(f"{place} cannot be reached: {reason}.", "Check the connection.") from error


def _answered(place: str, status: int) -> AttrbankError:
    if status in {401, 403}:
        return StorageError(f"The hub does not let you use {place}.", "Log in with: hf auth login")
    if status in {409, 412}:
        return BankBusyError(f"Somebody else has just pushed to {place}.", "Push again; nothing was changed.")
    if status in {400, 422}:
        return InvalidValueError(f"The hub takes no such thing as {place}.", "Check the spelling.")
    return NotFoundError(f"{place} cannot be reached: the hub says {status}.", "Try again later.")
