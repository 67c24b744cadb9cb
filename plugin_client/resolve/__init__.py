# SPDX-License-Identifier: GPL-3.0-or-later
"""DaVinci Resolve as a client: a script in its menu lends the timeline, a process of ours does everything else.

`agent` runs inside Resolve, on whatever Python that has, and answers calls over loopback; the other modules run in
MaskEdit's own Python and see Resolve's objects through `remote`, exactly as a script inside would.
"""
