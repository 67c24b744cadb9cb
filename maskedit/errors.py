# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, as types. Every message is one sentence: what is wrong, what to do."""


class MaskEditError(Exception):
    """Root of all errors that this package raises on purpose."""


class InputError(MaskEditError, ValueError):
    """The request, clip, matte, keyframe or setting cannot be used as given; the user can mend it."""


class ModelError(MaskEditError, RuntimeError):
    """A model or adapter on disk is missing, incomplete, of an unknown kind, or not finite."""


class OutputError(MaskEditError, OSError):
    """A result cannot be written where it was asked for."""


def in_one_line(error: Exception) -> str:
    """What an error says, as a line of text: file readers quote what they find, line feeds and control characters."""
    words = " ".join(str(error).split())
    return "".join(letter if letter.isprintable() else "�" for letter in words)
