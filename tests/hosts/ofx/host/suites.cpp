// SPDX-License-Identifier: GPL-3.0-or-later
// The image effect and parameter suites. Nothing here allocates while a plug-in renders: a test may starve it.
#include <cstdarg>
#include <cstring>

#include "model.h"

namespace host {

thread_local Job* current_job = nullptr;

namespace {

Effect& effect_of(ofx::Effect handle) { return *reinterpret_cast<Effect*>(handle); }
Param& param_of(ofx::Param handle) { return *reinterpret_cast<Param*>(handle); }

ofx::Status get_property_set(ofx::Effect effect, ofx::PropertySet* properties) {
    *properties = effect_of(effect).properties.handle();
    return ofx::kOK;
}

ofx::Status get_param_set(ofx::Effect effect, ofx::ParamSet* params) {
    *params = reinterpret_cast<ofx::ParamSet>(effect);
    return ofx::kOK;
}

ofx::Status clip_define(ofx::Effect effect, const char* name, ofx::PropertySet* properties) {
    Clip& clip = effect_of(effect).clips[name];
    clip.name = name;
    clip.properties.settable = &clip_names;
    *properties = clip.properties.handle();
    return ofx::kOK;
}

ofx::Status clip_get_handle(ofx::Effect effect, const char* name, ofx::Clip* clip, ofx::PropertySet* properties) {
    const auto found = effect_of(effect).clips.find(name);
    if (found == effect_of(effect).clips.end()) return ofx::kErrBadHandle;
    *clip = reinterpret_cast<ofx::Clip>(&found->second);
    if (properties) *properties = found->second.properties.handle();
    return ofx::kOK;
}

bool is_source(ofx::Clip clip) { return std::strcmp(reinterpret_cast<Clip*>(clip)->name.c_str(), "Source") == 0; }

ofx::Status clip_get_image(ofx::Clip clip, ofx::Time, const ofx::RectD*, ofx::PropertySet* image) {
    if (!current_job || (is_source(clip) && !current_job->has_source)) return ofx::kFailed;
    *image = (is_source(clip) ? current_job->source : current_job->output).handle();
    ++current_job->images_out;
    return ofx::kOK;
}

ofx::Status clip_release_image(ofx::PropertySet) {
    --current_job->images_out;
    return ofx::kOK;
}

ofx::Status clip_get_region(ofx::Clip clip, ofx::Time, ofx::RectD* bounds) {
    if (!current_job || !is_source(clip)) return ofx::kFailed;
    *bounds = current_job->source_region;
    return ofx::kOK;
}

int is_aborted(ofx::Effect) {
    Job& job = *current_job;
    return job.abort_after >= 0 && job.questions++ >= job.abort_after;
}

ofx::Status param_define(ofx::ParamSet params, const char* type, const char* name, ofx::PropertySet* properties) {
    Param& param = reinterpret_cast<Effect*>(params)->params[name];
    param.type = type;
    param.properties.settable = &param_names(type);
    *properties = param.properties.handle();
    return ofx::kOK;
}

ofx::Status param_get_handle(ofx::ParamSet params, const char* name, ofx::Param* param, ofx::PropertySet* properties) {
    auto& all = reinterpret_cast<Effect*>(params)->params;
    const auto found = all.find(name);
    if (found == all.end()) return ofx::kErrUnknown;
    *param = reinterpret_cast<ofx::Param>(&found->second);
    if (properties) *properties = found->second.properties.handle();
    return ofx::kOK;
}

ofx::Status give(const Param& param, std::va_list& to) {
    if (const auto* text = std::get_if<std::string>(&param.value))
        *va_arg(to, const char**) = text->c_str();
    else if (const auto* number = std::get_if<double>(&param.value))
        *va_arg(to, double*) = *number;
    else
        *va_arg(to, int*) = std::get<int>(param.value);
    return ofx::kOK;
}

ofx::Status param_get_value(ofx::Param param, ...) {
    std::va_list to;
    va_start(to, param);
    const ofx::Status status = give(param_of(param), to);
    va_end(to);
    return status;
}

ofx::Status param_get_value_at_time(ofx::Param param, ofx::Time time, ...) {
    std::va_list to;
    va_start(to, time);
    const ofx::Status status = give(param_of(param), to);
    va_end(to);
    return status;
}

ofx::Status param_set_value(ofx::Param param, ...) {
    std::va_list from;
    va_start(from, param);
    if (std::holds_alternative<int>(param_of(param).value)) param_of(param).value = va_arg(from, int);
    va_end(from);
    return ofx::kOK;
}

const ofx::ImageEffectSuite& effect_suite() {
    static const ofx::ImageEffectSuite suite = [] {
        ofx::ImageEffectSuite made{};
        made.getPropertySet = get_property_set;
        made.getParamSet = get_param_set;
        made.clipDefine = clip_define;
        made.clipGetHandle = clip_get_handle;
        made.clipGetImage = clip_get_image;
        made.clipReleaseImage = clip_release_image;
        made.clipGetRegionOfDefinition = clip_get_region;
        made.abort = is_aborted;
        return made;
    }();
    return suite;
}

const ofx::ParameterSuite& parameter_suite() {
    static const ofx::ParameterSuite suite = [] {
        ofx::ParameterSuite made{};
        made.paramDefine = param_define;
        made.paramGetHandle = param_get_handle;
        made.paramGetValue = param_get_value;
        made.paramGetValueAtTime = param_get_value_at_time;
        made.paramSetValue = param_set_value;
        return made;
    }();
    return suite;
}

}  // namespace

const void* fetch_suite(ofx::PropertySet, const char* name, int version) {
    if (version != 1) return nullptr;
    if (std::strcmp(name, "OfxPropertySuite") == 0) return &property_suite();
    if (std::strcmp(name, "OfxImageEffectSuite") == 0) return &effect_suite();
    return std::strcmp(name, "OfxParameterSuite") == 0 ? &parameter_suite() : nullptr;
}

Properties arguments(std::map<std::string, std::vector<Value>> values) {
    Properties made;
    for (auto& [name, list] : values) made.values.emplace(name, std::move(list));
    return made;
}

}  // namespace host
