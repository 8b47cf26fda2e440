"""IBM hexadecimal floating point, the numbers of a transport file, to and from IEEE float64.

A fraction of 56 bits times a power of 16. Every float64 between 16**-65 and 16**63 has an exact IBM
form, so nothing is rounded on the way in; numbers outside it have none, and `unwritable` finds them. On the
way out a fraction of 54 to 56 significant bits (made on a mainframe) is rounded to the nearest float64,
half to even. Says nothing of files or records.

Sources: SAS technical note TS-140 (record layout of a transport data set); IBM System/370 Principles of
Operation, chapter 9.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from formats.missing import from_letter_bytes, letter_bytes

LARGEST = float(np.ldexp(1 - 2.0**-53, 252))  # the float64 just below 16**63
SMALLEST = float(np.ldexp(1.0, -260))  # 16**-65
MISSING_BYTE = 0x2E  # "."; a special missing value holds its letter there instead

_LOWEST_EXPONENT = 1023 - 260  # biased float64 exponents of SMALLEST and LARGEST
_HIGHEST_EXPONENT = 1023 + 251
_U = np.uint64
# value of one unit in the last place of the fraction, by first byte (sign and power of 16)
_UNIT = np.array([(-1.0 if b & 0x80 else 1.0) * 2.0 ** (4 * ((b & 0x7F) - 64) - 56) for b in range(256)])


def to_ibm(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """The IBM form of n numbers as n big-endian 8-byte words; -0 becomes 0, NaN its missing value.

    The values must be writable (see `unwritable`); others give meaningless words.
    """
    bits = np.ascontiguousarray(values).view(_U)
    exponent = (bits >> _U(52)) & _U(0x7FF)
    # value = fraction * 2**(exponent - 1075); the shift makes the power of two one of sixteen
    words = (bits & _U((1 << 52) - 1)) | _U(1 << 52)
    words <<= (exponent + _U(1)) & _U(3)
    # unsigned wrap-around is harmless: exponents out of range are replaced or refused
    words |= (exponent - _U(1019 - 4 * 64)) >> _U(2) << _U(56)
    words |= bits & _U(1 << 63)
    odd = (exponent < _LOWEST_EXPONENT) | (exponent > _HIGHEST_EXPONENT)
    if odd.any():
        at = np.flatnonzero(odd)
        some = np.ascontiguousarray(values[at])
        letters = letter_bytes(some)
        letters[letters == 0] = MISSING_BYTE
        words[at] = np.where(np.isnan(some), letters.astype(_U) << _U(56), _U(0))
    return words.astype(">u8")


def unwritable(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """True for each of n numbers that has no IBM form: infinite, too large, or too small and not zero."""
    size = np.abs(values)
    return (size > LARGEST) | ((size < SMALLEST) & (size > 0))


def from_ibm(raw: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The numbers that n IBM fields hold.

    Args:
        raw: n by width bytes, width 2 to 8; a shorter field lacks the last bytes of its fraction.

    Returns:
        n float64; `.` is NaN, `.A` to `.Z` and `._` are special missing values (see missing.py), and a
        zero of any sign and power is 0.
    """
    count, width = raw.shape
    if width < 8:
        full = np.zeros((count, 8), dtype=np.uint8)
        full[:, :width] = raw
        raw = full
    words = np.ascontiguousarray(raw).view(">u8").reshape(count).astype(_U)
    first = (words >> _U(56)).astype(np.uint8)
    fraction = (words & _U((1 << 56) - 1)).view(np.int64)
    values = fraction.astype(np.float64) * _UNIT[first]
    empty = fraction == 0
    if empty.any():
        at = np.flatnonzero(empty)
        code = first[at]
        letters = from_letter_bytes(code)
        none = np.isnan(letters) & ((code == MISSING_BYTE) | (letter_bytes(letters) != 0))
        values[at] = np.where(none, letters, 0.0)
    return values
