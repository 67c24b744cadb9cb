# SPDX-License-Identifier: GPL-3.0-or-later
"""The window opened from an editing application: its clip on the desk, and takes back on its timeline."""
