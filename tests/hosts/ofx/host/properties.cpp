// SPDX-License-Identifier: GPL-3.0-or-later
#include "properties.h"

#include <cstdio>
#include <mutex>
#include <string_view>
#include <utility>

namespace host {
namespace {

std::mutex complaining;
std::vector<std::string> complaints;

template <class T>
ofx::Status set(ofx::PropertySet handle, const char* name, int index, T value) {
    Properties& set = Properties::of(handle);
    auto found = set.values.find(std::string_view(name));
    if (found == set.values.end()) {
        if (!set.settable || set.settable->find(std::string_view(name)) == set.settable->end()) {
            complain(std::string("set ") + name);
            return ofx::kErrUnknown;
        }
        found = set.values.emplace(name, std::vector<Value>()).first;
    }
    auto& values = found->second;
    if (index < 0 || index > static_cast<int>(values.size())) return ofx::kErrBadIndex;
    if (!values.empty() && !std::holds_alternative<T>(values.front())) {
        complain(std::string("type of ") + name);
        return ofx::kErrValue;
    }
    if (index == static_cast<int>(values.size())) values.emplace_back();
    values[static_cast<std::size_t>(index)] = std::move(value);
    return ofx::kOK;
}

template <class T>
const T* get(ofx::PropertySet handle, const char* name, int index, ofx::Status& status) {
    const Properties& set = Properties::of(handle);
    const auto found = set.values.find(std::string_view(name));
    status = ofx::kErrUnknown;
    if (found == set.values.end()) return complain(std::string("get ") + name), nullptr;
    status = ofx::kErrBadIndex;
    if (index < 0 || index >= static_cast<int>(found->second.size())) return nullptr;
    const T* value = std::get_if<T>(&found->second[static_cast<std::size_t>(index)]);
    status = value ? ofx::kOK : ofx::kErrValue;
    if (!value) complain(std::string("type of ") + name);
    return value;
}

template <class T>
ofx::Status get_one(ofx::PropertySet handle, const char* name, int index, T* to) {
    ofx::Status status;
    if (const T* value = get<T>(handle, name, index, status)) *to = *value;
    return status;
}

template <class T>
ofx::Status get_many(ofx::PropertySet handle, const char* name, int count, T* to) {
    ofx::Status status = ofx::kOK;
    for (int i = 0; i < count && status == ofx::kOK; ++i) status = get_one(handle, name, i, to + i);
    return status;
}

ofx::Status set_string(ofx::PropertySet handle, const char* name, int index, const char* value) {
    return set<std::string>(handle, name, index, value);
}

ofx::Status get_string(ofx::PropertySet handle, const char* name, int index, char** to) {
    ofx::Status status;
    if (const auto* value = get<std::string>(handle, name, index, status)) *to = const_cast<char*>(value->c_str());
    return status;
}

struct Show {
    std::string operator()(int value) const { return std::to_string(value); }
    std::string operator()(double value) const {
        char text[32];
        std::snprintf(text, sizeof text, "%.17g", value);
        return text;
    }
    std::string operator()(const std::string& value) const { return quoted(value); }
    std::string operator()(void* value) const { return value ? "true" : "false"; }
};

}  // namespace

const ofx::PropertySuite& property_suite() {
    static const ofx::PropertySuite suite = [] {
        ofx::PropertySuite made{};
        made.setPointer = set<void*>;
        made.setString = set_string;
        made.setDouble = set<double>;
        made.setInt = set<int>;
        made.getPointer = get_one<void*>;
        made.getString = get_string;
        made.getDouble = get_one<double>;
        made.getInt = get_one<int>;
        made.getDoubleN = get_many<double>;
        made.getIntN = get_many<int>;
        return made;
    }();
    return suite;
}

std::string Properties::json() const {
    std::string text = "{";
    for (const auto& [name, list] : values) {
        text += (text.size() > 1 ? "," : "") + quoted(name) + ":[";
        for (std::size_t i = 0; i < list.size(); ++i) text += (i ? "," : "") + std::visit(Show(), list[i]);
        text += "]";
    }
    return text + "}";
}

void complain(const std::string& words) {
    std::lock_guard<std::mutex> lock(complaining);
    complaints.push_back(words);
}

std::vector<std::string> take_complaints() {
    std::lock_guard<std::mutex> lock(complaining);
    return std::exchange(complaints, {});
}

std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\') result += '\\';
        result += letter;
    }
    return result + "\"";
}

}  // namespace host
