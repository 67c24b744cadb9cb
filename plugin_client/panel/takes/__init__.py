# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of the runs: the list of takes, what each is worth, and how it leaves the panel."""
