"""``/v1/jobs``: files of applications, scored in the background; a caller sees the jobs of the own tenant only."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from serving.access import Guarded, Permission, needs, who
from serving.jobs.store import ENDED, Job, KeyTaken, Wanted, read_json
from serving.problems import Problem, violation
from serving.routes.job_shapes import JobAnswer, JobList
from serving.routes.reply import idempotency_key, json_reply
from serving.state import State

MEDIA = (
    "application/vnd.apache.parquet", "text/csv", "text/tab-separated-values",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel",
)  # fmt: skip
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "format": {"type": "string", "enum": ["parquet", "csv", "xlsx"]},
        "mapping": {"type": "string", "description": "Names of shipped mappings, with commas between them"},
        "reasons": {"type": "integer", "minimum": 0, "maximum": 8},
        "reject_limit": {"type": "number", "minimum": 0, "maximum": 1},
        "lang": {"type": "string", "enum": ["zh", "en"]},
    },
}
_KEY = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "Same key, file and options: the same job again; anything else: 409. Required unless a demo.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
}  # fmt: skip
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": dict.fromkeys(MEDIA, _BINARY) | {"multipart/form-data": {"schema": _FORM}},
    },
    "parameters": [
        _KEY,
        *(
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in _FORM["properties"].items()  # type: ignore[attr-defined]
            if name != "file"
        ),
    ],
}


def build_router(state: State) -> APIRouter:
    """The routes for jobs, on one service."""
    router = APIRouter(tags=["jobs"], route_class=Guarded)
    _add_begin(router, state)
    _add_look(router, state)
    _add_fetch(router, state)
    return router


def _add_begin(router: APIRouter, state: State) -> None:
    @router.post(
        "/v1/jobs",
        operation_id="createJob",
        summary="Score a file of applications",
        status_code=202,
        response_class=Response,
        responses={202: {"model": JobAnswer}},
        openapi_extra=_BODY,
    )
    @needs(Permission.JOBS)
    async def begin(request: Request) -> Response:
        """Take a file, answer at once, and score it in the background. One row is one pledge."""
        job = await begin_job(state, request, idempotency_key(request, state))
        return json_reply(await asyncio.to_thread(told, job), 202, {"Location": f"/v1/jobs/{job.job_id}"})

    @router.post(
        "/v1/jobs/{job_id}/cancel",
        operation_id="cancelJob",
        summary="Call a job off",
        response_class=Response,
        responses={200: {"model": JobAnswer}},
    )
    @needs(Permission.JOBS)
    async def cancel(request: Request, job_id: str) -> Response:
        """Stop a job that waits or runs; one that has ended is 409."""
        job = job_of(state, request, job_id)
        await asyncio.to_thread(call_off, job)
        return json_reply(await asyncio.to_thread(told, job))


def _add_look(router: APIRouter, state: State) -> None:
    @router.get(
        "/v1/jobs",
        operation_id="jobs",
        summary="Jobs, the newest first",
        response_class=Response,
        responses={200: {"model": JobList}},
    )
    @needs(Permission.JOBS)
    async def jobs(request: Request, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Response:
        """Jobs of the caller's tenant."""
        return json_reply({"jobs": await asyncio.to_thread(listed, state, who(request).tenant, limit)})

    @router.get(
        "/v1/jobs/{job_id}",
        operation_id="job",
        summary="State and progress of a job",
        response_class=Response,
        responses={200: {"model": JobAnswer}},
    )
    @needs(Permission.JOBS)
    async def job(request: Request, job_id: str) -> Response:
        """Rows done, rate and time left while it runs; counts and figures when it has ended."""
        return json_reply(await asyncio.to_thread(told, job_of(state, request, job_id)))


def _add_fetch(router: APIRouter, state: State) -> None:
    @router.get(
        "/v1/jobs/{job_id}/report",
        operation_id="jobReport",
        summary="Report of a job, to print",
        response_class=HTMLResponse,
        responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
    )
    @needs(Permission.JOBS)
    async def report(request: Request, job_id: str, lang: Annotated[Literal["zh", "en"], Query()] = "zh") -> Response:
        """Counts, rejects by rule, recommendations, ranges, and what was folded or ignored; no value of a row."""
        return await report_of(job_of(state, request, job_id), lang)

    @router.get(
        "/v1/jobs/{job_id}/{file}",
        operation_id="jobFile",
        summary="Result or rejects of a job",
        response_class=Response,
        responses={200: {"content": dict.fromkeys(MEDIA, _BINARY)}},
    )
    @needs(Permission.JOBS)
    async def fetch(request: Request, job_id: str, file: Literal["result", "rejects", "manifest"]) -> Response:
        """The file in the format that was asked; 409 as long as there is none."""
        return file_of(job_of(state, request, job_id), file)


async def begin_job(state: State, request: Request, key: str | None) -> Job:
    """Receive a file and make a job of it.

    Raises:
        Problem: no model or book is in service, the tenant has too many jobs waiting, the key stands for another
            request, or the body is refused.
    """
    from serving.jobs.upload import receive  # brings the mappings: not before a file comes

    if not state.champions.ready:
        raise Problem("model_not_servable")
    _ = state.lender_book  # refuses when the book that is named cannot be read
    by, s, store = who(request), state.settings, state.jobs.store
    waiting = await asyncio.to_thread(store.of_tenant, by.tenant)
    if sum(job.status()["state"] not in ENDED for job in waiting) >= s.job_waiting:
        raise Problem("too_many_jobs")
    folder = await asyncio.to_thread(store.fresh, by.tenant)
    try:
        wanted: Wanted = await receive(request, folder, most=s.job_bytes, seconds=s.job_seconds)
        named = (by.tenant, by.user)
        return await asyncio.to_thread(store.add, folder, named, state.clock(), wanted, key=key)
    except KeyTaken:
        raise Problem("idempotency_conflict") from None
    except BaseException:
        await asyncio.to_thread(shutil.rmtree, folder, True)
        raise


def job_of(state: State, request: Request, job_id: str) -> Job:
    """A job of the caller's tenant.

    Raises:
        Problem: ``not_found``, the same for another tenant's job and for none.
    """
    job = state.jobs.store.find(who(request).tenant, job_id)
    if job is None:
        raise Problem("not_found")
    return job


def call_off(job: Job) -> None:
    """Mark a job as cancelled.

    Raises:
        Problem: ``job_state`` when it has ended.
    """
    if job.status()["state"] in ENDED:
        raise Problem("job_state")
    (job.folder / "cancel").touch()


def file_of(job: Job, name: str) -> Response:
    """A file a job left behind, under a name that says nothing about a person.

    Raises:
        Problem: ``job_state`` when there is no such file (yet).
    """
    from serving.jobs.upload import RESULTS

    path = job.file(name)
    if job.status()["state"] not in ("complete", "failed") or not path.is_file():
        raise Problem("job_state", violations=[violation("state", name, "is not there (yet)", "尚无该文件")])
    media = "application/json" if name == "manifest" else RESULTS[job.wanted.result]
    return FileResponse(path, media_type=media, filename=f"{job.job_id}.{name}{path.suffix}")


async def report_of(job: Job, lang: str, css_address: str | None = None) -> Response:
    """The report of a job in either language.

    Raises:
        Problem: ``job_state`` when there is no manifest.
    """
    from serving.batch.report import run_report

    manifest = await asyncio.to_thread(read_json, job.file("manifest"))
    if manifest is None or job.status()["state"] not in ("complete", "failed"):
        raise Problem("job_state")
    manifest["input"]["file"] = job.wanted.name or manifest["input"]["file"]
    text = await asyncio.to_thread(lambda: run_report(manifest, lang=lang, css_address=css_address))
    headers = {"Cache-Control": "no-store", "Content-Language": "zh-CN" if lang == "zh" else lang}
    return HTMLResponse(text, headers=headers)


def listed(state: State, tenant: str, limit: int) -> list[dict[str, Any]]:
    """The newest jobs of a tenant as they are told."""
    return [told(job) for job in state.jobs.store.of_tenant(tenant)[:limit]]


def told(job: Job) -> dict[str, Any]:
    """A job as plain data: what was asked, how far it is, what can be fetched."""
    status, wanted = job.status(), job.wanted
    return {
        "job_id": job.job_id, "state": status["state"], "name": wanted.name, "user": job.user,
        "created_at": job.created_at,
        "options": {
            "input_format": wanted.ending[1:], "format": wanted.result[1:], "mapping": list(wanted.mappings),
            "reasons": wanted.reasons, "reject_limit": wanted.reject_limit, "lang": wanted.lang,
        },
        **{name: status.get(name) for name in ("done", "rows", "rows_per_second", "seconds_left", "counts", "figures")},
        "warnings": status.get("warnings", []), "problem": status.get("problem"), "links": _links(job, status),
    }  # fmt: skip


def _links(job: Job, status: Mapping[str, Any]) -> dict[str, str]:
    here = f"/v1/jobs/{job.job_id}"
    if status["state"] not in ENDED:
        return {"self": here, "cancel": f"{here}/cancel"}
    found = {name: f"{here}/{name}" for name in ("result", "rejects", "manifest") if job.file(name).is_file()}
    return {"self": here} | found | ({"report": f"{here}/report"} if "manifest" in found else {})
