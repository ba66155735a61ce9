#include "zstd_block.h"

namespace heatsvc {

std::uint8_t* write_long_rle(std::int64_t size, std::uint8_t fill, std::uint8_t* out) {
    for (; size > block_size; size -= block_size) {
        out = write_rle_block(block_size, fill, out);
    }
    return write_rle_block(size, fill, out);
}

}  // namespace heatsvc
