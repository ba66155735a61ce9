"""Described: what the OpenAPI document says of these routes beyond what the framework sees."""

from __future__ import annotations

from typing import Any

from heatsvc.annotation.artifacts import MEDIA_TYPES, PICKLE
from heatsvc.api.annotation.documents import BuildInfo
from heatsvc.api.problems import MEDIA_TYPE
from heatsvc.pose.readers import READERS

_REF = "#/components/schemas/"
_BINARY = {"type": "string", "contentMediaType": "application/octet-stream"}
_JSON = "application/json"

_PROBLEMS = {
    "400": "A form that is broken, or options that are no JSON object.",
    "401": "A key is needed.",
    "404": "There is no such build, or it has no such file.",
    "406": "No form of the answer is acceptable.",
    "408": "The form stopped arriving, or arrives too slowly.",
    "409": "The build was cancelled while it was waited for.",
    "413": "The form is larger than a setting allows.",
    "415": "The body is no form, or a coded one.",
    "416": "The file has no such bytes.",
    "422": "Parts, options, labels, splits or keypoints that cannot be used.",
    "500": "The build failed through no fault of its input.",
    "503": "Too many uploads or watchers; see Retry-After.",
    "507": "The disk is full.",
}

_EXAMPLE = {
    "select": "sign27",
    "dtype": "float16",
    "types": ["단어"],
    "missing": "zeros",
    "faulty": "drop",
    "split": {"signer": {"train": ">10", "test": "<=10"}},
}

_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["labels"],
    "properties": {
        "keypoints": {
            "type": "array",
            "items": _BINARY,
            "description": "Files of keypoints, or archives of them (.zip, .tar, .tar.gz, .tar.zst), as many parts as "
            "needed; told apart by content: "
            + "; ".join(f"{reader.name}: {reader.title}" for reader in READERS)
            + ". Not with the option `dataset`.",
        },
        "labels": {
            "type": "array",
            "items": _BINARY,
            "description": "Tables of labels and label maps: KETI's workbooks, CSV in CP949 or UTF-8, "
            "`{name: {label, label_index}}`, `{label: index}`; several are merged.",
        },
        "split": {
            **_BINARY,
            "description": "`{split: [names]}` in JSON, or CSV `name,split`. Not with the option `split`.",
        },
        "trim": {
            "type": "array",
            "items": _BINARY,
            "description": "How many frames to keep at the end of each video: `{name: count}` in JSON, CSV "
            "`name,count`, or the trimmed videos themselves.",
        },
        "options": {"$ref": _REF + "AnnotationOptions"},
    },
}

_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {"$ref": _REF + "AnnotationForm"},
            "encoding": {"options": {"contentType": _JSON}},
            "example": {"keypoints": ["KETI_SL_0000000001.avi.npy"], "labels": ["labels.csv"], "options": _EXAMPLE},
        }
    },
}

_PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "`respond-async`: 202 at once, and the build's address; `wait=N`: after N seconds (RFC 7240).",
    "schema": {"type": "string"},
}

_LINK = {
    "Link": {"description": "The build that the answer is of.", "schema": {"type": "string"}},
    "Content-Location": {"description": "Where the same is found again.", "schema": {"type": "string"}},
    "ETag": {"description": "SHA-256 of the bytes.", "schema": {"type": "string"}},
}

_ACCEPTED: dict[str, Any] = {
    "description": "It is being built: asked for by `Prefer: respond-async`, or it takes longer than an answer waits.",
    "model": BuildInfo,
    "headers": {
        "Location": {"description": "The build.", "schema": {"type": "string"}},
        "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}},
        "Preference-Applied": {"description": "Where one was.", "schema": {"type": "string"}},
    },
}


def problems(*statuses: str) -> dict[int | str, dict[str, Any]]:
    """The responses of these status codes, as problem documents."""
    return {
        status: {"description": _PROBLEMS[status], "content": {MEDIA_TYPE: {"schema": {"$ref": _REF + "Problem"}}}}
        for status in statuses
    }


NO_BUILD = problems("404")

_REFUSALS = problems("400", "401", "406", "408", "409", "413", "415", "422", "500", "503", "507")

CREATE: dict[str, Any] = {
    "summary": "Make a dataset",
    "operation_id": "make_dataset",
    "response_model": None,
    "openapi_extra": {"requestBody": _BODY, "parameters": [_PREFER]},
    "responses": {
        200: {
            "description": "The annotation pickle, a zip archive of all files, or the build's document.",
            "headers": _LINK,
            "content": {
                MEDIA_TYPES[PICKLE]: {"schema": {**_BINARY, "description": "For PYSKL and MMAction2."}},
                "application/octet-stream": {"schema": {**_BINARY, "description": "The same."}},
                "application/zip": {
                    "schema": {**_BINARY, "description": "The pickle, label map, training configs and report."}
                },
                _JSON: {"schema": {"$ref": _REF + "BuildInfo"}},
            },
        },
        202: _ACCEPTED,
        **_REFUSALS,
    },
}

CHECK: dict[str, Any] = {
    "summary": "Check a dataset",
    "operation_id": "check_dataset",
    "response_model": None,
    "openapi_extra": {"requestBody": _BODY, "parameters": [_PREFER]},
    "responses": {
        200: {
            "description": "The report.",
            "headers": _LINK,
            "content": {
                _JSON: {"schema": {"type": "object"}},
                "text/html": {"schema": {"type": "string", "description": "The same, to look at."}},
            },
        },
        202: _ACCEPTED,
        **_REFUSALS,
    },
}

EVENTS: dict[str, Any] = {
    "summary": "Watch a build",
    "response_model": None,
    "responses": {
        200: {
            "description": "Server-sent events: `progress`, then `done`, `failed` or `cancelled`.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string", "description": "The data of each is a BuildInfo in JSON."},
                    "example": 'event: progress\ndata: {"id":"...","state":"running","progress":{"files_read":9}}\n\n',
                }
            },
        },
        204: {"description": "Asked with `Last-Event-ID: end`: there is nothing more to come."},
        **problems("401", "404", "503"),
    },
}

_RANGE = {
    "name": "Range",
    "in": "header",
    "description": "`bytes=0-1023`; several give `multipart/byteranges`.",
    "schema": {"type": "string"},
}
_CONDITION = {
    "name": "If-None-Match",
    "in": "header",
    "description": "An ETag: 304 where the file still has it.",
    "schema": {"type": "string"},
}

FILE: dict[str, Any] = {
    "summary": "Fetch a file of a build",
    "response_model": None,
    "openapi_extra": {"parameters": [_RANGE, _CONDITION]},
    "responses": {
        200: {
            "description": f"One of {', '.join(MEDIA_TYPES)}, or bundle.zip, all of them in one archive.",
            "headers": {"ETag": _LINK["ETag"], "Accept-Ranges": {"schema": {"type": "string"}}},
            "content": {media_type: {"schema": _BINARY} for media_type in [*MEDIA_TYPES.values(), "application/zip"]},
        },
        206: {
            "description": "The bytes asked for.",
            "headers": {"Content-Range": {"schema": {"type": "string"}}},
            "content": {"application/octet-stream": {"schema": _BINARY}},
        },
        304: {"description": "The file is the one that the client has."},
        **problems("401", "404", "416", "503", "507"),
    },
}

SCHEMAS: dict[str, Any] = {"AnnotationForm": _FORM}
