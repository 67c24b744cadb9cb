# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a painted picture has its clip's size, and what can be done if not (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass

from maskedit.errors import InputError

# As `maskedit.checking`: editors work in steps of 8 or 64 pixels, so that a shape comes back a little off.
_SAME_SHAPE = 0.01


@dataclass(frozen=True)
class Misfit:
    """A picture of the size `given` for a clip of the size `clip`, both (width, height). `fits_scaled`: same shape."""

    given: tuple[int, int]
    clip: tuple[int, int]
    fits_scaled: bool

    @property
    def words(self) -> str:
        """What is wrong, as the beginning of a sentence: "The picture is 64x36 but the clip is …"."""
        (across, down), (width, height) = self.given, self.clip
        return f"The picture is {across}x{down} but the clip is {width}x{height}"

    def error(self, frame: int) -> InputError:
        """Why it cannot be keyframe `frame` as things stand, and what to do."""
        what = self.words.replace("The picture", f"The picture of keyframe {frame}")
        if self.fits_scaled:
            return InputError(f"{what}: export it in that size, or let it be scaled to fit.")
        return InputError(f"{what}, which is another shape: export it in that size, uncropped.")


def misfit(given: tuple[int, int], *, clip: tuple[int, int]) -> Misfit | None:
    """What keeps a picture of that size from being a whole frame of the clip; None if nothing does."""
    if given == clip:
        return None
    (across, down), (width, height) = given, clip
    same_shape = abs(across * height - down * width) <= _SAME_SHAPE * down * width
    return Misfit(given, clip, same_shape)
