# SPDX-License-Identifier: GPL-3.0-or-later
"""The method: frames, mattes, models, LoRA. No network, no GUI, no host application.

`edit.py` is the recipe, from an `EditRequest` to the delivered frames; every other module is one block of it.
"""

__version__ = "0.1.0"
