// SPDX-License-Identifier: GPL-3.0-or-later
#include "host.h"

#include "ofx_names.h"

namespace maskedit {
namespace {

ofx::Host* the_host = nullptr;
Suites the_suites;

template <class Suite>
bool fetch(const char* name, const Suite*& suite) {
    suite = static_cast<const Suite*>(the_host->fetchSuite(the_host->properties, name, 1));
    return suite != nullptr;
}

}  // namespace

void set_host(ofx::Host* host) { the_host = host; }

bool fetch_suites() {
    return the_host && fetch(ofx::kPropertySuite, the_suites.properties) &&
           fetch(ofx::kEffectSuite, the_suites.effects) && fetch(ofx::kParameterSuite, the_suites.params);
}

const Suites& suites() { return the_suites; }

void must(ofx::Status status) {
    if (status != ofx::kOK) throw Refused{status};
}

void set(ofx::PropertySet properties, const char* name, const char* value, int index) {
    suites().properties->setString(properties, name, index, value);
}

void set(ofx::PropertySet properties, const char* name, int value) {
    suites().properties->setInt(properties, name, 0, value);
}

void set(ofx::PropertySet properties, const char* name, double value) {
    suites().properties->setDouble(properties, name, 0, value);
}

int get_int(ofx::PropertySet properties, const char* name) {
    int value = 0;
    must(suites().properties->getInt(properties, name, 0, &value));
    return value;
}

double get_time(ofx::PropertySet arguments) {
    double time = 0;
    must(suites().properties->getDouble(arguments, ofx::prop::kTime, 0, &time));
    return time;
}

ofx::RectI get_rect(ofx::PropertySet properties, const char* name) {
    int edges[4];
    must(suites().properties->getIntN(properties, name, 4, edges));
    return {edges[0], edges[1], edges[2], edges[3]};
}

std::string get_string(ofx::PropertySet properties, const char* name) {
    char* value = nullptr;
    must(suites().properties->getString(properties, name, 0, &value));
    return value ? value : "";
}

double get_double(ofx::PropertySet properties, const char* name, int index, double otherwise) {
    double value = otherwise;
    return suites().properties->getDouble(properties, name, index, &value) == ofx::kOK ? value : otherwise;
}

HeldImage::HeldImage(ofx::Clip clip, ofx::Time time) {
    if (suites().effects->clipGetImage(clip, time, nullptr, &properties_) != ofx::kOK) properties_ = nullptr;
}

HeldImage::~HeldImage() {
    if (properties_) suites().effects->clipReleaseImage(properties_);
}

Image HeldImage::pixels(const PixelKind*& kind) const {
    kind = pixel_kind(get_string(properties_, ofx::prop::kPixelDepth).c_str());
    if (!kind || get_string(properties_, ofx::prop::kComponents) != ofx::value::kRGBA)
        throw Refused{ofx::kErrImageFormat};
    void* data = nullptr;
    must(suites().properties->getPointer(properties_, ofx::prop::kData, 0, &data));
    Image image{static_cast<unsigned char*>(data), get_rect(properties_, ofx::prop::kBounds), 0};
    image.row_bytes = get_int(properties_, ofx::prop::kRowBytes);
    const auto sample = static_cast<std::ptrdiff_t>(kind->bytes / 4);
    if (reinterpret_cast<std::intptr_t>(data) % sample || image.row_bytes % sample) throw Refused{ofx::kErrImageFormat};
    return image;
}

}  // namespace maskedit
