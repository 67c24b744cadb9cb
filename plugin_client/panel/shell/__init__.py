# SPDX-License-Identifier: GPL-3.0-or-later
"""The window around the rooms: layout, menus, welcome, settings, models, diagnostics, start and end.

What leaves it: `app.run` and `window.MainWindow`.
"""
