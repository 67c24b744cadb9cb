# SPDX-License-Identifier: GPL-3.0-or-later
"""How the bundled model is made: procedural clips, mask configurations, a training loop, a probe and an export."""
