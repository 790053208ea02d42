"""The formats of request and reply bodies, one module for each family of models."""

from langchain_segmind._formats.body import encode_body
from langchain_segmind._formats.encoding import SETTINGS
from langchain_segmind._formats.families import FAMILIES, FORMATS, Family, Format
from langchain_segmind._formats.replies import decode, decode_job, is_answer, parse

__all__ = [
    "FAMILIES",
    "FORMATS",
    "SETTINGS",
    "Family",
    "Format",
    "decode",
    "decode_job",
    "encode_body",
    "is_answer",
    "parse",
]
