"""Checkpoints by their name on the Hugging Face hub: size first, then a resumable download.

Nothing is fetched before the person agreed to the size.  Only weights in safetensors,
configuration and tokenizer files are taken; what is in the hub's cache already is not
fetched again, and a file that was cut off goes on where it ended.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from model.adapters.folders import first_line
from recorder import json_values
from recorder.errors import ModelError

WANTED = ("*.safetensors", "*.json", "*.txt", "*.jinja")
INDEX = "model.safetensors.index.json"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_ROOM_TO_SPARE = 500_000_000

Progress = Callable[[int, int], None]
"""Told (bytes that are here, bytes of all)."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository; ``here`` where the cache has it already."""

    name: str
    size: int
    here: bool


@dataclass(frozen=True, slots=True)
class HubPlan:
    """What a download would fetch."""

    repo: str
    revision: str
    files: tuple[HubFile, ...]

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def missing(self) -> int:
        """Bytes that would be fetched."""
        return sum(file.size for file in self.files if not file.here)

    @property
    def question(self) -> str:
        """What the person agrees to."""
        return (
            f"{self.repo} has {self.total / 1e9:.2f} GB, {self.missing / 1e9:.2f} GB of them are "
            "not here yet. Fetch them from the Hugging Face hub?"
        )


def is_hub_name(name: str) -> bool:
    """Return whether ``name`` is written like ``owner/model`` and is no folder."""
    return _NAME.fullmatch(name) is not None and not Path(name).exists()


class Hub:
    """The hub behind one address, and its cache."""

    def __init__(self, *, endpoint: str | None = None, cache: Path | None = None) -> None:
        self._endpoint = endpoint
        self._cache = cache

    def cached(self, repo: str) -> Path | None:
        """Return the folder of a checkpoint that was fetched whole, without asking the hub."""
        from huggingface_hub import scan_cache_dir
        from huggingface_hub.errors import CacheNotFound

        try:
            stored = scan_cache_dir(self._cache)
        except CacheNotFound:
            return None
        for found in stored.repos:
            if found.repo_id == repo and found.repo_type == "model":
                newest = sorted(found.revisions, key=lambda r: r.last_modified, reverse=True)
                for revision in newest:
                    if _whole(revision.snapshot_path):
                        return Path(revision.snapshot_path)
        return None

    def plan(self, repo: str) -> HubPlan:
        """Ask the hub what a checkpoint consists of.

        Raises ModelError where the hub cannot be asked, does not know the name, or has no
        safetensors weights under it.
        """
        from huggingface_hub import HfApi, try_to_load_from_cache

        try:
            info = HfApi(endpoint=self._endpoint).model_info(repo, files_metadata=True)
        except Exception as error:
            raise self._problem(repo, error) from error
        revision = info.sha or "main"
        files = []
        for one in info.siblings or []:
            # Files in folders belong to other formats of the same model.
            if "/" in one.rfilename or not any(fnmatch(one.rfilename, w) for w in WANTED):
                continue
            there = try_to_load_from_cache(
                repo, one.rfilename, cache_dir=self._cache, revision=revision
            )
            files.append(HubFile(one.rfilename, one.size or 0, isinstance(there, str)))
        if not any(file.name.endswith(".safetensors") for file in files):
            raise ModelError(
                f"{repo} holds no safetensors weights, and other formats can run code when they "
                "are opened, so nothing was fetched; choose another checkpoint."
            )
        return HubPlan(repo, revision, tuple(sorted(files, key=lambda file: file.size)))

    def fetch(self, plan: HubPlan, progress: Progress = lambda done, total: None) -> Path:
        """Fetch what is missing; return the checkpoint's folder.

        Raises ModelError where there is no room or the hub breaks off; what was fetched
        stays, part of a file too, and the next call goes on from there.
        """
        from huggingface_hub import hf_hub_download
        from huggingface_hub.constants import HF_HUB_CACHE

        from model.serving.hub_parts import gather, sweep

        place = self._cache or Path(HF_HUB_CACHE)
        place.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(place).free
        if plan.missing + _ROOM_TO_SPARE > free:
            raise ModelError(
                f"{plan.repo} needs {plan.missing / 1e9:.1f} GB on the disk and "
                f"{free / 1e9:.1f} GB are free, so nothing was fetched; make room or move the "
                "hub's cache (HF_HOME)."
            )
        counter = _Counter(plan, progress)
        folder = place
        for file in plan.files:
            counter.begin(file)
            whole: Path | None = None
            try:
                if not file.here:
                    whole = gather(
                        plan.repo,
                        file.name,
                        revision=plan.revision,
                        endpoint=self._endpoint,
                        cache=place,
                        bar=counter.bar(),
                    )
                path = hf_hub_download(
                    plan.repo,
                    file.name,
                    revision=plan.revision,
                    endpoint=self._endpoint,
                    cache_dir=self._cache,
                    tqdm_class=counter.bar(),
                )
            except Exception as error:
                raise self._problem(plan.repo, error) from error
            counter.end(file)
            folder = Path(path).parent
            if whole is not None and not Path(path).is_symlink():
                # Without links (Windows) the library has copied it: once is enough.
                whole.unlink(missing_ok=True)
        sweep(plan.repo, place)
        return folder

    def _problem(self, repo: str, error: Exception) -> ModelError:
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

        if isinstance(error, GatedRepoError):
            return ModelError(
                f"{repo} is given only to those who asked its owner, so nothing was fetched; ask "
                "on its page, then sign in with `hf auth login`."
            )
        if isinstance(error, RepositoryNotFoundError):
            return ModelError(
                f"The hub knows no checkpoint called {repo}, so nothing was fetched; check the "
                "name or give a folder."
            )
        return ModelError(
            f"{repo} could not be fetched ({first_line(error)}); what is here stays, and the next "
            "try goes on from there."
        )


class _Counter:
    """Adds up bytes over all files and passes them on."""

    def __init__(self, plan: HubPlan, progress: Progress) -> None:
        self._total = plan.total
        self._progress = progress
        self._before = 0
        self._of_file = 0

    def begin(self, file: HubFile) -> None:
        self._of_file = 0

    def add(self, count: float) -> None:
        self._of_file += int(count)
        self._progress(min(self._before + self._of_file, self._total), self._total)

    def end(self, file: HubFile) -> None:
        self._before += file.size
        self._progress(self._before, self._total)

    def bar(self) -> Any:
        """Return a progress bar's class that draws nothing and counts here."""
        from huggingface_hub.utils.tqdm import tqdm

        counter = self

        class Bar(tqdm):  # type: ignore[type-arg,misc,unused-ignore]
            def __init__(self, *args: object, **kwargs: object) -> None:
                initial = kwargs.get("initial")
                counter.add(initial if isinstance(initial, int | float) else 0)
                super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]

            def update(self, n: float | None = 1) -> bool | None:
                counter.add(n or 0)
                return None

        return Bar


def _whole(folder: Path) -> bool:
    """Return whether a folder has its configuration and every file of weights."""
    try:
        if not (folder / "config.json").is_file():
            return False
        if (folder / INDEX).is_file():
            index = json_values.parse((folder / INDEX).read_text(encoding="utf-8"))
            return all((folder / name).is_file() for name in set(index["weight_map"].values()))
        return any(folder.glob("*.safetensors"))
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return False
