#!/usr/bin/env bash
# libp2p 3.3.11 (npm) with @libp2p/tcp 11.0.28, @chainsafe/libp2p-noise 17.0.0 and
# @chainsafe/libp2p-yamux 8.0.1, Node 20.20.2, 2026-11-28
# js-libp2p 3 uses Promise.withResolvers, which Node has from version 22 on. On Node 20 it can be
# installed and started, and then no connection is made: the one who dials sees a reset, the other
# logs only when debugging is on. Defining the function is all that is missing.
#
# Seen:
#   Node v20.20.2: Error: connection error 127.0.0.1:42291: connect ECONNRESET 127.0.0.1:42291
#   the listener's log: Promise.withResolvers is not a function
#   with Promise.withResolvers defined: an echo came back
. "$(dirname "$0")/lib.sh"

needs node npm
npm install --no-audit --no-fund --loglevel=error node@20.20.2 libp2p@3.3.11 @libp2p/tcp@11.0.28 \
	@chainsafe/libp2p-noise@17.0.0 @chainsafe/libp2p-yamux@8.0.1 >log 2>&1 || { tail -5 log >&2; exit 2; }
node=node_modules/node/bin/node
"$node" --version >version || exit 2
cat >echo.mjs <<'JS'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'

const host = listen => createLibp2p({
  transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()], addresses: { listen }
})
const [a, b] = [await host(['/ip4/127.0.0.1/tcp/0']), await host([])]
await a.handle('/echo', stream => stream.addEventListener('message', e => stream.send(e.data)))
try {
  const stream = await b.dialProtocol(a.getMultiaddrs(), '/echo')
  stream.send(Buffer.from('hello'))
  for await (const _ of stream) break
  console.log('an echo came back')
} catch (err) {
  console.log(String(err))
}
process.exit(0)
JS
cat >define.mjs <<'JS'
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new this((a, b) => { resolve = a; reject = b })
  return { promise, resolve, reject }
}
JS
without=$(DEBUG='libp2p:tcp*' "$node" echo.mjs 2>log)
reason=$(grep -o 'Promise.withResolvers is not a function' log | head -1 || true)
with=$("$node" --import ./define.mjs echo.mjs 2>/dev/null)
echo "Node $(cat version): $without"
echo "the listener's log: $reason"
echo "with Promise.withResolvers defined: $with"
status=1
[[ $without == *ECONNRESET* && -n $reason && $with == 'an echo came back' ]] && status=0
verdict $status
