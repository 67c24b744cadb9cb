# SPDX-License-Identifier: GPL-3.0-or-later
"""The `maskedit` command: a thin layer of options and words over plugin_client.core."""
