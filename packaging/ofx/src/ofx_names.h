// SPDX-License-Identifier: GPL-3.0-or-later
// The strings that OpenFX gives to actions, suites, properties and their values. Source: the OpenFX reference.
// Some do not follow their constant's name, as "OfxImageEffectPropMultipleClipDepths": they are the standard's.
#pragma once

namespace ofx {

inline constexpr char kApi[] = "OfxImageEffectPluginAPI";
inline constexpr char kPropertySuite[] = "OfxPropertySuite", kEffectSuite[] = "OfxImageEffectSuite";
inline constexpr char kParameterSuite[] = "OfxParameterSuite";

namespace action {
inline constexpr char kLoad[] = "OfxActionLoad", kUnload[] = "OfxActionUnload", kDescribe[] = "OfxActionDescribe";
inline constexpr char kCreateInstance[] = "OfxActionCreateInstance", kDestroyInstance[] = "OfxActionDestroyInstance";
inline constexpr char kInstanceChanged[] = "OfxActionInstanceChanged";
inline constexpr char kDescribeInContext[] = "OfxImageEffectActionDescribeInContext";
inline constexpr char kGetClipPreferences[] = "OfxImageEffectActionGetClipPreferences";
inline constexpr char kIsIdentity[] = "OfxImageEffectActionIsIdentity", kRender[] = "OfxImageEffectActionRender";
}  // namespace action

namespace context {
inline constexpr char kFilter[] = "OfxImageEffectContextFilter", kGeneral[] = "OfxImageEffectContextGeneral";
}

namespace clip {
inline constexpr char kSource[] = "Source", kOutput[] = "Output";
}

namespace depth {
inline constexpr char kByte[] = "OfxBitDepthByte", kShort[] = "OfxBitDepthShort";
inline constexpr char kHalf[] = "OfxBitDepthHalf", kFloat[] = "OfxBitDepthFloat";
}  // namespace depth

namespace alpha {
inline constexpr char kOpaque[] = "OfxImageAlphaOpaque", kPremultiplied[] = "OfxImageAlphaPremultiplied";
inline constexpr char kUnpremultiplied[] = "OfxImageAlphaUnPremultiplied";
}  // namespace alpha

namespace value {
inline constexpr char kRGBA[] = "OfxImageComponentRGBA", kFullySafe[] = "OfxImageEffectRenderFullySafe";
inline constexpr char kFieldBoth[] = "OfxFieldBoth", kFilePath[] = "OfxParamStringIsFilePath";
}  // namespace value

namespace param {
inline constexpr char kString[] = "OfxParamTypeString", kInteger[] = "OfxParamTypeInteger";
inline constexpr char kDouble[] = "OfxParamTypeDouble", kBoolean[] = "OfxParamTypeBoolean";
inline constexpr char kPushButton[] = "OfxParamTypePushButton";
}  // namespace param

namespace prop {
inline constexpr char kName[] = "OfxPropName", kTime[] = "OfxPropTime", kLabel[] = "OfxPropLabel";
inline constexpr char kInstanceData[] = "OfxPropInstanceData", kDescription[] = "OfxPropPluginDescription";
// The plug-in's descriptor.
inline constexpr char kGrouping[] = "OfxImageEffectPluginPropGrouping";
inline constexpr char kContexts[] = "OfxImageEffectPropSupportedContexts";
inline constexpr char kPixelDepths[] = "OfxImageEffectPropSupportedPixelDepths";
inline constexpr char kThreadSafety[] = "OfxImageEffectPluginRenderThreadSafety";
inline constexpr char kFrameThreading[] = "OfxImageEffectPluginPropHostFrameThreading";
inline constexpr char kRenderTwiceAlways[] = "OfxImageEffectPluginPropFieldRenderTwiceAlways";
inline constexpr char kMultiResolution[] = "OfxImageEffectPropSupportsMultiResolution";
inline constexpr char kTiles[] = "OfxImageEffectPropSupportsTiles";
inline constexpr char kTemporalAccess[] = "OfxImageEffectPropTemporalClipAccess";
inline constexpr char kMultipleDepths[] = "OfxImageEffectPropMultipleClipDepths";
inline constexpr char kMultipleAspects[] = "OfxImageEffectPropSupportsMultipleClipPARs";
// Clips and images.
inline constexpr char kComponents[] = "OfxImageEffectPropComponents";
inline constexpr char kSupportedComponents[] = "OfxImageEffectPropSupportedComponents";
inline constexpr char kFieldExtraction[] = "OfxImageClipPropFieldExtraction";
inline constexpr char kPixelDepth[] = "OfxImageEffectPropPixelDepth";
inline constexpr char kPremultiplication[] = "OfxImageEffectPropPreMultiplication";
inline constexpr char kPixelAspect[] = "OfxImagePropPixelAspectRatio";
inline constexpr char kData[] = "OfxImagePropData", kBounds[] = "OfxImagePropBounds";
inline constexpr char kRowBytes[] = "OfxImagePropRowBytes", kFrameVarying[] = "OfxImageEffectFrameVarying";
// Arguments of actions.
inline constexpr char kRenderWindow[] = "OfxImageEffectPropRenderWindow";
inline constexpr char kRenderScale[] = "OfxImageEffectPropRenderScale";
// Parameters.
inline constexpr char kHint[] = "OfxParamPropHint", kDefault[] = "OfxParamPropDefault";
inline constexpr char kMin[] = "OfxParamPropMin", kMax[] = "OfxParamPropMax";
inline constexpr char kDisplayMin[] = "OfxParamPropDisplayMin", kDisplayMax[] = "OfxParamPropDisplayMax";
inline constexpr char kAnimates[] = "OfxParamPropAnimates", kStringMode[] = "OfxParamPropStringMode";
inline constexpr char kSecret[] = "OfxParamPropSecret";
}  // namespace prop

}  // namespace ofx
