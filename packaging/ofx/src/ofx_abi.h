// SPDX-License-Identifier: GPL-3.0-or-later
// The part of the OpenFX C interface that is used: image effects, with properties and parameters.
// Source: the OpenFX reference, standard 1.4 and 1.5, which fixes names, orders and numbers. What a suite has and we
// never call is a `Slot`: it keeps the place of what follows. The asserts at the end hold what the interface fixes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ofx {

using Status = int;
inline constexpr Status kOK = 0, kFailed = 1, kErrFatal = 2, kErrUnknown = 3, kErrMissingHostFeature = 4;
inline constexpr Status kErrUnsupported = 5, kErrExists = 6, kErrFormat = 7, kErrMemory = 8, kErrBadHandle = 9;
inline constexpr Status kErrBadIndex = 10, kErrValue = 11, kReplyYes = 12, kReplyNo = 13, kReplyDefault = 14;
inline constexpr Status kErrImageFormat = 1000;

// Handles are opaque: a type of its own each, so that none is taken for another.
using PropertySet = struct PropertySetStruct*;
using Effect = struct EffectStruct*;
using Clip = struct ClipStruct*;
using ParamSet = struct ParamSetStruct*;
using Param = struct ParamStruct*;
using Time = double;
using Slot = void (*)();

// Canonical units: square pixels of the whole picture, origin bottom left.
struct RectD {
    double x1, y1, x2, y2;
};
// Pixels of one image, x2 and y2 exclusive.
struct RectI {
    int x1, y1, x2, y2;
};

struct Host {
    PropertySet properties;
    const void* (*fetchSuite)(PropertySet host, const char* name, int version);
};

using MainEntry = Status(const char* action, const void* handle, PropertySet inArgs, PropertySet outArgs);

struct Plugin {
    const char* api;
    int apiVersion;
    const char* identifier;
    unsigned int versionMajor, versionMinor;
    void (*setHost)(Host*);
    MainEntry* mainEntry;
};

struct PropertySuite {
    Status (*setPointer)(PropertySet, const char* name, int index, void* value);
    Status (*setString)(PropertySet, const char* name, int index, const char* value);
    Status (*setDouble)(PropertySet, const char* name, int index, double value);
    Status (*setInt)(PropertySet, const char* name, int index, int value);
    Slot setPointerN, setStringN, setDoubleN, setIntN;
    Status (*getPointer)(PropertySet, const char* name, int index, void** value);
    Status (*getString)(PropertySet, const char* name, int index, char** value);
    Status (*getDouble)(PropertySet, const char* name, int index, double* value);
    Status (*getInt)(PropertySet, const char* name, int index, int* value);
    Slot getPointerN, getStringN;
    Status (*getDoubleN)(PropertySet, const char* name, int count, double* values);
    Status (*getIntN)(PropertySet, const char* name, int count, int* values);
    Slot reset, getDimension;
};

struct ImageEffectSuite {
    Status (*getPropertySet)(Effect, PropertySet* properties);
    Status (*getParamSet)(Effect, ParamSet* params);
    Status (*clipDefine)(Effect, const char* name, PropertySet* properties);
    Status (*clipGetHandle)(Effect, const char* name, Clip* clip, PropertySet* properties);
    Status (*clipGetPropertySet)(Clip, PropertySet* properties);
    Status (*clipGetImage)(Clip, Time, const RectD* region, PropertySet* image);
    Status (*clipReleaseImage)(PropertySet image);
    Status (*clipGetRegionOfDefinition)(Clip, Time, RectD* bounds);
    int (*abort)(Effect);
    Slot imageMemoryAlloc, imageMemoryFree, imageMemoryLock, imageMemoryUnlock;
};

struct ParameterSuite {
    Status (*paramDefine)(ParamSet, const char* type, const char* name, PropertySet* properties);
    Status (*paramGetHandle)(ParamSet, const char* name, Param* param, PropertySet* properties);
    Slot paramSetGetPropertySet, paramGetPropertySet;
    Status (*paramGetValue)(Param, ...);
    Status (*paramGetValueAtTime)(Param, Time, ...);
    Slot paramGetDerivative, paramGetIntegral;
    Status (*paramSetValue)(Param, ...);
    Slot paramSetValueAtTime, paramGetNumKeys, paramGetKeyTime, paramGetKeyIndex, paramDeleteKey, paramDeleteAllKeys;
    Slot paramCopy, paramEditBegin, paramEditEnd;
};

inline constexpr std::size_t kPointer = sizeof(void*);
static_assert(kPointer == 8 && sizeof(Slot) == kPointer, "MaskEdit.ofx is built for 64 bits");
static_assert(sizeof(RectD) == 32 && sizeof(RectI) == 16 && sizeof(int) == 4 && sizeof(double) == 8);
static_assert(sizeof(Host) == 2 * kPointer && offsetof(Host, fetchSuite) == kPointer);
static_assert(sizeof(Plugin) == 48 && offsetof(Plugin, apiVersion) == 8 && offsetof(Plugin, identifier) == 16);
static_assert(offsetof(Plugin, versionMajor) == 24 && offsetof(Plugin, versionMinor) == 28);
static_assert(offsetof(Plugin, setHost) == 32 && offsetof(Plugin, mainEntry) == 40);
static_assert(sizeof(PropertySuite) == 18 * kPointer && offsetof(PropertySuite, setInt) == 3 * kPointer);
static_assert(offsetof(PropertySuite, getPointer) == 8 * kPointer && offsetof(PropertySuite, getInt) == 11 * kPointer);
static_assert(offsetof(PropertySuite, getDoubleN) == 14 * kPointer &&
              offsetof(PropertySuite, getIntN) == 15 * kPointer);
static_assert(sizeof(ImageEffectSuite) == 13 * kPointer && offsetof(ImageEffectSuite, clipGetImage) == 5 * kPointer);
static_assert(offsetof(ImageEffectSuite, abort) == 8 * kPointer);
static_assert(sizeof(ParameterSuite) == 18 * kPointer && offsetof(ParameterSuite, paramGetValue) == 4 * kPointer);
static_assert(offsetof(ParameterSuite, paramGetValueAtTime) == 5 * kPointer);
static_assert(offsetof(ParameterSuite, paramSetValue) == 8 * kPointer);
static_assert(kReplyDefault == 14 && kErrBadHandle == 9 && kErrMemory == 8 && kErrValue == 11 && kErrUnknown == 3);

}  // namespace ofx
