// The vectors of an encrypted file, in both directions.

import '../node20.js'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { hashOf } from '../keys.js'
import { decode, encode } from '../messages.js'
import { verify } from '../records.js'
import { Vault, crypt, isWhole, newSalt, seal, sealedTo } from '../vault.js'

const v = JSON.parse(readFileSync(new URL('../../../protocol/testdata/vault.json', import.meta.url)))
const bytes = hex => Uint8Array.from(Buffer.from(hex, 'hex'))
const hex = b => Buffer.from(b).toString('hex')
const vault = new Vault(bytes(v.name_key), v.content_keys.map(k => [k.epoch, bytes(k.key)]))
const blockSize = 65536

function pattern (n) {
  const out = Buffer.alloc(n + 8)
  for (let i = 1n, at = 0; at < n; i++, at += 8) out.writeBigUInt64BE((i * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn, at)
  return out.subarray(0, n)
}

test('names', () => {
  assert.equal(hex(vault.id), v.vault)
  assert.equal(vault.prefix, v.prefix)
  for (const n of v.names) {
    assert.equal(vault.storedName(n.name), n.stored_name)
    assert.equal(hex(vault.tags(n.name)), n.tags)
  }
})

test('files', async () => {
  for (const f of v.files) {
    const record = decode('Record', bytes(f.record))
    const body = await verify(record)
    assert.equal(hex(sealedTo(record.body)), f.sealed_to, f.what)
    const { file, description, salts } = vault.open(f.name, body, record.body)
    assert.equal(file.epoch, f.epoch)
    assert.equal(hex(file.blocks), f.blocks_key)
    assert.equal(hex(description.hash), f.hash)
    assert.deepEqual(salts.map(hex), f.blocks.map(b => b.salt))
    const plain = pattern(f.pattern_bytes)
    assert(isWhole(description, plain), f.what)
    const stored = f.blocks.map((b, i) => {
      const block = crypt(file, i, salts[i], plain.subarray(i * blockSize, (i + 1) * blockSize))
      assert.equal(hex(block.subarray(0, 32)), b.first_bytes)
      assert.equal(hex(hashOf(block)), b.stored_hash)
      return block
    })
    if (stored.length > 0) assert.deepEqual(crypt(file, 0, salts[0], stored[0].subarray(37), 37), Buffer.from(plain.subarray(37, Math.min(blockSize, plain.length))))
    // What was read can be written again, byte for byte.
    const nonces = Buffer.concat([body.sealed.subarray(5, 29), body.salts.subarray(0, 24)])
    const again = seal(file, { ...body, sealed: new Uint8Array(), salts: new Uint8Array() }, description, salts, nonces)
    assert.equal(hex(encode('RecordBody', again)), hex(record.body), f.what)
  }
})

test('what was changed is refused', async () => {
  const f = v.files.find(f => f.blocks.length === 3)
  const record = decode('Record', bytes(f.record))
  const body = await verify(record)
  const sealed = Buffer.from(body.sealed)
  sealed[100] ^= 1
  assert.throws(() => vault.open(f.name, { ...body, sealed }, record.body))
  assert.throws(() => vault.open(f.name, { ...body, clock: String(BigInt(body.clock) + 1n) }, record.body))
  assert.throws(() => vault.open('another', body, record.body))
  assert.throws(() => vault.open(f.name, body, Buffer.concat([record.body, bytes('9a0600')])))
  assert.throws(() => vault.open(f.name, { ...body, salts: body.salts.map(b => b ^ 1) }, record.body))
})

test('salts may be random', () => {
  const file = vault.file('a')
  const salt = newSalt()
  const stored = crypt(file, 0, salt, pattern(100))
  const body = seal(file, {
    name: vault.storedName('a'), writer: bytes('002408011220'), clock: 1, size: 100, hash: hashOf(stored), block_size: blockSize, blocks: hashOf(stored), tags: vault.tags('a')
  }, { name: 'a', size: 100, hash: hashOf(pattern(100)) }, [salt])
  const encoded = encode('RecordBody', body)
  const opened = vault.open('a', decode('RecordBody', encoded), encoded)
  assert(isWhole(opened.description, crypt(opened.file, 0, opened.salts[0], stored)))
})
