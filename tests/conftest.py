"""Fixtures that several modules use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from repository import Repository


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    # The user's cache is neither read nor filled; processes that a test starts share this one.
    monkeypatch.setenv("PAGEFIX_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Give a repository, as the working directory."""
    for name in [each for each in os.environ if each.startswith("GIT_")]:
        monkeypatch.delenv(name)
    made = Repository(tmp_path / "tree")
    monkeypatch.chdir(made.top)
    return made
