# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything about mattes that is no drawing: showing, finding, following, reading and writing them."""
