"""The queue's states, by a clock that is only a number."""

from typing import Any

import pytest

from langchain_segmind.testing import Queue
from langchain_segmind.testing.queue import JobQueue, JobRecord, State

TEN_SECONDS = JobRecord("gpt-4o", 10.0, executed=True, cost=0.5, balance=9.5)


def state(jobs: JobQueue, request_id: str, now: float) -> State:
    record = jobs.find(request_id, now)
    assert record is not None
    return jobs.state(record, now)


def test_job_proceeds_by_the_clock() -> None:
    jobs = JobQueue(Queue())
    job = jobs.add(TEN_SECONDS, now=100.0)
    moments = {100.0: "QUEUED", 100.9: "QUEUED", 101.1: "PROCESSING", 109.9: "PROCESSING"}
    moments |= {110.0: "COMPLETED", 3000.0: "COMPLETED"}
    assert {now: state(jobs, job, now) for now in moments} == moments


def test_job_proceeds_by_polls() -> None:
    jobs = JobQueue(Queue(polls=3))
    job = jobs.add(JobRecord("gpt-4o", 0.0), now=0.0)
    seen = []
    for _ in range(5):
        seen.append(state(jobs, job, 0.0))
        jobs.count_poll(job)
    assert seen == ["QUEUED", "PROCESSING", "PROCESSING", "COMPLETED", "COMPLETED"]


def test_job_ends_when_both_the_clock_and_the_polls_allow_it() -> None:
    jobs = JobQueue(Queue(polls=1))
    job = jobs.add(TEN_SECONDS, now=0.0)
    assert state(jobs, job, 20.0) == "QUEUED"
    jobs.count_poll(job)
    assert state(jobs, job, 5.0) == "PROCESSING"
    assert state(jobs, job, 20.0) == "COMPLETED"


def test_failed_job_takes_its_time() -> None:
    jobs = JobQueue(Queue())
    job = jobs.add(JobRecord("gpt-4o", 10.0, error="no"), now=0.0)
    assert state(jobs, job, 5.0) == "PROCESSING"
    assert state(jobs, job, 10.0) == "FAILED"


def test_metrics_have_times_and_at_the_end_the_cost() -> None:
    jobs = JobQueue(Queue())
    record = jobs.find(jobs.add(TEN_SECONDS, now=0.0), now=0.0)
    assert record is not None
    assert jobs.metrics(record, 4.0) == {"inference_time": 3, "queue_time": 1, "total_time": 4}
    assert jobs.metrics(record, 60.0) == {
        "cost": 0.5,
        "remaining_credits": 9.5,
        "inference_time": 9,
        "queue_time": 1,
        "total_time": 10,
    }


def test_id_expires_after_its_job_ended() -> None:
    jobs = JobQueue(Queue(keep_seconds=60))
    job = jobs.add(TEN_SECONDS, now=0.0)
    assert jobs.find(job, 70.0) is not None
    assert jobs.find(job, 70.1) is None
    assert jobs.all(70.1) == []


def test_expired_jobs_are_forgotten() -> None:
    jobs = JobQueue(Queue(keep_seconds=60))
    for now in range(0, 10_000, 100):
        jobs.add(TEN_SECONDS, now)
    assert len(vars(jobs)["_records"]) == 1


def test_jobs_are_listed_and_forgotten() -> None:
    jobs = JobQueue(Queue())
    first, second = jobs.add(TEN_SECONDS, 0.0), jobs.add(JobRecord("o3", 0.0, error="no"), 5.0)
    jobs.count_poll(first)
    one, two = jobs.all(6.0)
    assert (one.id, one.slug, one.state, one.polls) == (first, "gpt-4o", "PROCESSING", 1)
    assert (one.executed, one.cost, one.error) == (True, 0.5, None)
    assert (two.id, two.slug, two.state, two.polls) == (second, "o3", "FAILED", 0)
    assert (two.executed, two.cost, two.error) == (False, 0.0, "no")
    jobs.forget(first)
    assert [job.id for job in jobs.all(6.0)] == [second]
    with pytest.raises(KeyError):
        jobs.forget(first)
    jobs.forget()
    assert jobs.all(6.0) == []


@pytest.mark.parametrize(
    "bad", [{"polls": -1}, {"output": "xml"}, {"failed_status": 500}, {"keep_seconds": -1}]
)
def test_queue_is_refused_when_a_setting_makes_no_sense(bad: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Queue(**bad)
