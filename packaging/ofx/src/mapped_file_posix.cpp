// SPDX-License-Identifier: GPL-3.0-or-later
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mapped_file.h"

namespace maskedit {
namespace {

FileId id_of(const struct stat& facts) {
    return {static_cast<std::uint64_t>(facts.st_dev), static_cast<std::uint64_t>(facts.st_ino)};
}

}  // namespace

std::unique_ptr<MappedFile> MappedFile::open(const std::string& path) {
    std::unique_ptr<MappedFile> mapped(new MappedFile);
    // Without O_NONBLOCK, opening a pipe would wait for somebody to write.
    mapped->file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat facts;
    if (mapped->file_ < 0 || fstat(mapped->file_, &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_size <= 0)
        return nullptr;
    const auto size = static_cast<std::size_t>(facts.st_size);
    void* data = mmap(nullptr, size, PROT_READ, MAP_SHARED, mapped->file_, 0);
    if (data == MAP_FAILED) return nullptr;
    mapped->data_ = static_cast<const unsigned char*>(data);
    mapped->size_ = size;
    mapped->id_ = id_of(facts);
    return mapped;
}

bool MappedFile::identify(const std::string& path, FileId& id) {
    struct stat facts;
    if (stat(path.c_str(), &facts) != 0) return false;
    id = id_of(facts);
    return true;
}

MappedFile::~MappedFile() {
    if (data_) munmap(const_cast<unsigned char*>(data_), size_);
    if (file_ >= 0) close(file_);
}

std::uint64_t MappedFile::size_now() const {
    struct stat facts;
    return fstat(file_, &facts) == 0 ? static_cast<std::uint64_t>(facts.st_size) : 0;
}

}  // namespace maskedit
