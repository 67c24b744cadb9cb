// SPDX-License-Identifier: GPL-3.0-or-later
// Allocations that fail on request, for the plug-in as for everybody in this process: glibc lets a program define
// malloc.
#include <cerrno>
#include <cstddef>

#include "model.h"

#ifdef MASKEDIT_NO_STARVING

void host::starve(int) {}

#else

namespace {
thread_local int allocations_left = -1;
}

void host::starve(int after) { allocations_left = after; }

extern "C" void* __libc_malloc(std::size_t bytes);

extern "C" void* malloc(std::size_t bytes) {
    if (allocations_left >= 0 && allocations_left-- == 0) {
        errno = ENOMEM;
        return nullptr;
    }
    return __libc_malloc(bytes);
}

#endif
