# SPDX-License-Identifier: GPL-3.0-or-later
"""Fusion's text format: tables of constants, nothing else."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskedit.errors import InputError
from maskedit.mattes.lua_tables import Table, Value, parse_table


def written(value: Value) -> str:
    """The value as Fusion would write it."""
    if isinstance(value, Table):
        named = [f"[{written(key)}] = {written(entry)}" for key, entry in value.fields.items()]
        return f"{value.kind} {{ {', '.join([*named, *(written(item) for item in value.items)])} }}"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return {True: "true", False: "false", None: "nil"}[value] if isinstance(value, bool | None) else repr(value)


numbers = st.floats(allow_nan=False, allow_infinity=False)
constants = st.one_of(
    st.booleans(), numbers, st.text(st.characters(codec="utf-8", exclude_characters="\r\t"), max_size=8)
)
tables = st.recursive(
    st.builds(Table, kind=st.sampled_from(["", "Input", "FuID", "ordered()"])),
    lambda inner: st.builds(
        Table,
        kind=st.sampled_from(["", "Input", "Polyline"]),
        fields=st.dictionaries(
            st.one_of(st.sampled_from(["X", "Value", "Fuse.Name"]), numbers), constants | inner, max_size=4
        ),
        items=st.lists(constants | inner, max_size=3),
    ),
    max_leaves=12,
)


@given(tables)
def test_whatever_is_written_reads_back(table: Table) -> None:
    assert parse_table(written(table), name="comp") == table


def test_reads_what_fusion_writes() -> None:
    text = """
    -- a comment
    Composition {
        Tools = ordered() {
            Polygon1 = PolylineMask {
                CtrlWZoom = false,
                Inputs = {
                    Filter = Input { Value = FuID { "Fast Gaussian" }, },
                    ["Gamut.SLogVersion"] = Input { Value = FuID { "SLog2" }, },
                    Level = Input { Value = 0.5; },
                },
                ViewInfo = OperatorInfo { Pos = { 55, -16.5 } }, --[[ a
                long comment ]]
            },
        },
        GlobalRange = { 0, 1e2 },
        Note = [[ "as it is" ]],
    }
    """
    comp = parse_table(text, name="comp")
    polygon = comp.table("Tools").table("Polygon1")
    assert (comp.kind, polygon.kind, comp.table("Tools").kind) == ("Composition", "PolylineMask", "ordered()")
    assert polygon.fields["CtrlWZoom"] is False
    assert polygon.table("Inputs").table("Level").number("Value") == 0.5
    assert polygon.table("Inputs").table("Gamut.SLogVersion").table("Value").items == ["SLog2"]
    assert polygon.table("ViewInfo").table("Pos").items == [55, -16.5]
    assert comp.table("GlobalRange").items == [0, 100]
    assert comp.fields["Note"] == ' "as it is" '


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{ a = 1", 1),
        ("{\n a = = 1 }", 2),
        ("{ a = os.execute('x') }", 1),
        ("{ 1 2 }", 1),
        ("1", 1),
        ("", 1),
        ("{} {}", 1),
        ("{\n\n [{}] = 1 }", 3),
        ("{" * 400, 1),
    ],
)
def test_anything_else_is_refused_in_one_sentence(text: str, line: int) -> None:
    with pytest.raises(InputError, match=rf"shot\.comp is no Fusion comp or setting: .* line {line}\.$"):
        parse_table(text, name="shot.comp")


@given(st.text(max_size=60))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    with suppress(InputError):
        assert isinstance(parse_table(text, name="x"), Table)
