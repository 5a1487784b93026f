package store_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/p2pchord/p2pchord/store"
	"github.com/p2pchord/p2pchord/store/storetest"
)

func TestMain(m *testing.M) {
	// The database leaves this goroutine behind when its opening fails half-way.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/cockroachdb/pebble/v2.(*ConcurrencyLimitScheduler).periodicGranter"))
}

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, opts store.Options) store.API {
		return store.NewMemory(opts.Capacity)
	})
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, opts store.Options) store.API {
		return open(t, t.TempDir(), opts)
	})
}

func TestStoreOnCrashableMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, opts store.Options) store.API {
		opts.FS = vfs.NewCrashableMem()
		return open(t, "some/where", opts)
	})
}

func open(t *testing.T, dir string, opts store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(dir, opts)
	storetest.Check(t, err)
	t.Cleanup(func() { storetest.Check(t, s.Close()) })
	return s
}
