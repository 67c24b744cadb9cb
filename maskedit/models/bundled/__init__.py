# SPDX-License-Identifier: GPL-3.0-or-later
"""The small model that ships with the package: a fixed space-time codec and a Wan transformer of 7 M parameters.

`weights/` is an ordinary model folder in the layout of diffusers and is loaded like any other Wan model; only its
codec class lives here. `pretrain.toml` is the run that made the weights, MODEL_CARD.md says what they can do.
"""
