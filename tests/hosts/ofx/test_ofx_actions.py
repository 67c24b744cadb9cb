# SPDX-License-Identifier: GPL-3.0-or-later
"""Every action, as a strict host asks for it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.hosts.ofx.cases import random_plate, write_cache
from tests.hosts.ofx.conftest import Started
from tests.hosts.ofx.driving import DEFAULT, OK
from tests.hosts.ofx.twin import Plate

pytestmark = pytest.mark.timeout(300)  # the first test builds
BAD_HANDLE = 9


@pytest.mark.parametrize("context", ["OfxImageEffectContextFilter", "OfxImageEffectContextGeneral"])
def test_it_says_what_it_is(start: Started, context: str) -> None:
    with start("addresses", context=context) as host:
        assert host.loaded == {
            "status": OK,
            "count": 1,
            "api": "OfxImageEffectPluginAPI",
            "api_version": 1,
            "identifier": "io.maskedit.Take",
        }
        said = host.described
        assert (said["status"], said["in_context"]) == (OK, OK)
        assert context in said["properties"]["OfxImageEffectPropSupportedContexts"]
        assert len(said["properties"]["OfxImageEffectPropSupportedPixelDepths"]) == 4
        assert said["properties"]["OfxImageEffectPluginRenderThreadSafety"] == ["OfxImageEffectRenderFullySafe"]
        assert {*said["clips"]} == {"Source", "Output"}
        params = said["params"]
        assert {name: param["type"].removeprefix("OfxParamType") for name, param in params.items()} == {
            "take": "String",
            "frameOffset": "Integer",
            "mix": "Double",
            "showMatte": "Boolean",
            "lookAgain": "PushButton",
            "looks": "Integer",
        }
        assert params["take"]["properties"]["OfxParamPropStringMode"] == ["OfxParamStringIsFilePath"]
        assert params["mix"]["properties"]["OfxParamPropDefault"] == [1]
        host.create()
        preferences = host.ask("preferences", instance="one")
        assert preferences == {"status": OK, "properties": {"OfxImageEffectFrameVarying": [1]}}
        assert host.ask("act", name="OfxActionPurgeCaches")["status"] == DEFAULT
        assert host.ask("act", name="NoSuchAction")["status"] == DEFAULT
        assert not host.complaints()


def test_identity_wherever_the_source_stays_as_it_is(start: Started, tmp_path) -> None:
    plate = random_plate(np.random.default_rng(3), 8, 6)
    nothing = Plate(8, 6, np.zeros((0, 0, 4), np.float16))
    cache = write_cache(tmp_path / "c.mefc", [plate, nothing, plate], first_frame=1001)
    with start("addresses") as host:
        host.create()
        assert host.is_identity(1001)  # no take
        host.set(take=cache)
        assert [host.is_identity(time) for time in (1000, 1001, 1002, 1003, 1004)] == [True, False, True, False, True]
        # Rounding of the host's own, and the second field of a frame.
        assert [host.is_identity(time) for time in (1000.999, 1001.5, 1003.999, 1000.9)] == [False, False, True, True]
        host.set(frameOffset=1001)
        assert [host.is_identity(time) for time in (-1, 0, 1, 2, 3)] == [True, False, True, False, True]
        assert all(host.is_identity(time) for time in (1e300, -1e300))
        host.set(mix=0)
        assert host.is_identity(0)
        host.set(showMatte=1)  # a matte is to be seen whatever the mix, also an empty one
        assert [host.is_identity(time) for time in (0, 1, 3)] == [False, False, True]
        host.set(take=tmp_path)
        assert host.is_identity(0)
        host.set(take=tmp_path / "missing.mefc")
        assert host.is_identity(0)
        assert not host.complaints()


def test_looking_again_changes_a_parameter_and_nothing_else_does(start: Started) -> None:
    with start("addresses") as host:
        host.create()
        assert host.ask("press", instance="one", param="lookAgain")["status"] == OK
        assert host.ask("value", instance="one", param="looks")["value"] == 1
        assert host.ask("press", instance="one", param="mix")["status"] == DEFAULT
        assert host.ask("value", instance="one", param="looks")["value"] == 1


def test_an_effect_that_was_never_made_is_refused(start: Started) -> None:
    with start("addresses") as host:
        host.ask("create", instance="none", silently=1)
        assert host.ask("identity", instance="none", time=0)["status"] == BAD_HANDLE
        assert host.ask("press", instance="none", param="lookAgain")["status"] == BAD_HANDLE
        assert host.ask("destroy", instance="none")["status"] == BAD_HANDLE
