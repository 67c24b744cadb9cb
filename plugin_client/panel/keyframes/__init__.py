# SPDX-License-Identifier: GPL-3.0-or-later
"""Painted frames: to the image editor and back, on a strip in time, held against their plates, and drafted at once.

`live_draft` carries them through the clip while the user works; `keyframing` is what can be done to them; `strip`,
`doubt_strip` and `pane` show them.
"""
