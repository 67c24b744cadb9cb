// SPDX-License-Identifier: GPL-3.0-or-later
// A host for the tests. On stdin, a command per line: its name, then KEY=VALUE words apart by tabs; the pixels of an
// image follow the line that announces them. On stdout, per command: a line of JSON, and the pixels that it announces.
#include <cstdio>
#include <exception>
#include <string>

#include "commands.h"

namespace {

bool read_line(std::string& line) {
    line.clear();
    for (int letter; (letter = std::getchar()) != EOF;) {
        if (letter == '\n') return true;
        line += static_cast<char>(letter);
    }
    return false;
}

host::Words words_of(const std::string& line, std::string& command) {
    host::Words words;
    std::size_t from = line.find('\t');
    command = line.substr(0, from);
    while (from != std::string::npos) {
        const std::size_t to = line.find('\t', from + 1);
        const std::string word = line.substr(from + 1, to == std::string::npos ? to : to - from - 1);
        const std::size_t equals = word.find('=');
        words[word.substr(0, equals)] = word.substr(equals + 1);
        from = to;
    }
    return words;
}

}  // namespace

int main() {
    host::Session session;
    for (std::string line, command; read_line(line);) {
        const host::Words words = words_of(line, command);
        std::vector<unsigned char> raw;
        std::string answer;
        try {
            answer = session.run(command, words, raw);
        } catch (const std::exception& error) {
            answer = "{\"error\":" + host::quoted(error.what()) + "}";
            raw.clear();
        }
        std::puts(answer.c_str());
        std::fwrite(raw.data(), 1, raw.size(), stdout);
        std::fflush(stdout);
    }
    return 0;
}
