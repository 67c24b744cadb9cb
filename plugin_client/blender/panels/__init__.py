# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar, from top to bottom."""
