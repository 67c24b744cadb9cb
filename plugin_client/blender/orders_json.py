# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders as plain JSON values: kept with a run and on its result, so that both can be made again."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from typing import Any

from plugin_client.blender.orders import MatteChoice, Order, PaintedFrame, Spot, StripShot
from plugin_client.core.host import Shot
from plugin_client.core.timeline import FrameRange


def order_to_json(order: Order) -> dict[str, Any]:
    """`order` in values that JSON has; rates as "24000/1001"."""
    values = asdict(order)
    values["strip_shot"]["shot"]["rate"] = str(order.strip_shot.shot.rate)
    return values


def order_from_json(values: dict[str, Any]) -> Order:
    """The inverse of `order_to_json`. Raises KeyError, TypeError or ValueError for anything else."""
    strip = values["strip_shot"]
    shot = strip["shot"]
    return Order(
        **values
        | {
            "strip_shot": StripShot(
                shot=Shot(**shot | {"frames": FrameRange(**shot["frames"]), "rate": Fraction(shot["rate"])}),
                spot=Spot(**strip["spot"]),
                is_rendered=strip["is_rendered"],
                size=(strip["size"][0], strip["size"][1]),
            ),
            "matte": MatteChoice(**values["matte"]),
            "keyframes": tuple(PaintedFrame(**each) for each in values["keyframes"]),
        }
    )
