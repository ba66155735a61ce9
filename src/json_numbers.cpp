// The text ends with a closing brace, which ends any number, white space or punctuation of a list. So only strings and
// words of eight bytes need to be checked for the end of the text.
#include "json_numbers.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>

#include "bytes.h"

namespace heatsvc {
namespace {

static_assert(std::numeric_limits<double>::is_iec559);

// A position in the text.
struct Cursor {
    const std::uint8_t* at;
    const std::uint8_t* end;

    std::uint8_t operator*() const {
        assert(at < end);
        return *at;
    }
    // The value of the digit here; above 9 if there is no digit.
    std::uint8_t digit() const { return static_cast<std::uint8_t>(**this - '0'); }
    // Advance by one byte, and then to the first that is not white space.
    void next() {
        ++at;
        skip_space();
    }
    void skip_space() {
        while (**this <= ' ' && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
            ++at;
        }
    }
};

struct Number {
    double value;
    const std::uint8_t* end;  // nullptr where there is none
};

constexpr Number no_number{0, nullptr};

// Numbers with this many digits are below 2**63.
constexpr std::int64_t max_digits = 18, exact_digits = 15;
constexpr std::array<double, max_digits + 1> powers{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};

// Whether doubles up to two units in the last place away become the same float32: its last 29 bits are lost there, and
// half way between two float32 they are 2**28.
bool rounds_surely(double value) {
    constexpr std::uint64_t half_way = 1 << 28, lost_bits = 2 * half_way - 1, doubt = 2;
    return (std::bit_cast<std::uint64_t>(value) & lost_bits) - (half_way - doubt) > 2 * doubt;
}

// The number from `first` on, its digits up to `text`, where there may be an exponent.
Number read_long_number(const std::uint8_t* first, Cursor text) {
    if ((*text | 0x20) == 'e') {
        ++text.at;
        text.at += *text == '-' || *text == '+';
        if (text.digit() > 9) {
            return no_number;
        }
        while (text.digit() <= 9) {
            ++text.at;
        }
    }
    const char *begin = reinterpret_cast<const char*>(first), *end = reinterpret_cast<const char*>(text.at);
    double value = 0;
#if defined(__cpp_lib_to_chars)
    const bool parsed = std::from_chars(begin, end, value).ec == std::errc();
#else
    char* stop;
    value = std::strtod(begin, &stop);
    const bool parsed = stop == end;
#endif
    const bool fits = parsed && std::abs(value) <= std::numeric_limits<float>::max();
    return fits ? Number{value, text.at} : no_number;
}

constexpr std::array<std::uint64_t, 9> tens{1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000};

// The number of eight digits 0 to 9, the first one in the lowest byte: pairs, then fours, then all of them.
std::uint64_t eight_digits(std::uint64_t digits) {
    const std::uint64_t pairs = digits * 10 + (digits >> 8), low = 0x000000FF000000FF;
    const std::uint64_t even = (pairs & low) * 0x000F424000000064;       // 1,000,000 and 100
    const std::uint64_t odd = (pairs >> 16 & low) * 0x0000271000000001;  // 10,000 and 1
    return (even + odd) >> 32;
}

// `number` with the digits at the cursor appended, modulo 2**64. Moves the cursor after them.
std::uint64_t read_digits(Cursor& text, std::uint64_t number) {
    while (text.end - text.at >= 8) {
        const std::uint64_t eight = load<std::uint64_t>(text.at) ^ 0x3030303030303030;
        // The top bit of each byte that is over 9: of the lowest such byte for certain, and only that one counts.
        const std::uint64_t other = ((eight + 0x7676767676767676) | eight) & 0x8080808080808080;
        const int count = std::countr_zero(other) >> 3;
        if (count == 0) {
            return number;
        }
        // Treat the bytes before them as zeros.
        number = number * tens[count] + eight_digits(eight << (64 - 8 * count));
        text.at += count;
        if (text.digit() > 9) {
            return number;
        }
    }
    for (; text.digit() <= 9; ++text.at) {
        number = number * 10 + text.digit();
    }
    return number;
}

// The number here as a double that becomes the float32 it should (RFC 8259, section 6); `null` is NaN.
Number read_number(Cursor text) {
    const bool negative = *text == '-';
    text.at += negative;
    const std::uint8_t* const first = text.at;
    std::uint64_t number = 0;
    // There are few digits, mostly as many as before: predicted branches are faster than `read_digits`.
    for (; text.digit() <= 9; ++text.at) {
        number = number * 10 + text.digit();
    }
    std::int64_t digits = text.at - first, decimals = 0;
    if (digits == 0) {
        const bool null = !negative && text.end - first > 4 && std::memcmp(first, "null", 4) == 0;
        return null ? Number{std::numeric_limits<double>::quiet_NaN(), first + 4} : no_number;
    }
    if (digits > 1 && *first == '0') {
        return no_number;
    }
    if (*text == '.') {
        const std::uint8_t* point = text.at++;
        number = read_digits(text, number);
        decimals = text.at - point - 1;
        if (decimals == 0) {
            return no_number;
        }
    }
    digits += decimals;
    if (digits > max_digits || (*text | 0x20) == 'e') {
        return read_long_number(first - negative, text);
    }
    // Each of the two roundings is wrong by half a unit in the last place at most, and the first one only of a number
    // of more digits than a double surely holds (Clinger 1990).
    const double value = static_cast<double>(static_cast<std::int64_t>(number)) / powers[decimals];
    if (digits > exact_digits && !rounds_surely(value)) {
        return read_long_number(first - negative, text);
    }
    // -0 without a fraction is read as an integer, which has no negative zero.
    return {negative && (number > 0 || decimals > 0) ? -value : value, text.at};
}

}  // namespace

namespace json {

using Lengths = std::array<std::int64_t, number_array_levels>;

// Regular lists, and their properties so far.
struct Lists {
    Cursor text;
    std::span<float> values;  // takes the numbers
    Lengths lengths{};        // of the lists of each level, 0 where there are none
    std::size_t count = 0, nulls = 0;

    // Read the lists here; false if they are not regular, or if there is no room.
    bool read();

    // Read the numbers of a list, up to what is not a comma.
    bool read_numbers(std::int64_t& length) {
        Cursor cursor = text;
        for (length = 1;; ++length) {
            const Number number = read_number(cursor);
            if (number.end == nullptr || count == values.size()) {
                text = cursor;
                return false;
            }
            values[count++] = static_cast<float>(number.value);
            nulls += std::isnan(number.value);
            cursor.at = number.end;
            cursor.skip_space();
            if (*cursor != ',') {
                text = cursor;
                return true;
            }
            cursor.next();
        }
    }
};

// With external linkage and outside the class, so that compilers do not inline it: its loop needs the registers.
bool Lists::read() {
    Lengths counts{};  // of what has been read of the lists that are open
    std::size_t level = 0, levels = 0;
    while (true) {
        for (; *text == '['; text.next()) {
            if (level == number_array_levels) {
                return false;
            }
            counts[level++] = 0;
        }
        levels = levels == 0 ? level : levels;
        if (level != levels || !read_numbers(counts[level - 1])) {
            return false;
        }
        while (*text == ']') {
            if (--level; lengths[level] > 0 && lengths[level] != counts[level]) {
                return false;
            }
            lengths[level] = counts[level];
            ++text.at;
            if (level == 0) {
                return true;
            }
            ++counts[level - 1];
            text.skip_space();
        }
        if (*text != ',' || level == levels) {
            return false;
        }
        text.next();
    }
}

}  // namespace json

NumberArrays parse_number_arrays(std::span<const std::uint8_t> text, std::size_t min_bytes, std::size_t max_numbers,
                                 std::span<float> values, std::span<NumberArray> arrays) {
    NumberArrays parsed{};
    if (text.empty() || text.back() != '}') {
        return parsed;
    }
    std::size_t i = 0;
    while (i < text.size() && parsed.found < arrays.size()) {
        if (text[i++] != '"') {
            continue;
        }
        const std::size_t start = i;
        while (i < text.size() && text[i] != '"') {
            i += text[i] == '\\' ? 2 : 1;
        }
        if (i >= text.size()) {
            break;
        }
        const std::string_view key(reinterpret_cast<const char*>(&text[start]), i++ - start);
        if (key != "keypoint" && key != "keypoint_score") {
            continue;
        }
        Cursor value{text.data() + i, text.data() + text.size()};
        value.skip_space();
        const bool colon = *value == ':';
        if (colon) {
            value.next();
        }
        const std::int64_t begin = value.at - text.data();
        i = static_cast<std::size_t>(begin);
        if (!colon || *value != '[') {
            continue;
        }
        json::Lists lists{value, values.first(std::min(values.size(), max_numbers))};
        const bool regular = lists.read();
        i = static_cast<std::size_t>(lists.text.at - text.data());
        parsed.nulls += lists.nulls;
        const auto end = static_cast<std::int64_t>(i);
        if (regular && static_cast<std::size_t>(end - begin) >= min_bytes) {
            const auto& [first, second, third, fourth] = lists.lengths;
            arrays[parsed.found++] = {begin, end, first, second, third, fourth};
            values = values.subspan(lists.count);
        }
    }
    return parsed;
}

}  // namespace heatsvc
