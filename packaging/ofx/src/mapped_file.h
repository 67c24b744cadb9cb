// SPDX-License-Identifier: GPL-3.0-or-later
// A file mapped for reading, and which file it is: what has been renamed over the path since is another one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace maskedit {

// A file's identity: no two files that exist or are still open have the same.
struct FileId {
    std::uint64_t device = 0, number = 0;
    bool operator==(const FileId& other) const { return device == other.device && number == other.number; }
};

class MappedFile {
public:
    // Maps the whole of a regular file as it is long now; null where that cannot be done. `path` is UTF-8.
    static std::unique_ptr<MappedFile> open(const std::string& path);
    // Which file is at the path now; false where there is none.
    static bool identify(const std::string& path, FileId& id);

    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    const unsigned char* data() const { return data_; }
    std::size_t size() const { return size_; }
    const FileId& id() const { return id_; }
    // How long the file is at this moment: reading a page that has been cut off would end the process.
    std::uint64_t size_now() const;

private:
    MappedFile() = default;
    const unsigned char* data_ = nullptr;
    std::size_t size_ = 0;
    FileId id_;
#ifdef _WIN32
    void* file_ = nullptr;
    void* mapping_ = nullptr;
#else
    int file_ = -1;
#endif
};

}  // namespace maskedit
