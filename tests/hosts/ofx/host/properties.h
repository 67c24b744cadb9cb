// SPDX-License-Identifier: GPL-3.0-or-later
// Property sets as a strict host keeps them: a name that the standard does not give to such an object is refused and
// written down, and so is a value of another type than the one that is there.
#pragma once

#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "ofx_abi.h"

namespace host {

using Value = std::variant<int, double, std::string, void*>;

struct Properties {
    std::map<std::string, std::vector<Value>, std::less<>> values;
    // What may be set though it is not there yet; null: nothing but what is there.
    const std::set<std::string, std::less<>>* settable = nullptr;

    ofx::PropertySet handle() { return reinterpret_cast<ofx::PropertySet>(this); }
    static Properties& of(ofx::PropertySet handle) { return *reinterpret_cast<Properties*>(handle); }
    std::string json() const;
};

const ofx::PropertySuite& property_suite();

// What the plug-in did that a strict host does not like, since the last call.
std::vector<std::string> take_complaints();
void complain(const std::string& words);

std::string quoted(const std::string& text);

}  // namespace host
