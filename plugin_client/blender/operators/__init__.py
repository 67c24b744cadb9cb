# SPDX-License-Identifier: GPL-3.0-or-later
"""Every button of the add-on, callable from Python too."""
