# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at an edit before any of it is computed: what will spoil the result, found in seconds (torch-free).

`preflight` holds the keyframes against their plates, plans what the model will see, watches the clip once at the size
of a postage stamp and estimates memory and time. `python -m maskedit.preflight` does it after the check of
`maskedit.checking`, in a process of its own.
"""

from maskedit.preflight.running import preflight

__all__ = ["preflight"]
