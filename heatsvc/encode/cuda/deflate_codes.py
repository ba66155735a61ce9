"""DeflateCodes: the deflate table of all volumes (`huffman_table`) as arrays for look-up on a device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from heatsvc.encode.codings.deflate import MAX_MATCH, huffman_table

END_OF_BLOCK = 256
LONGEST = MAX_MATCH
# A code is stored together with its number of bits, which is shifted by this many bits.
BITS_AT = 24
CODE = (1 << BITS_AT) - 1


@dataclass(frozen=True, slots=True, eq=False)
class DeflateCodes:
    """Huffman codes in the order of the stream, lowest bit first.

    Attributes:
        literals: int32 [257], code | bits << 24 for each byte and for the end of the block.
        matches: int32 [259], the same for 0 to 258 zeros after a zero: a match at distance 1, or up to two literals.
        header: int32 [B], the bytes of the block's header.
        header_bits: bits of the header.
        fill_code, fill_bits: the literal 0.
        end_code, end_bits: the end of the block.
        longest_bits: bits of a match of 258 bytes.
        many: number of matches of 258 bytes that fit into 32 bits and are written at once.
        many_code: the code of these matches.
    """

    literals: npt.NDArray[np.int32]
    matches: npt.NDArray[np.int32]
    header: npt.NDArray[np.int32]
    header_bits: int
    fill_code: int
    fill_bits: int
    end_code: int
    end_bits: int
    longest_bits: int
    many: int
    many_code: int


@cache
def deflate_codes() -> DeflateCodes:
    """The codes for volumes whose gaps are zeros."""
    table = huffman_table(0)
    literals, literal_bits = _code_and_bits(table.literals)
    matches, match_bits = _code_and_bits(table.matches)
    longest, longest_bits = int(matches[LONGEST]), int(match_bits[LONGEST])
    many = 32 // longest_bits
    fill, fill_bits = int(literals[0]), int(literal_bits[0])
    matches[1:3], match_bits[1:3] = (fill, fill | fill << fill_bits), (fill_bits, 2 * fill_bits)
    return DeflateCodes(
        literals=_packed(literals, literal_bits),
        matches=_packed(matches, match_bits),
        header=table.header.astype(np.int32),
        header_bits=table.header_bits,
        fill_code=fill,
        fill_bits=fill_bits,
        end_code=int(literals[END_OF_BLOCK]),
        end_bits=int(literal_bits[END_OF_BLOCK]),
        longest_bits=longest_bits,
        many=many,
        many_code=sum(longest << place * longest_bits for place in range(many)),
    )


def _code_and_bits(codes: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    return codes.astype(np.int64) >> 5, codes.astype(np.int64) & 31


def _packed(code: npt.NDArray[np.int64], bits: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Pack codes and their bits in int32; the code of a match has at most 21 bits: 15, 5 extra ones, the distance."""
    return (code | bits << BITS_AT).astype(np.int32)
