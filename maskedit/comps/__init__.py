# SPDX-License-Identifier: GPL-3.0-or-later
"""Comps that lay an edit over its plate, as text for Nuke (`nuke`) and Fusion (`fusion`), written from what the files
say of themselves (`layers`). `python -m maskedit.comps` writes one.

The graph is the same in both: the region's colours, a grade that is switched off, the matte on top of it, over the
plate. Only files are named, nothing is decoded.
"""

from maskedit.comps.fusion import fusion_comp
from maskedit.comps.layers import Footage, Layers, layers_of
from maskedit.comps.nuke import nuke_script

__all__ = ["Footage", "Layers", "fusion_comp", "layers_of", "nuke_script"]
