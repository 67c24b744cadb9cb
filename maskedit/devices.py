# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine can compute on, found without torch."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

import psutil
import pynvml


@dataclass(frozen=True, kw_only=True)
class Device:
    """`device_id` as torch names it; `uuid` as CUDA_VISIBLE_DEVICES takes it, "" for the CPU; memory in bytes."""

    device_id: str
    name: str
    memory_bytes: int
    free_memory_bytes: int
    uuid: str = ""


def find_devices() -> tuple[Device, ...]:
    """The NVIDIA GPUs as they are now, then the CPU."""
    memory = psutil.virtual_memory()
    cpu = Device(
        device_id="cpu",
        name=f"{platform.machine()}, {os.cpu_count()} cores",
        memory_bytes=memory.total,
        free_memory_bytes=memory.available,
    )
    return (*_find_gpus(), cpu)


def _find_gpus() -> tuple[Device, ...]:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return tuple(_describe(index, handle) for index, handle in enumerate(handles))
    finally:
        pynvml.nvmlShutdown()


def _describe(index: int, handle: object) -> Device:
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return Device(
        device_id=f"cuda:{index}",
        name=pynvml.nvmlDeviceGetName(handle),
        memory_bytes=int(memory.total),
        free_memory_bytes=int(memory.free),
        uuid=pynvml.nvmlDeviceGetUUID(handle),
    )
