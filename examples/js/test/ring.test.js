// The client against real nodes: a bootstrap peer and three members on this machine.
// P2PCHORD names the program; without it, it is built from this repository.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client } from '../client.js'

const repository = fileURLToPath(new URL('../../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'p2pchord-js-'))
const processes = []
let program, bootstrap, client

// start runs a long-running command and returns the first address that it serves at.
async function start (name, ...args) {
  const file = join(folder, name + '.addrs')
  const child = spawn(program, [...args, '--data', join(folder, name), '--listen', '/ip4/127.0.0.1/tcp/0', '--addr-file', file],
    { stdio: ['ignore', 'ignore', 'pipe'] })
  let words = ''
  child.stderr.on('data', b => { words += b })
  processes.push(child)
  const end = Date.now() + 60_000
  while (!existsSync(file)) {
    if (child.exitCode != null || Date.now() > end) throw new Error(`${name} does not start: ${words}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return readFileSync(file, 'utf8').split('\n')[0]
}

const run = (...args) => execFileSync(program, [...args, '--bootstrap', bootstrap], { encoding: 'buffer', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'pipe'] })

before(async () => {
  program = process.env.P2PCHORD
  if (!program) {
    program = join(folder, 'p2pchord')
    execFileSync('go', ['build', '-o', program, './cmd/p2pchord'], { cwd: repository })
  }
  bootstrap = await start('bootstrap', 'bootstrap')
  for (const name of ['a', 'b', 'c']) await start(name, 'node', '--bootstrap', bootstrap, '--heartbeat', '500ms', '--mdns=false', '--no-prompt')
  client = await Client.connect(bootstrap)
})

after(async () => {
  await client?.close()
  await Promise.all(processes.map(child => new Promise(resolve => {
    if (child.exitCode != null) return resolve()
    child.on('exit', resolve)
    child.kill('SIGKILL')
  })))
  rmSync(folder, { recursive: true, force: true })
})

test('look up', async () => {
  assert.equal((await client.members()).length, 3)
  const mine = await client.lookup('document.txt')
  assert.equal(mine.key, 20209)
  const theirs = JSON.parse(run('lookup', 'document.txt', '--json'))
  assert.equal(mine.owner, theirs.owner.peer_id)
})

test('put, get, list, overwrite, delete', async () => {
  assert.ok((await client.put('small.txt', Buffer.from('first'))).copies >= 2)
  assert.equal(run('get', 'small.txt', '-o', '-').toString(), 'first')
  await assert.rejects(client.put('small.txt', Buffer.from('second'), { overwrite: false }), { name: 'not_allowed' })
  await client.put('small.txt', Buffer.from('second'))
  assert.equal(run('get', 'small.txt', '-o', '-').toString(), 'second')
  assert.equal((await client.get('small.txt')).toString(), 'second')

  await client.put('empty', Buffer.alloc(0))
  assert.equal((await client.get('empty')).length, 0)
  assert.deepEqual((await client.list()).map(f => f.name), ['empty', 'small.txt'])
  assert.deepEqual((await client.list('sm')).map(f => [f.name, f.size]), [['small.txt', '6']])

  await client.remove('small.txt')
  await assert.rejects(client.get('small.txt'), { name: 'not_found' })
  assert.deepEqual((await client.list()).map(f => f.name), ['empty'])
  await client.put('small.txt', Buffer.from('again'))
  assert.equal((await client.get('small.txt')).toString(), 'again')
})

test('a file of several blocks, both ways', async () => {
  const data = randomBytes(9 << 20)
  await client.put('large.bin', data)
  assert.equal(Buffer.compare(run('get', 'large.bin', '-o', '-'), data), 0)
  assert.equal(Buffer.compare(await client.get('large.bin'), data), 0)
  const { blocks, missing } = JSON.parse(run('stat', 'large.bin', '--json'))
  assert.equal(blocks.length, 3)
  assert.deepEqual(missing, [])
})

test('often overwritten', async () => {
  for (let i = 0; i < 20; i++) await client.put('often', Buffer.from(`version ${i}`))
  assert.equal((await client.get('often')).toString(), 'version 19')
  assert.deepEqual(JSON.parse(run('stat', 'often', '--json')).siblings, [])
})

test('many at once need one introduction', async () => {
  const names = Array.from({ length: 60 }, (_, i) => `many/${i}`)
  await Promise.all(names.map(name => client.put(name, Buffer.from(name))))
  assert.equal((await client.list('many/')).length, 60)
})

test('wait politely', async () => {
  const peer = { id: bootstrap.split('/p2p/').pop(), addrs: [bootstrap] }
  const introduce = () => client.request(peer, 'bootstrap', { introduce: { key: 1 } })
  let refusal
  for (let i = 0; i < 1000 && !refusal; i++) await introduce().catch(err => { refusal = err })
  assert.equal(refusal.name, 'try_again')
  assert.ok(refusal.retryAfter > 0 && refusal.retryAfter <= 250, `told to wait ${refusal.retryAfter} ms`)
  await new Promise(resolve => setTimeout(resolve, refusal.retryAfter + 20))
  assert.ok((await introduce()).answer.introduced.peers.length > 0)
})
