// NumPy arrays as arguments: of one type, C-contiguous, with a given number of axes. They are never copied: another
// array is a TypeError.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <span>

namespace heatsvc {

template <typename T, std::size_t axes = 1>
using In = nanobind::ndarray<const T, nanobind::ndim<axes>, nanobind::c_contig, nanobind::device::cpu>;
template <typename T, std::size_t axes = 1>
using Out = nanobind::ndarray<T, nanobind::ndim<axes>, nanobind::c_contig, nanobind::device::cpu>;

// The name of such an argument.
inline auto array(const char* name) { return nanobind::arg(name).noconvert(); }

// All numbers of an array, in C order.
template <typename T, typename... Config>
std::span<T> flat(const nanobind::ndarray<T, Config...>& array) {
    return {array.data(), array.size()};
}

// Throws ValueError unless `condition` holds.
inline void require(bool condition, const char* message) {
    if (!condition) {
        throw nanobind::value_error(message);
    }
}

// Throws ValueError if an output shares memory with an input, since inputs are checked only before anything is written.
template <typename T, typename... Inputs>
void require_apart(std::span<T> out, const Inputs&... inputs) {
    const auto begin = [](const auto& span) { return reinterpret_cast<std::uintptr_t>(span.data()); };
    const auto end = [&](const auto& span) { return begin(span) + span.size_bytes(); };
    require(((end(out) <= begin(inputs) || end(inputs) <= begin(out)) && ...), "an output shares memory with an input");
}

}  // namespace heatsvc
