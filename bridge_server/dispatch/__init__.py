# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs the jobs: implementations of `jobs.work.Dispatcher`. `local` gives each job a process of its own."""
