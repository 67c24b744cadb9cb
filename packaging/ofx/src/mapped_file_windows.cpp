// SPDX-License-Identifier: GPL-3.0-or-later
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>

#include "mapped_file.h"

namespace maskedit {
namespace {

std::wstring wide(const std::string& text) {
    const int units =
        MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.data(), static_cast<int>(text.size()), nullptr, 0);
    std::wstring result(static_cast<std::size_t>(units), L'\0');
    MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.data(), static_cast<int>(text.size()), result.data(),
                        units);
    return result;
}

// Shared with everything that the writer may do, renaming another file over this one included.
HANDLE open_shared(const std::string& path, DWORD access) {
    constexpr DWORD kShared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    return CreateFileW(wide(path).c_str(), access, kShared, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
}

bool id_of(HANDLE file, FileId& id) {
    BY_HANDLE_FILE_INFORMATION facts;
    if (!GetFileInformationByHandle(file, &facts)) return false;
    id = {facts.dwVolumeSerialNumber, (static_cast<std::uint64_t>(facts.nFileIndexHigh) << 32) | facts.nFileIndexLow};
    return true;
}

std::uint64_t size_of(HANDLE file) {
    LARGE_INTEGER size;
    return GetFileSizeEx(file, &size) && size.QuadPart > 0 ? static_cast<std::uint64_t>(size.QuadPart) : 0;
}

}  // namespace

std::unique_ptr<MappedFile> MappedFile::open(const std::string& path) {
    std::unique_ptr<MappedFile> mapped(new MappedFile);
    HANDLE file = open_shared(path, GENERIC_READ);
    if (file == INVALID_HANDLE_VALUE) return nullptr;
    mapped->file_ = file;
    const std::uint64_t size = size_of(file);
    if (GetFileType(file) != FILE_TYPE_DISK || size == 0 || !id_of(file, mapped->id_)) return nullptr;
    mapped->mapping_ = CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr);
    if (!mapped->mapping_) return nullptr;
    mapped->data_ = static_cast<const unsigned char*>(MapViewOfFile(mapped->mapping_, FILE_MAP_READ, 0, 0, 0));
    if (!mapped->data_) return nullptr;
    mapped->size_ = static_cast<std::size_t>(size);
    return mapped;
}

bool MappedFile::identify(const std::string& path, FileId& id) {
    HANDLE file = open_shared(path, 0);
    if (file == INVALID_HANDLE_VALUE) return false;
    const bool known = id_of(file, id);
    CloseHandle(file);
    return known;
}

MappedFile::~MappedFile() {
    if (data_) UnmapViewOfFile(data_);
    if (mapping_) CloseHandle(mapping_);
    if (file_) CloseHandle(file_);
}

std::uint64_t MappedFile::size_now() const { return size_of(file_); }

}  // namespace maskedit
