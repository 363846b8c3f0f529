"""TranslationService: one question, one with progress, many on one stream, or one being typed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

from sqlstrictd import limits
from sqlstrictd.admission import Admission
from sqlstrictd.counters import Counters
from sqlstrictd.engine import wire
from sqlstrictd.question import Answer, Question, Sql
from sqlstrictd.read_ahead import ReadAhead
from sqlstrictd.service.call import Boundary, Call, Handler, parse
from sqlstrictd.service.requests import question_of, schema_ref_of
from sqlstrictd.service.responses import answer_pb
from sqlstrictd.translate import Translator

log = logging.getLogger(__name__)

# Answers of a batch that are made ahead of the one to be written next, per slot.
READ_AHEAD = 2


class TranslationService:
    """The methods of TranslationService."""

    def __init__(
        self,
        translator: Translator,
        read_ahead: ReadAhead,
        admission: Admission,
        counters: Counters,
        log_content: bool = False,
    ) -> None:
        self._translator = translator
        self._read_ahead = read_ahead
        self._log_content = log_content
        self._admission = admission
        self._counters = counters

    def handlers(self, boundary: Boundary) -> dict[str, Handler]:
        """Return the handlers by method name."""
        self._boundary = boundary
        return {
            "Translate": boundary.unary("Translate", pb.TranslateRequest, self._translate),
            "TranslateStream": boundary.server_stream(
                "TranslateStream", pb.TranslateStreamRequest, self._translate_stream
            ),
            "TranslateBatch": boundary.stream_stream("TranslateBatch", self._translate_batch),
            "Prefill": boundary.unary("Prefill", pb.PrefillRequest, self._prefill),
        }

    async def _translate(self, call: Call, request: pb.TranslateRequest) -> pb.TranslateResponse:
        self._counters.add("requests")
        with self._admission.place():
            question = question_of(request)
            answer = await self._translator.translate(question, call.deadline)
        self._note(call, question, answer)
        return answer_pb(answer, call.request_id)

    async def _translate_stream(self, call: Call, request: pb.TranslateStreamRequest) -> None:
        self._counters.add("requests")
        call.schema_field = "request.schema.ddl"
        with self._admission.place() as ahead:
            question = replace(
                question_of(request.request, "request."), wants_draft=request.include_draft
            )
            accepted = pb.Accepted(request_id=call.request_id, queue_position=ahead)
            await call.write(pb.TranslateStreamResponse(accepted=accepted), self._counters)
            async with asyncio.timeout_at(call.deadline):
                answer = await self._translate_with_progress(call, question)
        self._note(call, question, answer)
        final = answer_pb(answer, call.request_id)
        await call.write(pb.TranslateStreamResponse(final=final), self._counters)

    async def _translate_with_progress(self, call: Call, question: Question) -> Answer:
        """Answer a question while its progress goes to the client, the newest of it alone."""
        # One place: a client that reads slowly misses steps, and none pile up here.
        newest: asyncio.Queue[pb.Progress] = asyncio.Queue(maxsize=1)

        def on_progress(progress: wire.Progress, attempt: int) -> None:
            if newest.full():
                newest.get_nowait()
            newest.put_nowait(
                pb.Progress(
                    output_tokens=progress.output_tokens, draft=progress.text, attempt=attempt
                )
            )

        async def write_progress() -> None:
            while True:
                message = pb.TranslateStreamResponse(progress=await newest.get())
                await call.write(message, self._counters)

        work = asyncio.create_task(self._translator.translate(question, call.deadline, on_progress))
        writer = asyncio.create_task(write_progress())
        try:
            await asyncio.wait({work, writer}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await writer  # It ends by an error only.
            return await work
        finally:
            work.cancel()
            writer.cancel()
            await asyncio.gather(work, writer, return_exceptions=True)

    async def _translate_batch(self, call: Call, requests: AsyncIterator[bytes]) -> None:
        """Answer the questions of a stream in order, some of them at once."""
        answers: asyncio.Queue[asyncio.Task[pb.TranslateBatchResponse] | None]
        answers = asyncio.Queue(maxsize=READ_AHEAD * self._admission.slots)
        tasks: set[asyncio.Task[pb.TranslateBatchResponse]] = set()

        async def read() -> None:
            index = 0
            async for data in requests:
                task = asyncio.create_task(self._answer_one(call, index, data))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                await answers.put(task)
                index += 1
            call.facts["questions"] = index
            await answers.put(None)

        reader = asyncio.create_task(read())

        async def next_answer() -> asyncio.Task[pb.TranslateBatchResponse] | None:
            getting = asyncio.create_task(answers.get())
            try:
                await asyncio.wait({getting, reader}, return_when=asyncio.FIRST_COMPLETED)
                if not getting.done() and reader.done() and reader.exception() is not None:
                    await reader  # Raises what ended it.
                return await getting
            finally:
                getting.cancel()

        try:
            while (task := await next_answer()) is not None:
                await call.write(await task, self._counters)
        finally:
            reader.cancel()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(reader, *tasks, return_exceptions=True)

    async def _prefill(self, call: Call, request: pb.PrefillRequest) -> pb.PrefillResponse:
        limits.check_beginning(request.question_beginning, "question_beginning")
        schema = schema_ref_of(request.schema, None, "schema")
        await self._read_ahead.take(schema, request.question_beginning)
        call.facts["question_bytes"] = len(request.question_beginning.encode())
        return pb.PrefillResponse()

    async def _answer_one(self, call: Call, index: int, data: bytes) -> pb.TranslateBatchResponse:
        """Answer one question of a batch; its error is its answer, and does not end the batch."""
        self._counters.add("requests")
        deadline = call.capped(self._boundary.max_deadline_s)
        try:
            async with asyncio.timeout_at(deadline), self._admission.place_in_turn():
                request = parse(pb.TranslateBatchRequest, data)
                question = question_of(request.request, "request.")
                answer = await self._translator.translate(question, deadline)
                self._log(f"{call.request_id}-{index}", question, answer)
        except Exception as error:
            known = self._boundary.known(error, call)
            batch_error = pb.BatchError(
                code=int(known.status), reason=known.reason, message=known.message
            )
            return pb.TranslateBatchResponse(index=index, error=batch_error)
        return pb.TranslateBatchResponse(
            index=index, response=answer_pb(answer, f"{call.request_id}-{index}")
        )

    def _note(self, call: Call, question: Question, answer: Answer) -> None:
        """Put what may be said of an answer on the call's log line: sizes, counts, the outcome."""
        call.facts.update(
            outcome=_name_of(answer),
            question_bytes=len(question.text.encode()),
            prompt_tokens=answer.usage.prompt_tokens,
            cached_tokens=answer.usage.cached_tokens,
            output_tokens=answer.usage.output_tokens,
            attempts=answer.usage.attempts,
            queue_ms=answer.usage.queue_us // 1000,
        )
        self._log(call.request_id, question, answer)

    def _log(self, request_id: str, question: Question, answer: Answer) -> None:
        """Log what was asked and answered, where the user has asked for it with --log-content."""
        if self._log_content:
            sql = answer.outcome.text if isinstance(answer.outcome, Sql) else _name_of(answer)
            log.info("id=%s question=%r answer=%r", request_id, question.text, sql)


def _name_of(answer: Answer) -> str:
    return "SQL" if isinstance(answer.outcome, Sql) else answer.outcome.reason.value
