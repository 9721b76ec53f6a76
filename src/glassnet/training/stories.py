"""The story of a NaN in a run's folder, so that it can be read later without training again."""

from __future__ import annotations

import json
import os

from glassnet.engines.nonfinite.story import Story
from glassnet.files.atomic import write_bytes
from glassnet.training.run_folder import RunFolder

_NAME = "story.json"


def save_story(folder: RunFolder, story: Story) -> None:
    """Write a story beside the history whose end it tells.

    Raises
    ------
    FileError
        If it cannot be written.
    """
    content = json.dumps(story.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    write_bytes(folder.path / _NAME, content.encode())


def load_story(folder: RunFolder | str | os.PathLike[str]) -> Story | None:
    """Return the story of the NaN that ended the run in a folder, without training again.

    Parameters
    ----------
    folder : RunFolder or path

    Returns
    -------
    Story or None
        None where the run ended otherwise, also where an earlier run in the folder ended so, and where none was kept.

    Examples
    --------
    >>> import glassnet as gn, tempfile
    >>> from glassnet.training.stories import load_story
    >>> net, folder = gn.Network(1, [gn.Dense(1)], seed=0), tempfile.mkdtemp()
    >>> try:
    ...     gn.train(net, [[1.0], [2.0]], [0.0, 1.0], "squared_error", optimizer="sgd(1e20)", checkpoint=folder)
    ... except gn.errors.NonFiniteError as error:
    ...     load_story(folder) == error.story, load_story(folder).cause.kind
    (True, 'rate')
    """
    path = (folder if isinstance(folder, RunFolder) else RunFolder(folder)).path
    try:
        history = json.loads((path / "history.json").read_text(encoding="utf-8"))
        story = Story.from_dict(json.loads((path / _NAME).read_text(encoding="utf-8")))
        return story if story.message() == history["stopped"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
