// SPDX-License-Identifier: GPL-3.0-or-later
// A float render of a whole frame beside memcpy of the same bytes, by turns in one run; medians. On a clock on the
// wall, and on the thread's own, which stands still while a busy machine does something else.
#include <time.h>

#include <algorithm>
#include <cstring>

#include "commands.h"

namespace host {
namespace {

double milliseconds(clockid_t clock) {
    timespec now;
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

struct Times {
    std::vector<double> wall, thread;

    template <class Work>
    void take(Work&& work) {
        const double wall_start = milliseconds(CLOCK_MONOTONIC), thread_start = milliseconds(CLOCK_THREAD_CPUTIME_ID);
        work();
        thread.push_back(milliseconds(CLOCK_THREAD_CPUTIME_ID) - thread_start);
        wall.push_back(milliseconds(CLOCK_MONOTONIC) - wall_start);
    }

    static double median(std::vector<double> times) {
        std::sort(times.begin(), times.end());
        return times[times.size() / 2];
    }

    std::string json() const {
        return "{\"wall_ms\":" + std::to_string(median(wall)) + ",\"thread_ms\":" + std::to_string(median(thread)) +
               "}";
    }
};

}  // namespace

std::string bench(Session& session, const Words& words) {
    Request request = whole_frame(std::stoi(words.at("width")), std::stoi(words.at("height")));
    request.time = std::stod(words.at("time"));
    Effect& instance = session.instance(words.at("instance"));
    std::vector<unsigned char> copy(request.source.pixels.size());
    const auto rendering = [&] { render(session.library(), instance, request); };
    const auto copying = [&] { std::memcpy(copy.data(), request.source.pixels.data(), copy.size()); };
    copying();  // the pages are there from now on
    Times first, renders, copies;
    first.take(rendering);
    for (int round = std::stoi(words.at("rounds")); round > 0; --round) {
        copies.take(copying);
        renders.take(rendering);
    }
    return "{\"first\":" + first.json() + ",\"render\":" + renders.json() + ",\"copy\":" + copies.json() + "}";
}

}  // namespace host
