// js-libp2p 3 uses Promise.withResolvers, which Node 20 lacks. This is imported before it.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new this((a, b) => { resolve = a; reject = b })
  return { promise, resolve, reject }
}
