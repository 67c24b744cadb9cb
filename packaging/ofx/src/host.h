// SPDX-License-Identifier: GPL-3.0-or-later
// The host's suites, and what is read from them in the host's own words. What the host must know and refuses to say
// ends the action: `Refused` carries its status to the entry point.
#pragma once

#include <string>

#include "ofx_abi.h"
#include "pixels.h"

namespace maskedit {

struct Refused {
    ofx::Status status;
};

struct Suites {
    const ofx::PropertySuite* properties = nullptr;
    const ofx::ImageEffectSuite* effects = nullptr;
    const ofx::ParameterSuite* params = nullptr;
};

// Kept for as long as the plug-in is loaded.
void set_host(ofx::Host* host);
// Fetches the suites; false where the host lacks one.
bool fetch_suites();
const Suites& suites();

// Throws Refused unless `status` is kOK.
void must(ofx::Status status);

// Properties that a host need not know: setting one it does not know does nothing.
void set(ofx::PropertySet properties, const char* name, const char* value, int index = 0);
void set(ofx::PropertySet properties, const char* name, int value);
void set(ofx::PropertySet properties, const char* name, double value);

// Properties that have to be there. Throw Refused.
int get_int(ofx::PropertySet properties, const char* name);
double get_time(ofx::PropertySet arguments);
ofx::RectI get_rect(ofx::PropertySet properties, const char* name);
std::string get_string(ofx::PropertySet properties, const char* name);
// Properties that have a value of their own where they are not.
double get_double(ofx::PropertySet properties, const char* name, int index, double otherwise);

// An image of a clip, given back at the end. `is_there()` is false where the clip has none.
class HeldImage {
public:
    HeldImage(ofx::Clip clip, ofx::Time time);
    HeldImage(const HeldImage&) = delete;
    HeldImage& operator=(const HeldImage&) = delete;
    ~HeldImage();

    bool is_there() const { return properties_ != nullptr; }
    ofx::PropertySet properties() const { return properties_; }
    // Its pixels and their kind. Throws Refused for components or a depth that are not supported, and for samples that
    // begin where no processor wants them to.
    Image pixels(const PixelKind*& kind) const;

private:
    ofx::PropertySet properties_ = nullptr;
};

}  // namespace maskedit
