# SPDX-License-Identifier: GPL-3.0-or-later
"""Roto: splines and brush strokes drawn on the viewer, and their keys over time.

`RotoPane` and `DopeSheet` leave this room, and `drawing_of`, through which other rooms reach the selection. Below them
lie the tools on the canvas, and below those geometry without Qt: `curves` (one outline), `splines` (a shape with all
of its keys), `keying` (keys over time) and `layers` (the whole drawing).
"""
