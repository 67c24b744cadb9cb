# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables between the marks of a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskedit.errors import InputError
from maskedit.pages import put_between_marks

PAGE = "before\n<!-- quality:begin -->\nold\n<!-- quality:end -->\nafter\n<!-- costs:begin -->\n<!-- costs:end -->\n"


def test_a_page_is_changed_between_its_marks_only(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    for _ in range(2):
        put_between_marks(page, "new\n", mark="quality")
        assert page.read_text() == PAGE.replace("old", "new")


@pytest.mark.parametrize(("name", "words"), [("page.md", "lacks the marks"), ("none.md", "cannot be read")])
def test_a_page_without_a_place_for_the_table_is_refused(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "page.md").write_text(PAGE)
    with pytest.raises(InputError, match=words):
        put_between_marks(tmp_path / name, "new\n", mark="levers")
    assert (tmp_path / "page.md").read_text() == PAGE
