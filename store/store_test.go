package store_test

import (
	"errors"
	"strings"
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

func TestMemoryDamage(t *testing.T) {
	t.Parallel()
	ctx, m, at := t.Context(), store.NewMemory(0), store.Place{Key: 1, Name: "a"}
	st, err := m.Stage(ctx, -1, strings.NewReader("bytes"))
	storetest.Check(t, err)
	_, err = m.Update(ctx, at, func([]store.Entry) ([]store.Entry, error) {
		return []store.Entry{{Place: at, Stamp: "s", Block: st.Hash(), Size: 5}}, nil
	}, st)
	storetest.Check(t, err)
	if !m.Damage(st.Hash()) || m.Damage(store.Hash{1}) {
		t.Error("only what is here is damaged")
	}
	if _, err := m.Read(ctx, st.Hash(), nil); !errors.Is(err, store.ErrCorrupt) {
		t.Error(err)
	}
	if missing, err := m.Missing(1); len(missing) != 1 || err != nil {
		t.Error(missing, err)
	}
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
