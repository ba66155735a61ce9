// Bytes and bits in memory, the least significant first.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace heatsvc {

static_assert(std::endian::native == std::endian::little, "words are stored as they are");

// A word at any address.
template <typename Word>
Word load(const std::uint8_t* at) {
    Word word;
    std::memcpy(&word, at, sizeof(word));
    return word;
}

template <typename Word>
void store(std::uint8_t* at, Word word) {
    std::memcpy(at, &word, sizeof(word));
}

// Number of bytes that are copied at once.
inline constexpr std::int64_t copied_at_once = 32;

// Copy `size` bytes; any byte before `end` may be read, and up to 31 bytes more are written.
inline void copy(const std::uint8_t* source, const std::uint8_t* end, std::int64_t size, std::uint8_t* out) {
    if (end - source < size + copied_at_once) {
        std::copy_n(source, size, out);
        return;
    }
    for (std::int64_t i = 0; i < size; i += copied_at_once) {
        std::memcpy(out + i, source + i, copied_at_once);
    }
}

// Writes bits. Up to 8 bytes after the last one are written too: callers must have room for them.
class BitWriter {
  public:
    explicit BitWriter(std::uint8_t* out) : out_(out) {}

    // Add the lowest `bits` of `value`, which has no others; as long as fewer than 64 bits are pending.
    void add(std::uint64_t value, int bits) {
        pending_ |= value << held_;
        held_ += bits;
    }

    void flush() {
        store(out_, pending_);
        out_ += held_ >> 3;
        pending_ >>= held_ & ~7;
        held_ &= 7;
    }

    // As `flush`, but only once 32 bits are pending, which is faster; at most 32 bits may be added until the next call.
    void flush_word() {
        if (held_ >= 32) {
            store(out_, static_cast<std::uint32_t>(pending_));
            out_ += 4;
            pending_ >>= 32;
            held_ -= 32;
        }
    }

    // Flush if there is no room for so many more bits, which is rare.
    void make_room(int bits) {
        if (held_ + bits > 63) {
            flush();
        }
    }

    // Fill the last byte with zeros; returns the end.
    std::uint8_t* finish() {
        flush();
        return out_ + (held_ > 0 ? 1 : 0);
    }

    // Mark the end of a stream that is read backwards (RFC 8878, 4.1 and 4.2.2); returns the end.
    std::uint8_t* finish_backward() {
        add(1, 1);
        return finish();
    }

  private:
    std::uint8_t* out_;
    std::uint64_t pending_ = 0;
    int held_ = 0;
};

}  // namespace heatsvc
