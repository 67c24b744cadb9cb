# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects on disk: `.maskedit` folders that reopen exactly, saved by themselves, mended where they are damaged.

What leaves it: `saving.save_project`, `loading.load_project`, `autosave.Autosave`, `unsaved.UnsavedWorkspace`.
"""
