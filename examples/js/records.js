// Records: one version of a file, or one of its later blocks (SPEC.md, section 5).

import { decode, encode, maxBody } from './messages.js'
import { checkName, equal, hashOf, idOfKey, keyInId, signedBy } from './keys.js'

const domain = Buffer.from('p2pchord-record:')
const maxAncestors = 16
const emptyHash = hashOf(new Uint8Array())

/** sign makes a Record of a body, by a key of @libp2p/crypto and its encoded public key. */
export async function sign (privateKey, publicKey, body) {
  const writer = idOfKey(publicKey)
  const bytes = encode('RecordBody', { ...body, writer })
  return {
    body: bytes,
    signature: await privateKey.sign(Buffer.concat([domain, bytes])),
    public_key: keyInId(writer) == null ? publicKey : new Uint8Array()
  }
}

/**
 * verify returns the body of a Record; it throws when the signature is false or a rule is broken.
 */
export async function verify (record) {
  const body = decode('RecordBody', record.body)
  checkBody(body)
  const inId = keyInId(body.writer)
  if ((inId != null) === (record.public_key.length > 0)) throw new Error('the public key is there needlessly, or missing')
  const key = inId ?? record.public_key
  if (!equal(idOfKey(key), body.writer)) throw new Error('the public key is not that of the writer')
  if (!await signedBy(key, Buffer.concat([domain, record.body]), record.signature)) throw new Error('the signature is false')
  return body
}

function must (rule, what) {
  if (!rule) throw new Error(`the record breaks a rule: ${what}`)
}

const maxClock = (1n << 63n) - 1n

function checkBody (b) {
  checkName(b.name)
  checkVersion(b)
  must(b.copies <= 8, 'copies')
  must(BigInt(b.modified) < 253402300800000n && BigInt(b.modified_before_epoch) <= 62135596800000n, 'modified')
  must((b.modified === '0' || b.modified_before_epoch === '0') && b.modified_nanos < 1000000, 'modified')
  must(b.mode <= 0o777 && (b.mode === 0 || (b.index === 0 && !b.deleted)), 'mode')
  checkSealed(b)
  if (b.index > 0) return checkBlock(b)
  const clock = BigInt(b.clock)
  const step = b.ancestors.length > 0 && clock - BigInt(b.ancestors[0].clock) <= 1000n << 16n
  must(clock <= maxClock || (clock <= maxClock + (1n << 62n) && step), 'clock too far in the future')
  must(b.ancestors.length <= maxAncestors && BigInt(b.floor) < BigInt(b.clock), 'ancestors, floor')
  let newer = b
  for (const v of b.ancestors) {
    checkVersion(v)
    must(compareVersions(v, newer) < 0, 'ancestors go down')
    newer = v
  }
  if (b.deleted) return must(b.size === '0' && b.hash.length === 0 && b.block_size === 0 && b.blocks.length === 0, 'a tombstone has no bytes')
  must(b.hash.length === 32, 'hash')
  const size = BigInt(b.size)
  if (size === 0n) {
    must(b.blocks.length === 0 && equal(b.hash, emptyHash), 'an empty file')
    if (b.block_size === 0) return
  }
  const blockSize = BigInt(b.block_size)
  must(blockSize >= 65536n && blockSize <= BigInt(maxBody) && (blockSize & (blockSize - 1n)) === 0n, 'block size')
  const count = (size + blockSize - 1n) / blockSize
  must(count <= 65536n && BigInt(b.blocks.length) === count * 32n, 'blocks')
  must(count !== 1n || equal(b.blocks, b.hash), 'the only block is the file')
}

// What a sealed description is for: SPEC.md, section 9b.
function checkSealed (b) {
  if (b.sealed.length === 0) return must(b.tags.length === 0 && b.salts.length === 0, 'tags, salts')
  must(b.index === 0 && !b.deleted && b.sealed.length % 256 === 0 && b.sealed.length <= 2048, 'sealed')
  must(b.tags.length % 8 === 0 && b.tags.length <= 128, 'tags')
  must(b.salts.length === (b.blocks.length === 0 ? 0 : 40 + b.blocks.length / 2), 'salts')
  must(b.modified === '0' && b.modified_before_epoch === '0' && b.modified_nanos === 0 && b.mode === 0, 'modified, mode')
}

function checkBlock (b) {
  must(BigInt(b.clock) <= maxClock, 'clock too far in the future')
  must(b.index < 65536 && b.hash.length === 32 && b.size !== '0' && BigInt(b.size) <= BigInt(maxBody), 'a block')
  must(!b.deleted && b.block_size === 0 && b.blocks.length === 0 && b.ancestors.length === 0 && b.floor === '0', 'a block is no file')
}

function checkVersion (v) {
  must(v.clock !== '0', 'clock')
  const [kind, length] = v.writer
  must(v.writer.length <= 64 && length === v.writer.length - 2 && (kind === 0 || (kind === 0x12 && length === 32)), 'writer')
}

/** compareVersions orders by clock, then by the writer's bytes. */
export function compareVersions (a, b) {
  const x = BigInt(a.clock)
  const y = BigInt(b.clock)
  return x === y ? Buffer.compare(a.writer, b.writer) : x < y ? -1 : 1
}

/**
 * replacing is what a version names that replaces these: the current one, and for a delete its
 * siblings too.
 */
export function replacing (...bodies) {
  const all = bodies.flatMap(b => [{ clock: b.clock, writer: b.writer }, ...b.ancestors ?? []])
  all.sort((a, b) => -compareVersions(a, b))
  const distinct = all.filter((v, i) => i === 0 || compareVersions(v, all[i - 1]) !== 0)
  let floor = 0n
  for (const b of bodies) floor = max(floor, BigInt(b.floor ?? 0))
  if (distinct.length > maxAncestors) floor = max(floor, BigInt(distinct[maxAncestors].clock))
  return { ancestors: distinct.slice(0, maxAncestors), floor }
}

const max = (a, b) => a > b ? a : b

/**
 * nextClock is a clock above the version replaced, at now or later, with the writer's count in
 * its low 16 bits.
 */
export function nextClock (replaced, count, now = Date.now()) {
  const least = max(BigInt(now) << 16n, BigInt(replaced) + 1n)
  const clock = (least & ~0xffffn) | BigInt(count & 0xffff)
  return clock >= least ? clock : clock + 0x10000n
}

/** stampOf identifies a record within its place. */
export function stampOf (body) {
  if (body.index > 0) return body.hash
  const clock = Buffer.alloc(8)
  clock.writeBigUInt64BE(BigInt(body.clock))
  return Buffer.concat([clock, body.writer])
}
