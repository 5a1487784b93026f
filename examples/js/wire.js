// One request and its answer over a stream (SPEC.md, section 2).

import { byteStream } from '@libp2p/utils'
import { decode, encode, frame, maxBody, maxImmediateBody, protocols, readFrame } from './messages.js'

/** An answer that reports a failure. name is from the table in SPEC.md. */
export class StatusError extends Error {
  constructor (answer) {
    super(answer.message || statuses[answer.status] || `status ${answer.status}`)
    this.name = statuses[answer.status] ?? 'failed'
    this.answer = answer
    this.retryAfter = answer.retry_after_ms
  }
}

const statuses = ['done', 'failed', 'usage', 'not_found', 'unreachable', 'try_again', 'integrity', 'no_space', 'not_allowed',
  'fewer_copies', 'interrupted', 'not_owner', 'not_successor', 'refused', 'busy', 'uncertain']

const silence = 10_000 // milliseconds without a byte after which a peer is given up

/**
 * ask sends one request and returns {answer, body}. stream is a libp2p stream of protocols[kind],
 * which is closed afterwards.
 * body are the bytes of a Put: if they are more than 64 KiB, an offer is sent first.
 */
export async function ask (stream, kind, request, body = new Uint8Array()) {
  const { request: type, response, limit } = protocols[kind]
  const wire = byteStream(stream, { maxBufferSize: maxBody + limit })
  const read = async n => (await wire.read({ bytes: n, signal: AbortSignal.timeout(silence) })).subarray()
  const write = bytes => wire.write(bytes, { signal: AbortSignal.timeout(silence + Math.ceil(bytes.length / 10)) })
  try {
    let offered = body.length > maxImmediateBody
    if (kind === 'file') request = { ...request, body_size: body.length, offer: offered }
    await write(frame(encode(type, request)))
    if (!offered && body.length > 0) await write(body)
    for (;;) {
      const answer = decode(response, await readFrame(read, limit))
      if (answer.working) continue
      if (answer.need && offered) {
        offered = false
        await write(body)
        continue
      }
      if (answer.body_size > maxBody) throw new Error(`an answer with ${answer.body_size} bytes, more than ${maxBody}`)
      const bytes = answer.body_size > 0 ? await readBody(read, answer.body_size) : new Uint8Array()
      await stream.close()
      if (answer.status !== 0) throw new StatusError(answer)
      return { answer, body: bytes }
    }
  } catch (err) {
    if (!(err instanceof StatusError)) stream.abort(err)
    throw err
  }
}

/** readBody reads in parts, so that the deadline applies to each part and not to the whole. */
async function readBody (read, size) {
  const out = new Uint8Array(size)
  for (let at = 0; at < size;) {
    const part = await read(Math.min(size - at, 256 << 10))
    out.set(part, at)
    at += part.length
  }
  return out
}
