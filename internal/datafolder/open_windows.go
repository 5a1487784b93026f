package datafolder

// nonblock is 0: folders here have no named pipes.
const nonblock = 0
