# SPDX-License-Identifier: GPL-3.0-or-later
"""How good each way of editing is, on clips whose perfect edit is known because of how they were made.

- `cases`: clips with matte, keyframes and truth; `scenes` and `footage` make them.
- `rows`: the ways of editing that are compared; `cells` runs one on one case through the real recipe and scores it.
- `runner` fills a table of both and resumes it; `tables`, `chart` and `sheets` show it.
- `i2vedit`: the figures that the method's paper prints, for whoever has weights and clips.

`python -m maskedit.benchmark --out DIR`
"""
