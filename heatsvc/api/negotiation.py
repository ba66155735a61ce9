"""Content negotiation: chooses the format and the content coding of a response (RFC 9110, 12.5.1 and 12.5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from heatsvc.api.problems import RequestError
from heatsvc.encode.codings import CODINGS, ZSTD, Coding
from heatsvc.encode.formats import FORMATS, Format

# Aliases of media types.
_ALSO_CALLED = {"application/octet-stream": "application/x-npy", "application/zip": "application/x-npz"}

_LONGEST = 4_096


@lru_cache(maxsize=512)
def choose_format(accept: str | None, many: bool, without: str = "") -> Format:
    """The format for an `Accept` header: the highest q, and among equals the one the service prefers.

    A picture is chosen only for its own media type, `image/*` or `video/*`, not for `*/*`; and not if the header also
    names text/html, since browsers add image/webp to the header with which they request pages.

    Args:
        accept: the header, None where there is none, which accepts all.
        many: whether the response holds more than one clip; npy holds one.
        without: a media type that this service turned out not to be able to write.

    Raises:
        RequestError: 406, no accepted format can be written; 400, the header is too long.
    """
    ranges = _media_ranges(accept)
    named = [each for each in ranges if each[0] != "*/*"]
    is_page = any(name == "text/html" for name, _ in ranges)
    best: tuple[float, Format] | None = None
    possible = [each for each in FORMATS.values() if (each.many or not many) and each.media_type != without]
    for each in possible:
        if each.is_picture and is_page:
            continue
        # Aliases count only if they are named: `*/*` must not choose a format whose own name has another q.
        also = [weight for name, weight in ranges if _ALSO_CALLED.get(name) == each.media_type]
        weight = max([_media_weight(each.media_type, named if each.is_picture else ranges), *also])
        if weight > 0 and (best is None or weight > best[0]):
            best = weight, each
    if best is None:
        known = ", ".join(each.media_type for each in possible)
        why = (" for several clips" if many else "") + (
            f" (this service has no encoder for {without})" if without else ""
        )
        raise RequestError(
            406, f"Accept: {accept:.200} matches no format of the response{why}: use {known}", field="Accept"
        )
    return best[1]


@lru_cache(maxsize=512)
def choose_media(accept: str | None, offers: tuple[str, ...]) -> str:
    """The media type for an `Accept` header: the one with the highest q; among equals, the first of the offers.

    Args:
        accept: the header; None, if it is absent, accepts everything.
        offers: the available media types, the preferred one first.

    Raises:
        RequestError: 406, none of the accepted types is offered; 400, the header is too long.
    """
    ranges = _media_ranges(accept)
    weights = [_media_weight(offer, ranges) for offer in offers]
    best = max(weights)
    if best <= 0:
        raise RequestError(
            406, f"Accept: {accept:.200} matches no format of the response: use {', '.join(offers)}", field="Accept"
        )
    return offers[weights.index(best)]


@lru_cache(maxsize=512)
def choose_coding(accept_encoding: str | None, compressed: bool = False, compression: str | None = None) -> Coding:
    """The coding for an `Accept-Encoding` header: the highest q; among equals, the one that the service prefers.

    Without the header nothing is coded, since the client may not be able to decode it. `identity` is allowed unless the
    header refuses it, but codings that the header names are preferred.

    Args:
        accept_encoding: the header; None if it is absent.
        compressed: whether the format is compressed already; it is then not coded again unless identity is refused.
        compression: a key of `ZSTD`: how to write zstd; None: depends on the data type of the volume.

    Raises:
        RequestError: 406, no coding is acceptable; 400, the header is too long.
    """
    if accept_encoding is None:
        return CODINGS["identity"]
    _check_length("Accept-Encoding", accept_encoding)
    weights = dict(parse_weights(accept_encoding))
    any_other = weights.get("*")
    if compressed and weights.get("identity", 1.0 if any_other is None else any_other) > 0:
        return CODINGS["identity"]
    best: tuple[float, Coding] | None = None
    for name, coding in CODINGS.items():
        weight = weights.get(name, weights.get("x-gzip") if name == "gzip" else None)
        if weight is None:
            # identity is acceptable without being named, with the lowest preference.
            weight = any_other if any_other is not None else (1e-6 if name == "identity" else 0.0)
        if weight > 0 and (best is None or weight > best[0]):
            best = weight, coding
    if best is None:
        raise RequestError(
            406,
            f"Accept-Encoding: {accept_encoding:.200} allows none of {', '.join(CODINGS)}",
            field="Accept-Encoding",
        )
    return ZSTD[compression] if compression and best[1].name == "zstd" else best[1]


def _media_ranges(accept: str | None) -> list[tuple[str, float]]:
    _check_length("Accept", accept or "")
    return parse_weights(accept) if accept and accept.strip() else [("*/*", 1.0)]


def _check_length(name: str, header: str) -> None:
    """Refuse an overlong header: no client writes such a list, and the results are cached."""
    if len(header) > _LONGEST:
        raise RequestError(400, f"{name} has {len(header):,} characters: it must have at most {_LONGEST:,}", field=name)


def parse_preferences(header: str | None) -> dict[str, str]:
    """Preferences of a `Prefer` header (RFC 7240) by lower-case name; if one is repeated, the first counts."""
    _check_length("Prefer", header or "")
    preferences: dict[str, str] = {}
    for part in (header or "").split(","):
        name, _, value = part.partition(";")[0].partition("=")
        if name.strip():
            preferences.setdefault(name.strip().lower(), value.strip().strip('"'))
    return preferences


def parse_weights(header: str) -> list[tuple[str, float]]:
    """Names and q-values of a list header; a q that is not a number from 0 to 1 counts as 0."""
    weights = []
    for part in header.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name:
            weights.append((name.lower(), _quality(parameters)))
    return weights


def _quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "q":
            try:
                quality = float(value)
            except ValueError:
                return 0.0
            return quality if 0 <= quality <= 1 else 0.0
    return 1.0


def _media_weight(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The q of the most specific range that matches."""
    kind = media_type.partition("/")[0]
    for wanted in (media_type, f"{kind}/*", "*/*"):
        fitting = [weight for name, weight in ranges if name == wanted]
        if fitting:
            return max(fitting)
    return 0.0
