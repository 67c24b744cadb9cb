# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edit costs: operations counted on the real classes at full size, without weights and without a GPU.

`python -m maskedit.costing [--write FILE]` prints the tables of docs/benchmark.md; `python -m maskedit.costing.step`
times one tuning step on this machine.
"""
