# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel knows: values that are saved and undone, and small observable objects around them."""
