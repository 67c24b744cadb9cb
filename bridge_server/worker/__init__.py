# SPDX-License-Identifier: GPL-3.0-or-later
"""The child process that does the jobs and is imported by nobody: the only part of the server that loads torch."""
