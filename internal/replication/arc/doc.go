// Package arc tells what the handlers of requests ask about this node's own arc: may it serve a key
// now, is its grant still valid, and which peers hold copies of the arc's records.
//
// It decides nothing: package ring says who owns a key, and package replica under which grant an
// arc is served. It holds no records. It starts no process and has no lock; Serving, Synced, and
// Changed wait for a newer snapshot of the event loop.
package arc
