# SPDX-License-Identifier: GPL-3.0-or-later
"""A generated picture matched to its plate: how sharp, how grainy, how steady and how blurred by motion it is.

Each file measures one of these on both and gives the generated one what it lacks; none of them knows files, requests or
the order in which things are done (see `integrating`), and none changes anything outside the paste.
"""
