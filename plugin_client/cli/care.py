# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say what is done about keyframes that differ from their plates outside the region."""

from __future__ import annotations

import argparse

from plugin_client.core.requests import Care


def add_care_options(parser: argparse.ArgumentParser) -> None:
    """Register them."""
    parser.add_argument(
        "--keyframes-as-given",
        action="store_true",
        help="do not lay shifted keyframes back onto the clip, nor undo a drift of their colours",
    )
    parser.add_argument(
        "--fit-keyframes", action="store_true", help="scale keyframes of another size and the same shape to the clip's"
    )
    parser.add_argument(
        "--take-changes", action="store_true", help="edit what the keyframes change outside the matte as well"
    )


def care_from(options: argparse.Namespace) -> Care:
    """What they say."""
    mend = not options.keyframes_as_given
    return Care(register=mend, match_colour=mend, fit=options.fit_keyframes, take_changes=options.take_changes)
