// SPDX-License-Identifier: GPL-3.0-or-later
// The bundle's entry points and what each action does. No exception leaves them: a host is C, or was built elsewhere.
#include <algorithm>
#include <cstring>
#include <new>

#include "describing.h"
#include "host.h"
#include "instance.h"
#include "ofx_names.h"

#ifdef _WIN32
#define MASKEDIT_EXPORT extern "C" __declspec(dllexport)
#else
#define MASKEDIT_EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace maskedit {
namespace {

ofx::PropertySet properties_of(ofx::Effect effect) {
    ofx::PropertySet properties = nullptr;
    must(suites().effects->getPropertySet(effect, &properties));
    return properties;
}

Instance& instance_of(ofx::Effect effect) {
    void* data = nullptr;
    must(suites().properties->getPointer(properties_of(effect), ofx::prop::kInstanceData, 0, &data));
    if (!data) throw Refused{ofx::kErrBadHandle};
    return *static_cast<Instance*>(data);
}

ofx::Status create_instance(ofx::Effect effect) {
    auto instance = std::make_unique<Instance>(effect);
    must(suites().properties->setPointer(properties_of(effect), ofx::prop::kInstanceData, 0, instance.get()));
    instance.release();  // the host has it now, until it asks to destroy it
    return ofx::kOK;
}

ofx::Status destroy_instance(ofx::Effect effect) {
    delete &instance_of(effect);
    must(suites().properties->setPointer(properties_of(effect), ofx::prop::kInstanceData, 0, nullptr));
    return ofx::kOK;
}

ofx::Status instance_changed(ofx::Effect effect, ofx::PropertySet in) {
    if (get_string(in, ofx::prop::kName) != name::kLookAgain) return ofx::kReplyDefault;
    instance_of(effect).look_again();
    return ofx::kOK;
}

// The output is like the source in everything. It differs from frame to frame even where the source is a still.
ofx::Status get_clip_preferences(ofx::PropertySet out) {
    set(out, ofx::prop::kFrameVarying, 1);
    return ofx::kOK;
}

ofx::Status is_identity(ofx::Effect effect, ofx::PropertySet in, ofx::PropertySet out) {
    Overlay overlay;
    const double time = get_time(in);
    if (instance_of(effect).find_overlay(time, overlay)) return ofx::kReplyDefault;
    must(suites().properties->setString(out, ofx::prop::kName, 0, ofx::clip::kSource));
    must(suites().properties->setDouble(out, ofx::prop::kTime, 0, time));
    return ofx::kOK;
}

Alpha alpha_of(const HeldImage& source) {
    const std::string alpha = get_string(source.properties(), ofx::prop::kPremultiplication);
    if (alpha == ofx::alpha::kOpaque) return Alpha::kOpaque;
    return alpha == ofx::alpha::kUnpremultiplied ? Alpha::kUnpremultiplied : Alpha::kPremultiplied;
}

// False where the host's numbers make no picture.
bool find_placement(ofx::PropertySet in, double time, const Instance& instance, const HeldImage& source,
                    Overlay& overlay) {
    View view{};
    if (suites().effects->clipGetRegionOfDefinition(instance.source(), time, &view.source) != ofx::kOK) return false;
    view.pixel_aspect = get_double(source.properties(), ofx::prop::kPixelAspect, 0, 1);
    view.scale_x = get_double(in, ofx::prop::kRenderScale, 0, 1);
    view.scale_y = get_double(in, ofx::prop::kRenderScale, 1, 1);
    const bool is_real = view.pixel_aspect > 0 && view.scale_x > 0 && view.scale_y > 0 &&
                         view.source.x2 > view.source.x1 && view.source.y2 > view.source.y1;
    if (is_real) overlay.placement = place(overlay.cache->facts(), view);
    return is_real;
}

Frame frame_of(const HeldImage& source, const HeldImage& output, const ofx::RectI& window) {
    Frame frame;
    frame.output = output.pixels(frame.kind);
    if (!frame.output.data) throw Refused{ofx::kErrImageFormat};
    const ofx::RectI& bounds = frame.output.bounds;
    frame.window = {std::max(window.x1, bounds.x1), std::max(window.y1, bounds.y1), std::min(window.x2, bounds.x2),
                    std::min(window.y2, bounds.y2)};
    if (!source.is_there()) return frame;
    const PixelKind* kind = nullptr;
    frame.source = source.pixels(kind);
    if (kind != frame.kind) throw Refused{ofx::kErrImageFormat};
    frame.alpha = alpha_of(source);
    return frame;
}

ofx::Status render(ofx::Effect effect, ofx::PropertySet in) {
    Instance& instance = instance_of(effect);
    const double time = get_time(in);
    HeldImage output(instance.output(), time), source(instance.source(), time);
    if (!output.is_there()) return ofx::kFailed;
    const Frame frame = frame_of(source, output, get_rect(in, ofx::prop::kRenderWindow));
    if (frame.window.x1 >= frame.window.x2 || frame.window.y1 >= frame.window.y2) return ofx::kOK;
    const auto goes_on = [effect] { return suites().effects->abort(effect) == 0; };
    Overlay overlay;
    const bool shows = source.is_there() && instance.find_overlay(time, overlay) &&
                       find_placement(in, time, instance, source, overlay);
    if (shows)
        maskedit::render(frame, overlay, goes_on);
    else
        copy_source(frame, goes_on);
    return ofx::kOK;
}

ofx::Status act(const char* action, ofx::Effect effect, ofx::PropertySet in, ofx::PropertySet out) {
    const auto is = [action](const char* name) { return std::strcmp(action, name) == 0; };
    if (is(ofx::action::kLoad)) return fetch_suites() ? ofx::kOK : ofx::kErrMissingHostFeature;
    if (is(ofx::action::kRender)) return render(effect, in);
    if (is(ofx::action::kIsIdentity)) return is_identity(effect, in, out);
    if (is(ofx::action::kGetClipPreferences)) return get_clip_preferences(out);
    if (is(ofx::action::kCreateInstance)) return create_instance(effect);
    if (is(ofx::action::kDestroyInstance)) return destroy_instance(effect);
    if (is(ofx::action::kInstanceChanged)) return instance_changed(effect, in);
    if (is(ofx::action::kDescribe)) return describe(effect), ofx::kOK;
    if (is(ofx::action::kDescribeInContext)) return describe_in_context(effect), ofx::kOK;
    return is(ofx::action::kUnload) ? ofx::kOK : ofx::kReplyDefault;
}

ofx::Status main_entry(const char* action, const void* handle, ofx::PropertySet in, ofx::PropertySet out) noexcept {
    try {
        return act(action, static_cast<ofx::Effect>(const_cast<void*>(handle)), in, out);
    } catch (const Refused& refused) {
        return refused.status;
    } catch (const std::bad_alloc&) {
        return ofx::kErrMemory;
    } catch (...) {
        return ofx::kFailed;
    }
}

ofx::Plugin plugin{ofx::kApi, 1, "io.maskedit.Take", 1, 0, set_host, main_entry};

}  // namespace
}  // namespace maskedit

MASKEDIT_EXPORT int OfxGetNumberOfPlugins() { return 1; }

MASKEDIT_EXPORT ofx::Plugin* OfxGetPlugin(int index) { return index == 0 ? &maskedit::plugin : nullptr; }

MASKEDIT_EXPORT ofx::Status OfxSetHost(const ofx::Host* host) {
    maskedit::set_host(const_cast<ofx::Host*>(host));
    return ofx::kOK;
}
