"""What a reply without an answer is: a refusal, an answer that is JSON, or an error."""

import json

import pytest

from langchain_segmind import SegmindResponseError
from langchain_segmind._formats import decode, decode_job

REFUSED = {"content": None, "stop_reason": "refusal"}


@pytest.mark.parametrize(
    "job",
    [
        {"output": json.dumps(REFUSED)},
        {"output": json.dumps({**REFUSED, "type": "message", "extra": 1})},
        {"output": json.dumps(json.dumps({"stop_reason": "refusal", "content": []}))},
        {"output": REFUSED},
        {"status": "COMPLETED", **REFUSED},
        {"output": json.dumps({"stop_reason": "content_filter"})},
    ],
)
def test_job_may_be_refused_without_content(job):
    (choice,) = decode_job(job).choices

    assert choice.refusal
    assert choice.finish_reason == "content_filter"


@pytest.mark.parametrize(
    "answer", [{"stop_reason": "rain", "content": None, "at": "noon"}, {"content": None}, {"a": 1}]
)
def test_jobs_answer_that_is_json_stays_its_text(answer):
    (choice,) = decode_job({"output": json.dumps(answer)}).choices

    assert json.loads(choice.text) == answer
    assert choice.refusal is None


@pytest.mark.parametrize(
    "body", [{"content": None}, {"content": None, "stop_reason": None}, {"stop_reason": 7}, {}]
)
def test_body_without_content_raises_an_error(body):
    with pytest.raises(SegmindResponseError, match="no answer"):
        decode(json.dumps(body).encode())
