# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a clip of a timeline cannot be edited, and what to look at where it can, in the same words for every format."""

from __future__ import annotations


def retimed(name: str) -> str:
    """It plays faster, slower, backwards or frozen."""
    return (
        f"The clip {name!r} is retimed, and a result cannot lie exactly above it: edit its media with `maskedit edit` "
        "and give the result the same retime, or render the clip and put the rendering in its place."
    )


def without_file(name: str) -> str:
    """A generator, a title, or media that the timeline does not name."""
    return f"The clip {name!r} has no media file of its own: render it and put the rendering in its place."


def without_length(name: str) -> str:
    """Neither the clip nor its media says how long it is."""
    return f"The clip {name!r} has no length: give it a source range in the editor, then export the timeline again."


def moved_keyframes(name: str) -> str:
    """A note: effects were copied whose keyframes count from the start of another file."""
    return f"The effects of {name!r} have keyframes, which count in its own file: look at them on the result."
