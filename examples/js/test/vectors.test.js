// The vectors of protocol/testdata, for what this client knows of the protocols.

import '../node20.js'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { checkName, hashOf, placeOf } from '../keys.js'
import { decode, encode, frame, readFrame } from '../messages.js'
import { parsePeer } from '../peers.js'
import { nextClock, replacing, stampOf, verify } from '../records.js'

const vectors = name => JSON.parse(readFileSync(new URL(`../../../protocol/testdata/${name}.json`, import.meta.url)))
const bytes = hex => Uint8Array.from(Buffer.from(hex, 'hex'))
const hex = b => Buffer.from(b).toString('hex')

// fromFields reads protobuf's JSON, in which bytes are base64: protobufjs takes them so.
test('messages', async () => {
  for (const v of vectors('messages')) {
    const whole = bytes(v.frame)
    let at = 0
    const message = await readFrame(async n => whole.subarray(at, at += n), 4 << 20)
    assert.equal(at, whole.length, v.name)
    assert.equal(hex(encode(v.message, v.fields)), hex(message), v.name)
    assert.equal(hex(frame(message)), v.frame, v.name)
    decode(v.message, message)
  }
})

test('records', async () => {
  for (const v of vectors('records')) {
    const body = await verify(decode('Record', bytes(v.encoded)))
    assert.equal(placeOf(body.name, body.index), v.key, v.name)
    assert.equal(hex(stampOf(body)), v.stamp, v.name)
  }
})

test('peers', async () => {
  for (const v of vectors('peers')) {
    const peer = await parsePeer(decode('Peer', bytes(v.encoded)))
    assert.equal(peer.id, v.peer_id, v.name)
    assert.equal(peer.key, v.key, v.name)
    assert.deepEqual(peer.addrs, (v.addrs ?? []).map(a => `${a}/p2p/${v.peer_id}`), v.name)
  }
})

test('what is refused', async () => {
  for (const v of vectors('refused')) {
    const check = { Record: verify, Peer: parsePeer }[v.message]
    await assert.rejects(async () => check(decode(v.message, bytes(v.encoded))), `a ${v.message} is accepted: ${v.why}`)
  }
})

test('names', () => {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  for (const v of vectors('names')) {
    const check = () => checkName(utf8.decode(bytes(v.hex)))
    v.valid ? check() : assert.throws(check, v.hex)
  }
})

test('ancestors', () => {
  const read = v => ({ clock: v.clock, writer: Buffer.from(v.writer, 'base64') })
  for (const v of vectors('ancestors')) {
    const r = v.replaced
    const next = replacing({ ...read(r), ancestors: (r.ancestors ?? []).map(read), floor: r.floor })
    assert.equal(next.floor, BigInt(v.floor), v.name)
    assert.deepEqual(next.ancestors, v.ancestors.map(read), v.name)
  }
})

test('sums', () => {
  for (const v of vectors('sums')) {
    for (const i of v.items) assert.equal(hex(hashOf(bytes(i.input))).slice(0, 32), i.h, i.name)
    const total = v.items.reduce((sum, i) => sum + BigInt('0x' + i.h), 0n) % (1n << 128n)
    assert.equal(total.toString(16).padStart(32, '0'), v.arcs[0].sum, v.name)
  }
})

test('clocks', () => {
  assert.equal(nextClock(0, 7, 1000), (1000n << 16n) + 7n)
  assert.equal(nextClock((1000n << 16n) + 9n, 7, 1000), (1001n << 16n) + 7n)
  assert.equal(nextClock((1000n << 16n) + 6n, 7, 1000), (1000n << 16n) + 7n)
  assert.equal(nextClock(5000n << 16n, 0, 1000), 5001n << 16n)
})
