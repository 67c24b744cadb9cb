# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel: draw, paint, run and compare in one window.

`model` is what is true: the document with its history, the playhead, the takes. Everything else shows it and turns
gestures into changes of it, so that a reopened window has lost nothing. A room a subject: `viewer`, `roto`, `mattes`,
`keyframes`, `running`, `takes`; `storing` keeps projects on disk; `shell` is the window around them.
"""
