#include "zstd_huffman.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "bytes.h"

namespace heatsvc {
namespace {

constexpr std::int64_t block_extra =
    8;  // bytes that coded literals take beside their bits: sizes of streams, and partial bytes
constexpr std::size_t longest_description = 128;

ByteCounts count_bytes(std::span<const std::uint8_t> literals) {
    // Four counts, so that a byte need not wait for the same one before it.
    std::array<std::array<std::uint32_t, 256>, 4> counts{};
    std::size_t i = 0;
    for (; i + 4 <= literals.size(); i += 4) {
        for (std::size_t k = 0; k < 4; ++k) {
            ++counts[k][literals[i + k]];
        }
    }
    for (; i < literals.size(); ++i) {
        ++counts[0][literals[i]];
    }
    ByteCounts all;
    for (std::size_t s = 0; s < all.size(); ++s) {
        all[s] = std::int64_t{counts[0][s]} + counts[1][s] + counts[2][s] + counts[3][s];
    }
    return all;
}

// Weights as an FSE stream of two states, which take turns (4.2.1.2), after its size.
Description encoded_weights(std::span<const std::uint8_t> weights) {
    Counts counts{};
    int alphabet = 0, used = 0;
    for (const std::uint8_t weight : weights) {
        used += counts[weight]++ == 0 ? 1 : 0;
        alphabet = std::max(alphabet, weight + 1);
    }
    Description description;
    if (used < 2 || weights.size() < 3) {
        return description;
    }
    const Shares shares = normalise(counts, fse_log(std::ssize(weights), alphabet, 5, 6));
    const FseTable table(shares);
    std::uint8_t* const out = description.bytes.data();
    BitWriter writer(out + 1 + describe(shares, out + 1));
    std::array<std::uint32_t, 2> states;
    for (std::size_t i = weights.size(); i-- > 0;) {
        std::uint32_t& x = states[i & 1];
        if (i + 2 >= weights.size()) {
            x = table.start(weights[i]);
        } else {
            const int bits = table.bits(weights[i], x);
            writer.add(x & ((1U << bits) - 1), bits);
            writer.flush();
            x = table.next(weights[i], x, bits);
        }
    }
    for (const std::size_t i : {1, 0}) {
        writer.add(states[i] - (1U << table.log), table.log);
    }
    description.size = static_cast<std::size_t>(writer.finish_backward() - out);
    out[0] = static_cast<std::uint8_t>(description.size - 1);
    if (description.size > longest_description) {
        description.size = 0;
    }
    return description;
}

// Describe a code by the weights of the bytes up to `last`, whose own follows from the others (4.2.1).
Description describe_weights(std::span<const std::uint8_t> weights, std::size_t last) {
    Description description = encoded_weights(weights.first(last));
    const std::size_t plain = 1 + (last + 1) / 2;
    if (last <= 128 && (description.size == 0 || plain < description.size)) {
        description.bytes[0] = static_cast<std::uint8_t>(127 + last);
        for (std::size_t i = 0; i < last; i += 2) {
            description.bytes[1 + i / 2] =
                static_cast<std::uint8_t>(weights[i] << 4 | (i + 1 < last ? weights[i + 1] : 0));
        }
        description.size = plain;
    }
    return description;
}

}  // namespace

std::array<std::uint8_t, 256> code_lengths(const ByteCounts& counts) {
    std::array<std::int64_t, 256> order;
    std::size_t used = 0;
    for (std::size_t s = 0; s < counts.size(); ++s) {
        if (counts[s] > 0) {
            order[used++] = counts[s] << 8 | static_cast<std::int64_t>(s);
        }
    }
    std::sort(order.begin(), order.begin() + used);
    // Two queues, of bytes and of pairs, both rising, make the tree.
    std::array<std::int64_t, 512> weight;
    std::array<std::size_t, 512> parent;
    for (std::size_t i = 0; i < used; ++i) {
        weight[i] = order[i] >> 8;
    }
    const std::size_t root = 2 * used - 2;
    std::size_t leaf = 0, pair = used;
    for (std::size_t made = used; made <= root; ++made) {
        weight[made] = 0;
        for (int child = 0; child < 2; ++child) {
            const std::size_t lowest = pair == made || (leaf < used && weight[leaf] <= weight[pair]) ? leaf++ : pair++;
            weight[made] += weight[lowest];
            parent[lowest] = made;
        }
    }
    std::array<int, longest_code + 1> of_length{};
    std::array<int, 512> depth;
    depth[root] = 0;
    for (std::size_t i = root; i-- > 0;) {
        depth[i] = depth[parent[i]] + 1;
        if (i < used) {
            ++of_length[std::min(depth[i], longest_code)];
        }
    }
    // Codes that would be too long become longest_code, for which others, as rare as may be, have to become longer;
    // codes are complete at the end, as a decoder demands.
    int share = 0;
    for (int length = 1; length <= longest_code; ++length) {
        share += of_length[length] << (longest_code - length);
    }
    while (share > 1 << longest_code) {
        int length = longest_code - 1;
        while (of_length[length] == 0) {
            --length;
        }
        --of_length[length];
        ++of_length[length + 1];
        share -= 1 << (longest_code - length - 1);
    }
    while (share < 1 << longest_code) {
        int length = longest_code;
        while (of_length[length] == 0) {
            --length;
        }
        --of_length[length];
        ++of_length[length - 1];
        share += 1 << (longest_code - length);
    }
    std::array<std::uint8_t, 256> lengths{};
    std::size_t at = 0;
    for (int length = longest_code; length > 0; --length) {
        for (int i = 0; i < of_length[length]; ++i) {
            lengths[order[at++] & 0xFF] = static_cast<std::uint8_t>(length);
        }
    }
    return lengths;
}

HuffmanCode::HuffmanCode(std::span<const std::uint8_t> literals, std::int64_t blocks) {
    const ByteCounts counts = count_bytes(literals);
    if (256 - std::ranges::count(counts, 0) < 2) {
        return;
    }
    const std::array<std::uint8_t, 256> lengths = code_lengths(counts);
    std::int64_t bits = 0;
    for (std::size_t s = 0; s < counts.size(); ++s) {
        bits += counts[s] * lengths[s];
    }
    // What is left when the literals are coded, for their description.
    const std::int64_t left = std::ssize(literals) - bits / 8 - block_extra * blocks;
    if (left <= 0) {
        return;
    }
    const int longest = *std::ranges::max_element(lengths);
    std::array<std::uint8_t, 256> weights;
    std::size_t last = 0;
    for (std::size_t s = 0; s < lengths.size(); ++s) {
        weights[s] = static_cast<std::uint8_t>(lengths[s] > 0 ? longest + 1 - lengths[s] : 0);
        last = lengths[s] > 0 ? s : last;
    }
    description = describe_weights(weights, last);
    if (std::cmp_greater_equal(description.size, left)) {
        description.size = 0;
    }
    // Codes rise with the symbols of one length, from the longest ones on (4.2.1.3).
    unsigned code = 0;
    for (int length = longest; length > 0; --length, code >>= 1) {
        for (std::size_t s = 0; s < lengths.size(); ++s) {
            if (lengths[s] == length) {
                codes[s] = static_cast<std::uint16_t>(code++ << 4 | lengths[s]);
            }
        }
    }
}

std::uint8_t* write_literals(std::span<const std::uint8_t> literals, const HuffmanCode& code, std::uint8_t* out) {
    BitWriter writer(out);
    // A decoder begins at the end, so the last literal is written first.
    const auto add = [&](std::size_t i) {
        const unsigned each = code.codes[literals[i]];
        writer.add(each >> 4, static_cast<int>(each & 15));
    };
    std::size_t i = literals.size();
    for (; i >= 5; i -= 5) {
        for (std::size_t k = 1; k <= 5; ++k) {
            add(i - k);
        }
        writer.flush();
    }
    while (i > 0) {
        add(--i);
    }
    return writer.finish_backward();
}

}  // namespace heatsvc
