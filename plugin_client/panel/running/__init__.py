# SPDX-License-Identifier: GPL-3.0-or-later
"""The server and what runs on it: `Session` finds it, `Runs` turns documents into takes, the panes show both."""
