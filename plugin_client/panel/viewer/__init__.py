# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at the clip: footage decoded off the UI thread, the canvas, playing, the ruler, comparing takes."""
