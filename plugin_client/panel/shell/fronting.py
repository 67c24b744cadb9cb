# SPDX-License-Identifier: GPL-3.0-or-later
"""Panes that come to the front by themselves."""

from __future__ import annotations

from PyQt6.QtWidgets import QTabWidget, QWidget


def bring_forward(pane: QWidget) -> None:
    """Show the tab that `pane` lies in, if it lies in one and cannot be seen."""
    parent = pane.parentWidget()
    while parent is not None and not isinstance(parent, QTabWidget):
        parent = parent.parentWidget()
    if parent is None or pane.isVisible():
        return
    pages = (parent.widget(index) for index in range(parent.count()))
    parent.setCurrentIndex(
        next(
            index for index, page in enumerate(pages) if page is not None and (page is pane or page.isAncestorOf(pane))
        )
    )
