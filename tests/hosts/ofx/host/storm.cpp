// SPDX-License-Identifier: GPL-3.0-or-later
// Threads that render, ask, create and destroy all at once, each with instances of its own and one that all share,
// while another process publishes frames into the cache. What they must agree on: a frame is the source's, untouched,
// or the one that has been published; never anything else, and never the source again once it was there.
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "checksum.h"
#include "commands.h"

namespace host {
namespace {

struct Seen {
    std::mutex guard;
    std::map<int, std::set<unsigned>> sums;  // by frame, the checksums of what was rendered
    std::atomic<int> failures{0}, renders{0}, steps_back{0};
};

void work(Session& session, Effect& shared, unsigned seed, int rounds, int frames, int width, int height, Seen& seen) {
    const Library& library = session.library();
    Request request = whole_frame(width, height);
    const unsigned untouched = maskedit::crc32(request.source.pixels.data(), request.source.pixels.size());
    std::map<int, unsigned> mine;
    for (int round = 0; round < rounds; ++round) {
        seed = seed * 1664525u + 1013904223u;
        const int frame = static_cast<int>((seed >> 16) % static_cast<unsigned>(frames));
        request.time = frame;
        Effect own = shared;
        own.properties.values["OfxPropInstanceData"] = {static_cast<void*>(nullptr)};
        const bool makes_one = (seed >> 8) % 4 == 0;
        if (makes_one && library.act("OfxActionCreateInstance", &own, nullptr, nullptr) != ofx::kOK) ++seen.failures;
        const Outcome outcome = render(library, makes_one ? own : shared, request);
        if (makes_one && library.act("OfxActionDestroyInstance", &own, nullptr, nullptr) != ofx::kOK) ++seen.failures;
        if (outcome.status != ofx::kOK || outcome.images_out != 0) ++seen.failures;
        const unsigned sum = maskedit::crc32(request.output.pixels.data(), request.output.pixels.size());
        const auto last = mine.find(frame);
        if (last != mine.end() && last->second != untouched && sum == untouched) ++seen.steps_back;
        mine[frame] = sum;
        std::lock_guard<std::mutex> lock(seen.guard);
        seen.sums[frame].insert(sum);
        ++seen.renders;
    }
}

}  // namespace

std::string storm(Session& session, const Words& words) {
    const int threads = std::stoi(words.at("threads")), rounds = std::stoi(words.at("rounds"));
    const int frames = std::stoi(words.at("frames"));
    const int width = std::stoi(words.at("width")), height = std::stoi(words.at("height"));
    Effect& shared = session.instance(words.at("instance"));
    Seen seen;
    std::vector<std::thread> workers;
    for (int i = 0; i < threads; ++i)
        workers.emplace_back(work, std::ref(session), std::ref(shared), 7919u * static_cast<unsigned>(i + 1), rounds,
                             frames, width, height, std::ref(seen));
    for (std::thread& worker : workers) worker.join();
    std::string sums;
    for (const auto& [frame, list] : seen.sums) {
        sums += (sums.empty() ? "\"" : ",\"") + std::to_string(frame) + "\":[";
        for (const unsigned sum : list) sums += (sum == *list.begin() ? "" : ",") + std::to_string(sum);
        sums += "]";
    }
    const Request plain = whole_frame(width, height);
    return "{\"failures\":" + std::to_string(seen.failures) + ",\"renders\":" + std::to_string(seen.renders) +
           ",\"steps_back\":" + std::to_string(seen.steps_back) +
           ",\"untouched\":" + std::to_string(maskedit::crc32(plain.source.pixels.data(), plain.source.pixels.size())) +
           ",\"sums\":{" + sums + "}}";
}

}  // namespace host
