# SPDX-License-Identifier: GPL-3.0-or-later
"""The working colour: how a plate's code values become the picture that a model sees and a user paints on, and back.

`view_of` decides once per clip; everything else asks the `View`. docs/colour.md says what each curve is.
"""

from maskedit.colour.deciding import view_of
from maskedit.colour.spaces import NAMES
from maskedit.colour.steps import scatter
from maskedit.colour.telling import check_deliverables, colour_warnings, tell_colours
from maskedit.colour.view import View, closeness

__all__ = ["NAMES", "View", "check_deliverables", "closeness", "colour_warnings", "scatter", "tell_colours", "view_of"]
