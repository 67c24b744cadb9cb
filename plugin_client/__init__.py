# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that runs on the artist's side: `core` for every client, `cli` for the terminal."""
