// SPDX-License-Identifier: GPL-3.0-or-later
#include "describing.h"

#include "host.h"
#include "ofx_names.h"

namespace maskedit {
namespace {

ofx::PropertySet define(ofx::ParamSet params, const char* type, const char* name, const char* label, const char* hint) {
    ofx::PropertySet properties = nullptr;
    must(suites().params->paramDefine(params, type, name, &properties));
    set(properties, ofx::prop::kLabel, label);
    set(properties, ofx::prop::kHint, hint);
    return properties;
}

void define_clip(ofx::Effect descriptor, const char* name) {
    ofx::PropertySet properties = nullptr;
    must(suites().effects->clipDefine(descriptor, name, &properties));
    set(properties, ofx::prop::kSupportedComponents, ofx::value::kRGBA);
    set(properties, ofx::prop::kTiles, 1);
    set(properties, ofx::prop::kTemporalAccess, 0);
    // The two fields of a frame are drawn together: a take has frames.
    set(properties, ofx::prop::kFieldExtraction, ofx::value::kFieldBoth);
}

void define_params(ofx::ParamSet params) {
    ofx::PropertySet take = define(params, ofx::param::kString, name::kTake, "Take",
                                   "The frame cache (.mefc) of a MaskEdit take. Without one, the clip stays as it is.");
    set(take, ofx::prop::kStringMode, ofx::value::kFilePath);
    set(take, ofx::prop::kAnimates, 0);

    ofx::PropertySet offset = define(params, ofx::param::kInteger, name::kFrameOffset, "Frame offset",
                                     "Added to the host's frame number to find the source's: where the clip begins.");
    set(offset, ofx::prop::kDisplayMin, -1000);
    set(offset, ofx::prop::kDisplayMax, 1000);
    set(offset, ofx::prop::kDefault, 0);
    set(offset, ofx::prop::kAnimates, 0);

    ofx::PropertySet mix =
        define(params, ofx::param::kDouble, name::kMix, "Mix", "How much of the edit shows: 0 is the clip as it is.");
    set(mix, ofx::prop::kMin, 0.0);
    set(mix, ofx::prop::kMax, 1.0);
    set(mix, ofx::prop::kDisplayMin, 0.0);
    set(mix, ofx::prop::kDisplayMax, 1.0);
    set(mix, ofx::prop::kDefault, 1.0);

    ofx::PropertySet matte = define(params, ofx::param::kBoolean, name::kShowMatte, "Show matte",
                                    "The edit's own alpha in grey: white is where it shows.");
    set(matte, ofx::prop::kDefault, 0);
    set(matte, ofx::prop::kAnimates, 0);

    define(params, ofx::param::kPushButton, name::kLookAgain, "Look for new frames",
           "Draws again: hosts keep what they have drawn, also of frames that were rendered since.");
    ofx::PropertySet looks = define(params, ofx::param::kInteger, name::kLooks, "Looks", "How often that was asked.");
    set(looks, ofx::prop::kSecret, 1);
    set(looks, ofx::prop::kDefault, 0);
    set(looks, ofx::prop::kAnimates, 0);
}

}  // namespace

void describe(ofx::Effect descriptor) {
    ofx::PropertySet properties = nullptr;
    must(suites().effects->getPropertySet(descriptor, &properties));
    set(properties, ofx::prop::kLabel, "MaskEdit");
    set(properties, ofx::prop::kGrouping, "MaskEdit");
    set(properties, ofx::prop::kDescription, "Lays the frames of a MaskEdit take over the clip that it was made from.");
    set(properties, ofx::prop::kContexts, ofx::context::kFilter, 0);
    set(properties, ofx::prop::kContexts, ofx::context::kGeneral, 1);
    int index = 0;
    for (const char* depth : {ofx::depth::kFloat, ofx::depth::kHalf, ofx::depth::kShort, ofx::depth::kByte})
        set(properties, ofx::prop::kPixelDepths, depth, index++);
    set(properties, ofx::prop::kThreadSafety, ofx::value::kFullySafe);
    set(properties, ofx::prop::kFrameThreading, 1);
    set(properties, ofx::prop::kRenderTwiceAlways, 0);
    set(properties, ofx::prop::kMultiResolution, 1);
    set(properties, ofx::prop::kTiles, 1);
    set(properties, ofx::prop::kTemporalAccess, 0);
    set(properties, ofx::prop::kMultipleDepths, 0);
    set(properties, ofx::prop::kMultipleAspects, 0);
}

void describe_in_context(ofx::Effect descriptor) {
    define_clip(descriptor, ofx::clip::kSource);
    define_clip(descriptor, ofx::clip::kOutput);
    ofx::ParamSet params = nullptr;
    must(suites().effects->getParamSet(descriptor, &params));
    define_params(params);
}

}  // namespace maskedit
