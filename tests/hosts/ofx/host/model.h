// SPDX-License-Identifier: GPL-3.0-or-later
// What a host keeps: the plug-in's descriptors, its instances, and what one thread is rendering right now.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ofx_abi.h"
#include "properties.h"

namespace host {

struct Param {
    std::string type;
    Properties properties;
    Value value;
};

struct Clip {
    std::string name;
    Properties properties;
};

// A descriptor, or an instance made from one.
struct Effect {
    Properties properties;
    std::map<std::string, Param> params;
    std::map<std::string, Clip> clips;

    ofx::Effect handle() { return reinterpret_cast<ofx::Effect>(this); }
};

// What a thread has asked for: the suites answer from it.
struct Job {
    Properties source, output;
    bool has_source = false;
    ofx::RectD source_region{};
    int images_out = 0;    // fetched and not given back yet
    int abort_after = -1;  // so often the plug-in is told to go on; negative: always
    int questions = 0;
};
extern thread_local Job* current_job;

// The plug-in's library, and what it said of itself.
struct Library {
    void* handle = nullptr;
    ofx::Plugin* plugin = nullptr;
    int count = 0;

    ofx::Status act(const char* action, Effect* effect, Properties* in, Properties* out) const {
        return plugin->mainEntry(action, effect, in ? in->handle() : nullptr, out ? out->handle() : nullptr);
    }
};

const void* fetch_suite(ofx::PropertySet host, const char* name, int version);

// Names that the standard gives to the properties of each kind of object.
using Names = std::set<std::string, std::less<>>;
extern const Names effect_names, clip_names, preference_names;
const Names& param_names(const std::string& type);

// A set with these values; for the arguments of actions.
Properties arguments(std::map<std::string, std::vector<Value>> values);

// From here on the `after`-th allocation of this thread fails, and no other; negative: none does.
void starve(int after);

}  // namespace host
