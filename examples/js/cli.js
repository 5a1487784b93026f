#!/usr/bin/env node
// node cli.js BOOTSTRAP ls [PREFIX] | get NAME | put FILE [NAME] | rm NAME | lookup NAME

import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { Client } from './client.js'

const [bootstrap, verb, ...args] = process.argv.slice(2)
const verbs = {
  ls: async c => { for (const f of await c.list(args[0])) console.log(JSON.stringify({ name: f.name, size: f.size })) },
  get: async c => process.stdout.write(await c.get(args[0])),
  put: async c => console.log(JSON.stringify(await c.put(args[1] ?? basename(args[0]), await readFile(args[0])))),
  rm: async c => { await c.remove(args[0]) },
  lookup: async c => console.log(JSON.stringify(await c.lookup(args[0])))
}
if (!(verb in verbs)) {
  console.error('node cli.js BOOTSTRAP ls [PREFIX] | get NAME | put FILE [NAME] | rm NAME | lookup NAME')
  process.exit(2)
}
const client = await Client.connect(bootstrap)
try {
  await verbs[verb](client)
} catch (err) {
  console.error(`${err.name}: ${err.message}`)
  process.exitCode = 1
} finally {
  await client.close()
}
