# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that owns jobs: keeps them in SQLite, runs each in a worker process, answers over gRPC.

It never imports torch or a media library: whatever decodes or computes is a child process. `app.main` starts it;
`worker` is the child and imported by nobody.
"""
