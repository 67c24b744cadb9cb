// SPDX-License-Identifier: GPL-3.0-or-later
#include "commands.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace host {
namespace {

constexpr unsigned char kUntouched = 0xA5;

std::string status_of(ofx::Status status) { return "{\"status\":" + std::to_string(status) + "}"; }

template <class Number>
std::vector<Number> numbers(const std::string& text) {
    std::vector<Number> list;
    const char* at = text.c_str();
    for (char* end; *at; at = *end ? end + 1 : end) list.push_back(static_cast<Number>(std::strtod(at, &end)));
    return list;
}

ofx::RectI rectangle(const std::string& text) {
    const auto edges = numbers<int>(text);
    return {edges.at(0), edges.at(1), edges.at(2), edges.at(3)};
}

void read_exactly(unsigned char* to, std::size_t bytes) {
    if (std::fread(to, 1, bytes, stdin) != bytes) throw std::runtime_error("the pixels end early");
}

// "x1,y1,x2,y2,row_bytes,offset,bytes"; no bytes, no image.
Buffer buffer(const std::string& text) {
    const auto facts = numbers<long>(text);
    Buffer made;
    made.bounds = {int(facts.at(0)), int(facts.at(1)), int(facts.at(2)), int(facts.at(3))};
    made.row_bytes = static_cast<int>(facts.at(4));
    made.offset = facts.at(5);
    made.pixels.assign(static_cast<std::size_t>(facts.at(6)), kUntouched);
    return made;
}

Value default_of(const Param& param) {
    const auto found = param.properties.values.find("OfxParamPropDefault");
    if (found != param.properties.values.end()) return found->second.at(0);
    return param.type == "OfxParamTypeString" ? Value(std::string()) : Value(0);
}

}  // namespace

std::string Session::run(const std::string& command, const Words& words, std::vector<unsigned char>& raw) {
    if (command == "load") return load(words);
    if (command == "describe") return describe(words);
    if (command == "create") return create(words);
    if (command == "set") return change(words);
    if (command == "identity") return identity(words);
    if (command == "render") return render(words, raw);
    if (command == "storm") return storm(*this, words);
    if (command == "bench") return bench(*this, words);
    if (command == "press") {
        Properties in = arguments({{"OfxPropName", {words.at("param")}}});
        return status_of(library_.act("OfxActionInstanceChanged", &instance(words.at("instance")), &in, nullptr));
    }
    if (command == "preferences") {
        Properties out;
        out.settable = &preference_names;
        Effect& of = instance(words.at("instance"));
        const ofx::Status status = library_.act("OfxImageEffectActionGetClipPreferences", &of, nullptr, &out);
        return "{\"status\":" + std::to_string(status) + ",\"properties\":" + out.json() + "}";
    }
    if (command == "destroy") {
        const ofx::Status status =
            library_.act("OfxActionDestroyInstance", &instance(words.at("instance")), nullptr, nullptr);
        instances_.erase(words.at("instance"));
        return status_of(status);
    }
    if (command == "value") {
        const int value = std::get<int>(instance(words.at("instance")).params.at(words.at("param")).value);
        return "{\"value\":" + std::to_string(value) + "}";
    }
    if (command == "act") return status_of(library_.act(words.at("name").c_str(), nullptr, nullptr, nullptr));
    if (command == "complaints") {
        std::string list;
        for (const auto& words_of : take_complaints()) list += (list.empty() ? "" : ",") + quoted(words_of);
        return "{\"complaints\":[" + list + "]}";
    }
    throw std::runtime_error("no command " + command);
}

std::string Session::load(const Words& words) {
    static ofx::Host host{nullptr, fetch_suite};
    library_.handle = dlopen(words.at("path").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library_.handle) throw std::runtime_error(dlerror());
    const auto count = reinterpret_cast<int (*)()>(dlsym(library_.handle, "OfxGetNumberOfPlugins"));
    const auto get = reinterpret_cast<ofx::Plugin* (*)(int)>(dlsym(library_.handle, "OfxGetPlugin"));
    if (!count || !get) throw std::runtime_error("the entry points are missing");
    library_.plugin = get(0);
    if (get(1) || get(-1)) complain("there is a second plug-in");
    const ofx::Plugin& plugin = *library_.plugin;
    library_.plugin->setHost(&host);
    const ofx::Status status = library_.act("OfxActionLoad", nullptr, nullptr, nullptr);
    return "{\"status\":" + std::to_string(status) + ",\"count\":" + std::to_string(count()) +
           ",\"api\":" + quoted(plugin.api) + ",\"api_version\":" + std::to_string(plugin.apiVersion) +
           ",\"identifier\":" + quoted(plugin.identifier) + "}";
}

std::string Session::describe(const Words& words) {
    descriptor_ = Effect();
    descriptor_.properties.settable = &effect_names;
    const ofx::Status status = library_.act("OfxActionDescribe", &descriptor_, nullptr, nullptr);
    Properties in = arguments({{"OfxImageEffectPropContext", {words.at("context")}}});
    const ofx::Status in_context = library_.act("OfxImageEffectActionDescribeInContext", &descriptor_, &in, nullptr);
    std::string clips, params;
    for (const auto& [name, clip] : descriptor_.clips)
        clips += (clips.empty() ? "" : ",") + quoted(name) + ":" + clip.properties.json();
    for (const auto& [name, param] : descriptor_.params)
        params += (params.empty() ? "" : ",") + quoted(name) + ":{\"type\":" + quoted(param.type) +
                  ",\"properties\":" + param.properties.json() + "}";
    return "{\"status\":" + std::to_string(status) + ",\"in_context\":" + std::to_string(in_context) +
           ",\"properties\":" + descriptor_.properties.json() + ",\"clips\":{" + clips + "},\"params\":{" + params +
           "}}";
}

std::string Session::create(const Words& words) {
    auto made = std::make_unique<Effect>(descriptor_);
    made->properties = arguments({{"OfxPropInstanceData", {static_cast<void*>(nullptr)}}});
    for (auto& entry : made->params) entry.second.value = default_of(entry.second);
    // `silently`: as a host would that forgot to tell the plug-in.
    const bool is_told = words.count("silently") == 0;
    const ofx::Status status =
        is_told ? library_.act("OfxActionCreateInstance", made.get(), nullptr, nullptr) : ofx::kOK;
    instances_[words.at("instance")] = std::move(made);
    return status_of(status);
}

std::string Session::change(const Words& words) {
    Param& param = instance(words.at("instance")).params.at(words.at("param"));
    const std::string& text = words.at("value");
    if (std::holds_alternative<std::string>(param.value))
        param.value = text;
    else if (std::holds_alternative<double>(param.value))
        param.value = std::stod(text);
    else
        param.value = std::stoi(text);
    return status_of(ofx::kOK);
}

std::string Session::identity(const Words& words) {
    const double time = std::stod(words.at("time"));
    Properties in = arguments({{"OfxPropTime", {time}},
                               {"OfxImageEffectPropFieldToRender", {std::string("OfxFieldNone")}},
                               {"OfxImageEffectPropRenderWindow", {0, 0, 1, 1}},
                               {"OfxImageEffectPropRenderScale", {1.0, 1.0}}});
    Properties out = arguments({{"OfxPropName", {std::string()}}, {"OfxPropTime", {-1.0}}});
    const ofx::Status status =
        library_.act("OfxImageEffectActionIsIdentity", &instance(words.at("instance")), &in, &out);
    return "{\"status\":" + std::to_string(status) + ",\"out\":" + out.json() + "}";
}

std::string Session::render(const Words& words, std::vector<unsigned char>& raw) {
    Request request;
    request.time = std::stod(words.at("time"));
    const auto scale = numbers<double>(words.at("scale")), region = numbers<double>(words.at("region"));
    request.scale_x = scale.at(0), request.scale_y = scale.at(1);
    request.source_region = {region.at(0), region.at(1), region.at(2), region.at(3)};
    request.aspect = std::stod(words.at("aspect"));
    request.depth = words.at("depth"), request.components = words.at("components");
    request.alpha = words.at("alpha"), request.field = words.at("field");
    request.window = rectangle(words.at("window"));
    request.source = buffer(words.at("source"));
    request.output = buffer(words.at("output"));
    request.abort_after = std::stoi(words.at("abort_after"));
    request.starve_after = std::stoi(words.at("starve_after"));
    read_exactly(request.source.pixels.data(), request.source.pixels.size());
    const Outcome outcome = host::render(library_, instance(words.at("instance")), request);
    raw = std::move(request.output.pixels);
    return "{\"status\":" + std::to_string(outcome.status) + ",\"images_out\":" + std::to_string(outcome.images_out) +
           ",\"bytes\":" + std::to_string(raw.size()) + "}";
}

}  // namespace host
