// SPDX-License-Identifier: GPL-3.0-or-later
// What can be asked of the host, one line each: see main.cpp.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "model.h"
#include "rendering_job.h"

namespace host {

using Words = std::map<std::string, std::string>;

class Session {
public:
    // Runs a command: its name, and its words KEY=VALUE. Returns one JSON object; what comes after it goes to `raw`.
    std::string run(const std::string& command, const Words& words, std::vector<unsigned char>& raw);

    const Library& library() const { return library_; }
    Effect& instance(const std::string& name) { return *instances_.at(name); }

private:
    std::string load(const Words& words);
    std::string describe(const Words& words);
    std::string create(const Words& words);
    std::string change(const Words& words);
    std::string identity(const Words& words);
    std::string render(const Words& words, std::vector<unsigned char>& raw);

    Library library_;
    Effect descriptor_;
    std::map<std::string, std::unique_ptr<Effect>> instances_;
};

// Many threads render and destroy at once, while somebody else publishes frames: storm.cpp.
std::string storm(Session& session, const Words& words);
// A render beside a copy of the same bytes: bench.cpp.
std::string bench(Session& session, const Words& words);

}  // namespace host
