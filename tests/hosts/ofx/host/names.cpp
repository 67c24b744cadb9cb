// SPDX-License-Identifier: GPL-3.0-or-later
// Source: the property sets of the OpenFX reference, written out once more on purpose: a slip in the plug-in's own
// names shows here.
#include "model.h"

namespace host {

const Names effect_names{"OfxPropLabel",
                         "OfxPropPluginDescription",
                         "OfxPropVersion",
                         "OfxImageEffectPluginPropGrouping",
                         "OfxImageEffectPropSupportedContexts",
                         "OfxImageEffectPropSupportedPixelDepths",
                         "OfxImageEffectPluginRenderThreadSafety",
                         "OfxImageEffectPluginPropHostFrameThreading",
                         "OfxImageEffectPluginPropFieldRenderTwiceAlways",
                         "OfxImageEffectPropSupportsMultiResolution",
                         "OfxImageEffectPropSupportsTiles",
                         "OfxImageEffectPropTemporalClipAccess",
                         "OfxImageEffectPropMultipleClipDepths",
                         "OfxImageEffectPropSupportsMultipleClipPARs"};

const Names clip_names{"OfxPropLabel",
                       "OfxImageEffectPropSupportedComponents",
                       "OfxImageEffectPropSupportsTiles",
                       "OfxImageEffectPropTemporalClipAccess",
                       "OfxImageClipPropFieldExtraction",
                       "OfxImageClipPropOptional"};

const Names preference_names{"OfxImageEffectFrameVarying", "OfxImageEffectPropPreMultiplication",
                             "OfxImageClipPropContinuousSamples"};

namespace {

const Names common{"OfxPropLabel", "OfxParamPropHint", "OfxParamPropSecret", "OfxParamPropEvaluateOnChange"};
const Names valued{"OfxParamPropDefault", "OfxParamPropAnimates"};
const Names numeric{"OfxParamPropMin", "OfxParamPropMax", "OfxParamPropDisplayMin", "OfxParamPropDisplayMax"};

Names all_of(std::initializer_list<const Names*> groups, Names names = {}) {
    for (const Names* group : groups) names.insert(group->begin(), group->end());
    return names;
}

}  // namespace

const Names& param_names(const std::string& type) {
    static const std::map<std::string, Names> by_type{
        {"OfxParamTypeString", all_of({&common, &valued}, {"OfxParamPropStringMode"})},
        {"OfxParamTypeInteger", all_of({&common, &valued, &numeric})},
        {"OfxParamTypeDouble", all_of({&common, &valued, &numeric})},
        {"OfxParamTypeBoolean", all_of({&common, &valued})},
        {"OfxParamTypePushButton", common}};
    return by_type.at(type);
}

}  // namespace host
