package main

import "time"

// patience bounds every wait of the tests; none waits so long when things are right.
const patience = 30 * time.Second
