# SPDX-License-Identifier: GPL-3.0-or-later
"""Timelines as files: what other editors save and exchange, read, added to and written again.

Standard library and the clients' core; OpenTimelineIO alone is an extra, imported where an `.otio` file is opened.
"""
