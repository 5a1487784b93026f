// A client of a p2pchord ring, written from protocol/SPEC.md. It looks names up, and lists, gets,
// puts, and deletes files, without becoming a member of the ring.

import './node20.js'
import { randomInt } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { checkName, equal, hashOf, placeOf } from './keys.js'
import { protocols } from './messages.js'
import { parsePeer } from './peers.js'
import { nextClock, replacing, sign, verify } from './records.js'
import { ask, StatusError } from './wire.js'

export { StatusError }

const blockSize = 4 << 20
const blocksAtOnce = 4
const streamsAtOnce = 32 // to one peer: half of what it works on at a time
const passing = new Set(['try_again', 'uncertain', 'unreachable', 'refused', 'busy', 'not_owner'])
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

export class Client {
  #node
  #privateKey
  #publicKey
  #timeout
  #peers = new Map() // verified members, by ID
  #streams = new Map() // peer ID: {running, waiting}
  #signed = randomInt(1 << 16) // records; any start will do

  /**
   * connect introduces itself to a bootstrap peer, once, and remembers the members that it names.
   */
  static async connect (bootstrap, { timeout = 30_000 } = {}) {
    const c = new Client()
    c.#timeout = timeout
    c.#privateKey = await generateKeyPair('Ed25519')
    c.#publicKey = publicKeyToProtobuf(c.#privateKey.publicKey)
    c.#node = await createLibp2p({
      privateKey: c.#privateKey, transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()]
    })
    try {
      await c.#introduce(bootstrap)
    } catch (err) {
      await c.close()
      throw err
    }
    return c
  }

  close () {
    return this.#node.stop()
  }

  async #introduce (bootstrap) {
    const id = bootstrap.split('/p2p/').pop()
    const peer = { id, addrs: [bootstrap] }
    await this.#patiently(async () => {
      const { introduced } = (await this.#ask(peer, 'bootstrap', { introduce: { key: 0 } })).answer
      for (const p of introduced.peers) await this.#meet(p).catch(() => {}) // who lies is left out
      if (this.#peers.size > 0) return
      if (introduced.settling) throw new StatusError({ status: 5, message: 'the bootstrap peer waits for its members', retry_after_ms: 1000 })
      throw new Error('there is no ring')
    })
  }

  async #meet (message) {
    const peer = await parsePeer(message)
    if (peer.addrs.length > 0 || !this.#peers.has(peer.id)) this.#peers.set(peer.id, peer)
    return this.#peers.get(peer.id)
  }

  /**
   * request asks a peer one thing, on a stream of its own. For uses that the methods below don't
   * cover.
   */
  request (peer, kind, request, body) {
    return this.#ask(peer, kind, request, body)
  }

  async #ask (peer, kind, request, body) {
    const addrs = peer.addrs.filter(a => /\/tcp\/\d+\/p2p\//.test(a)).map(a => multiaddr(a))
    if (addrs.length === 0) throw unreachable(`${peer.id} has no address for TCP`)
    const lane = await this.#enter(`${peer.id} ${kind}`)
    try {
      const stream = await this.#node.dialProtocol(addrs, protocols[kind].id, { signal: AbortSignal.timeout(10_000) })
      return await ask(stream, kind, request, body)
    } catch (err) {
      // A request without an answer may have been carried out. It is safe to repeat it.
      throw err instanceof StatusError ? err : unreachable(`${peer.id}: ${err.message}`, err)
    } finally {
      lane.leave()
    }
  }

  /** enter waits while too many requests to one peer are under way. */
  async #enter (name) {
    const lane = this.#streams.get(name) ?? { running: 0, waiting: [] }
    this.#streams.set(name, lane)
    if (lane.running >= streamsAtOnce) await new Promise(resolve => lane.waiting.push(resolve))
    lane.running++
    return { leave: () => { lane.running--; lane.waiting.shift()?.() } }
  }

  /**
   * patiently repeats fn while its error is temporary: after the time that the peer names, or
   * else after 0.1 s, doubling up to 2 s.
   */
  async #patiently (fn) {
    const end = Date.now() + this.#timeout
    for (let pause = 100; ; pause = Math.min(2 * pause, 2000)) {
      try {
        return await fn()
      } catch (err) {
        const wait = err.retryAfter || pause
        if (!passing.has(err.name) || Date.now() + wait > end) throw err
        await sleep(wait * (1 + Math.random() / 4))
      }
    }
  }

  /** owner looks up who owns a key: each member passes the question on to one that is nearer. */
  async #owner (key) {
    let last = unreachable('no member is known')
    for (const peer of [...this.#peers.values()]) {
      try {
        const { found } = (await this.#ask(peer, 'ring', { find: { key, hops: 32, timeout_ms: 5000 } })).answer
        for (const p of [...found.owner.predecessors, ...found.owner.successors]) await this.#meet(p).catch(() => {})
        return await this.#meet(found.owner.self)
      } catch (err) {
        last = err
        if (err.name === 'unreachable' && this.#peers.size > 1) this.#peers.delete(peer.id)
      }
    }
    throw last
  }

  /**
   * atOwner runs fn with the owner of a key. A peer that isn't the owner names a better one, which
   * is tried before the key is looked up again.
   */
  async #atOwner (key, fn) {
    return this.#patiently(async () => {
      let peer = await this.#owner(key)
      for (let follow = 0; ; follow++) {
        try {
          return await fn(peer)
        } catch (err) {
          const better = err.name === 'not_owner' && follow < 8 && err.answer.better
          if (!better) throw err
          peer = await this.#meet(better)
        }
      }
    })
  }

  /** lookup names the owner of a file. */
  async lookup (name) {
    checkName(name)
    const key = placeOf(name)
    const { id } = await this.#patiently(() => this.#owner(key))
    return { name, key, owner: id }
  }

  /** members walks around the ring, from any member to its successor, until it is back. */
  async members () {
    return this.#patiently(async () => {
      const all = []
      let peer = await this.#owner(0)
      while (!all.some(p => p.id === peer.id)) {
        all.push(peer)
        const { neighbours } = (await this.#ask(peer, 'ring', { neighbours: {} })).answer
        peer = await this.#meet(neighbours.successors[0] ?? neighbours.self)
      }
      if (peer.id !== all[0].id) throw new StatusError({ status: 5, message: 'the ring is changing' })
      return all
    })
  }

  /**
   * list returns the files whose names begin with prefix. Every member is asked for those of its
   * arc.
   */
  async list (prefix = '') {
    const files = new Map() // a file may be told twice while its arc changes hands
    for (const peer of await this.members()) {
      for (let after = {}, more = true; more;) {
        const { listed } = (await this.#patiently(() => this.#ask(peer, 'file', { list: { prefix, ...after } }))).answer
        for (const f of listed.files) files.set(f.name, f)
        const last = listed.files.at(-1)
        more = listed.more && last != null
        if (more) after = { after: last.name, after_key: placeOf(last.name), more: true }
      }
    }
    return [...files.values()].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
  }

  /**
   * current reads the current version: its verified body, those of its siblings, and the first
   * block if the answer has it.
   */
  async #current (name, withBody) {
    checkName(name)
    const { answer, body } = await this.#atOwner(placeOf(name), peer => this.#ask(peer, 'file', { get: { name, with_body: withBody } }))
    const record = await verify(answer.got.record)
    if (record.name !== name || record.index !== 0 || record.deleted) throw new Error('a peer answered with another record')
    const siblings = []
    for (const s of answer.got.siblings) siblings.push(await verify(s))
    return { record, siblings, first: body }
  }

  /**
   * get returns the bytes of a file, all of them verified. It throws a StatusError named
   * not_found when there is none.
   */
  async get (name) {
    const { record, first } = await this.#current(name, true)
    const count = record.blocks.length / 32
    const blocks = new Array(count)
    await inParallel(count, async i => {
      const hash = record.blocks.subarray(32 * i, 32 * i + 32)
      blocks[i] = i === 0 && equal(hashOf(first), hash) ? first : await this.#block(name, i, hash)
    })
    const all = Buffer.concat(blocks)
    if (all.length !== Number(record.size) || !equal(hashOf(all), record.hash)) throw new Error('the file is not what its record says')
    return all
  }

  async #block (name, index, hash) {
    return this.#atOwner(placeOf(name, index), async owner => {
      let last
      for (const peer of [owner, ...this.#peers.values()]) {
        try {
          const { body } = await this.#ask(peer, 'file', { block: { hash } })
          if (equal(hashOf(body), hash)) return body
          last = new Error('a peer sent other bytes')
        } catch (err) {
          last = err
        }
      }
      throw last.name === 'not_found' ? new StatusError({ status: 5, message: `nobody has block ${index} of ${name} now` }) : last
    })
  }

  /**
   * put stores a file. Without overwrite it throws a StatusError named not_allowed when there is
   * one with other bytes.
   */
  async put (name, data, { copies = 0, overwrite = true } = {}) {
    checkName(name)
    const count = Math.ceil(data.length / blockSize)
    const hashes = new Array(count)
    const blockAt = i => data.subarray(i * blockSize, (i + 1) * blockSize)
    for (let i = 0; i < count; i++) hashes[i] = hashOf(blockAt(i))
    const clock = nextClock(0, this.#signed++)
    const putLater = async index => {
      const block = blockAt(index)
      await this.#store({ name, index, clock, size: block.length, hash: hashes[index], copies }, block)
    }
    await inParallel(count - 1, i => putLater(i + 1))
    return this.#write({
      name, size: data.length, hash: count === 1 ? hashes[0] : hashOf(data), block_size: count > 0 ? blockSize : 0,
      blocks: Buffer.concat(hashes), copies, modified: Date.now()
    }, blockAt(0), { overwrite, putLater })
  }

  /** remove deletes a file and its siblings: a version without bytes takes their place. */
  async remove (name) {
    const { record, siblings } = await this.#current(name, false)
    return this.#write({ name, deleted: true, copies: record.copies, modified: Date.now() }, new Uint8Array(), { replaced: [record, ...siblings] })
  }

  /**
   * write stores a version of a file. When there is another it names that one, with a greater
   * clock, and tries again.
   */
  async #write (body, block, { replaced = [], overwrite = true, putLater }) {
    for (let tries = 0; ; tries++) {
      const greatest = replaced[0]?.clock ?? 0
      const version = { ...body, clock: nextClock(greatest, this.#signed++), ...(replaced.length > 0 ? replacing(...replaced) : {}) }
      try {
        return await this.#store(version, block)
      } catch (err) {
        const missing = (err.name === 'not_allowed' && err.answer.stored?.missing) || []
        if (missing.length > 0 && putLater && tries < 16) {
          for (const index of missing) await putLater(index)
          continue
        }
        const current = err.name === 'not_allowed' && err.answer.stored?.current
        if (!current || !overwrite || tries === 16) throw err
        replaced = [await verify(current), ...replaced.slice(1)]
      }
    }
  }

  /**
   * store puts one record. It repeats the same record until it is acknowledged, so that one write
   * never becomes two versions.
   */
  async #store (body, block) {
    const record = await sign(this.#privateKey, this.#publicKey, body)
    const { answer } = await this.#atOwner(placeOf(body.name, body.index ?? 0), peer => this.#ask(peer, 'file', { put: { record } }, block))
    return { name: body.name, copies: answer.stored.copies, wanted: answer.stored.wanted }
  }
}

function unreachable (message, cause) {
  const err = new Error(message, { cause })
  err.name = 'unreachable'
  return err
}

/** inParallel runs fn for 0 to count-1, a few at a time. */
async function inParallel (count, fn) {
  let next = 0
  await Promise.all(Array.from({ length: Math.min(count, blocksAtOnce) }, async () => {
    while (next < count) await fn(next++)
  }))
}
