# SPDX-License-Identifier: GPL-3.0-or-later
"""Colour spaces of OpenColorIO configs: the user's own ($OCIO) first, then the ACES configs that the library brings.

A space is brought to linear Rec.709 through the config's interchange roles (OCIO 2, "interchange between configs").
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import PyOpenColorIO
from numpy.typing import NDArray

from maskedit.errors import InputError

Values = NDArray[np.float64]

ocio: Any = PyOpenColorIO  # the bindings bring no types
_BUILT_IN = ("ocio://cg-config-latest", "ocio://studio-config-latest")
_LINEAR = "Linear Rec.709 (sRGB)"


class _Processor(Protocol):
    """OpenColorIO's CPUProcessor: float32 (…, 3), changed in place."""

    def applyRGB(self, values: NDArray[np.float32], /) -> None: ...


@dataclass(frozen=True, eq=False)
class UserSpace:
    """One space of a config, as a `spaces.Scene`. Computed in single precision, as OpenColorIO does."""

    words: str
    forward: _Processor
    backward: _Processor

    def to_linear(self, encoded: Values) -> Values:
        return _applied(self.forward, encoded)

    def from_linear(self, linear: Values) -> Values:
        return _applied(self.backward, linear)


def user_space(name: str) -> UserSpace | None:
    """The space `name` (or an alias or role of that name); None for one that shows on a screen as it is.

    Raises InputError, one sentence: no config has it, it holds no colour, or its config cannot be read or does not say
    how its spaces meet those of other configs.
    """
    config = _config_with(name)
    space = config.getColorSpace(name)
    if space.isData():
        raise InputError(f"The OpenColorIO space {name} holds data, no colour: name the space that the clip is in.")
    if space.getEncoding() == "sdr-video":
        return None
    try:
        forward, backward = (
            make(config, name, _LINEAR) for make in (ocio.Config.GetProcessorToBuiltinColorSpace, _from_built_in)
        )
    except ocio.Exception as error:
        raise InputError(
            f"The OpenColorIO space {name} cannot be brought to linear Rec.709 ({_first_line(error)}): give its config "
            "the role aces_interchange."
        ) from error
    return UserSpace(f"{space.getName()} of {config.getName() or 'the OCIO config'}", _exact(forward), _exact(backward))


def _config_with(name: str) -> Any:
    own = os.environ.get("OCIO", "")
    for place in (*((own,) if own else ()), *_BUILT_IN):
        try:
            config = ocio.Config.CreateFromFile(place)
        except (ocio.Exception, ocio.ExceptionMissingFile) as error:
            raise InputError(
                f"The OpenColorIO config {place} cannot be read ({_first_line(error)}): check the variable OCIO."
            ) from error
        if config.getColorSpace(name) is not None:
            return config
    where = f"{own}, nor in those built in" if own else "OpenColorIO's built-in configs: set OCIO to your own"
    raise InputError(f"There is no colour space {name} in {where}.")


def _from_built_in(config: Any, name: str, built_in: str) -> Any:
    return ocio.Config.GetProcessorFromBuiltinColorSpace(built_in, config, name)


def _exact(processor: Any) -> _Processor:
    """Without the approximations of logarithms and powers that OpenColorIO takes by default."""
    return processor.getOptimizedCPUProcessor(ocio.OptimizationFlags.OPTIMIZATION_LOSSLESS)


def _applied(processor: _Processor, values: Values) -> Values:
    single = np.ascontiguousarray(values, np.float32).copy()
    processor.applyRGB(single)
    return single.astype(np.float64)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0].rstrip(".")
