# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's looks: neutral dark greys, as beside Resolve and Blender, so that pictures are judged on grey alone."""

from __future__ import annotations

from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication

WINDOW = "#2a2a2a"
SUNKEN = "#1d1d1d"
RAISED = "#3a3a3a"
LINE = "#141414"
TEXT = "#d8d8d8"
DIM = "#9a9a9a"
FAINT = "#6e6e6e"
ACCENT = "#4d8fd6"
GOOD = "#5fb36a"
WARNING = "#e0a33c"
ERROR = "#e2655a"

SPACE = 8
"""Space between things, px; half of it between things that belong together."""

_SHEET = f"""
QDialogButtonBox, QMessageBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QMainWindow::separator {{ background: {LINE}; width: 4px; height: 4px; }}
QMainWindow::separator:hover {{ background: {ACCENT}; }}
QSplitter::handle {{ background: {LINE}; }}
QSplitter::handle:hover {{ background: {ACCENT}; }}
QDockWidget {{ font-weight: 600; }}
QDockWidget::title {{ background: {WINDOW}; padding: 6px 8px; border-bottom: 1px solid {LINE}; }}
QMenuBar {{ background: {WINDOW}; border-bottom: 1px solid {LINE}; }}
QMenuBar::item {{ padding: 4px 8px; background: transparent; }}
QMenuBar::item:selected {{ background: {RAISED}; }}
QMenu {{ background: {RAISED}; border: 1px solid {LINE}; padding: 4px 0; }}
QMenu::item {{ padding: 4px 24px; }}
QMenu::item:selected {{ background: {ACCENT}; color: white; }}
QMenu::item:disabled {{ color: {FAINT}; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 4px 0; }}
QStatusBar {{ border-top: 1px solid {LINE}; }}
QStatusBar::item {{ border: none; }}
QTabBar::tab {{ padding: 6px 12px; background: {WINDOW}; color: {DIM}; border-bottom: 2px solid transparent; }}
QTabBar::tab:hover {{ color: {TEXT}; }}
QTabBar::tab:selected {{ color: {TEXT}; border-bottom-color: {ACCENT}; }}
QHeaderView::section {{ background: {WINDOW}; color: {DIM}; border: none; padding: 4px 8px; }}
QTreeWidget::item {{ padding: 3px 4px; }}
QScrollArea {{ border: none; }}
QPushButton[primary="true"] {{
    background: {ACCENT}; color: white; border: none; border-radius: 3px; padding: 6px 16px; font-weight: 600;
}}
QPushButton[primary="true"]:hover {{ background: #62a0e2; }}
QPushButton[primary="true"]:pressed {{ background: #3f7fc4; }}
QPushButton[primary="true"]:focus {{ border: 1px solid white; }}
QPushButton[primary="true"]:disabled {{ background: {RAISED}; color: {FAINT}; }}
QPushButton[danger="true"] {{
    background: #8f2f28; color: white; border: none; border-radius: 3px; padding: 4px 12px; font-weight: 600;
}}
QPushButton[danger="true"]:hover {{ background: #a83a32; }}
QPushButton[danger="true"]:focus {{ border: 1px solid white; }}
QPushButton[danger="true"]:disabled {{ background: {RAISED}; color: {FAINT}; }}
QLabel[dim="true"] {{ color: {DIM}; }}
QLabel[heading="true"] {{ font-size: 15pt; font-weight: 600; }}
"""


def apply_theme(app: QApplication) -> None:
    """Give the whole application these looks, its own and the system's dialogs alike."""
    app.setStyle("Fusion")
    app.setPalette(_palette())
    app.setStyleSheet(_SHEET)


def _palette() -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    colours = {
        role.Window: WINDOW,
        role.WindowText: TEXT,
        role.Base: SUNKEN,
        role.AlternateBase: "#232323",
        role.Text: TEXT,
        role.PlaceholderText: FAINT,
        role.Button: RAISED,
        role.ButtonText: TEXT,
        role.BrightText: ERROR,
        role.ToolTipBase: RAISED,
        role.ToolTipText: TEXT,
        role.Highlight: ACCENT,
        role.HighlightedText: "#ffffff",
        role.Link: ACCENT,
        role.LinkVisited: ACCENT,
        role.Light: "#4a4a4a",
        role.Midlight: "#424242",
        role.Mid: "#303030",
        role.Dark: LINE,
        role.Shadow: "#000000",
        role.Accent: ACCENT,
    }
    for where, colour in colours.items():
        palette.setColor(where, QColor(colour))
    for where in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, where, QColor(FAINT))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(RAISED))
    return palette
