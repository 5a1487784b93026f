package share

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
)

// feed hands changes to watchers and never waits for one. If a file changes again before a watcher
// takes the change, only the last state is kept, so a slow watcher costs one state a file.
type feed struct {
	mu   sync.Mutex
	subs map[*watcher]struct{}
}

type watcher struct {
	mu     sync.Mutex
	files  map[string]File
	order  []string
	folder *Status
	wake   chan struct{}
}

func (f *feed) add() *watcher {
	w := &watcher{files: map[string]File{}, wake: make(chan struct{}, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subs == nil {
		f.subs = map[*watcher]struct{}{}
	}
	f.subs[w] = struct{}{}
	return w
}

func (f *feed) remove(w *watcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.subs, w)
}

func (f *feed) each(fn func(*watcher)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.subs {
		w.mu.Lock()
		fn(w)
		w.mu.Unlock()
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

func (f *feed) file(s File) {
	f.each(func(w *watcher) {
		if _, there := w.files[s.Name]; !there {
			w.order = append(w.order, s.Name)
		}
		w.files[s.Name] = s
	})
}

func (f *feed) status(s Status) { f.each(func(w *watcher) { w.folder = &s }) }

// take returns what has changed, in the order of the first changes.
func (w *watcher) take() []Update {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Update
	for _, name := range w.order {
		s := w.files[name]
		out = append(out, Update{File: &s})
	}
	if w.folder != nil {
		out = append(out, Update{Folder: w.folder})
	}
	w.files, w.order, w.folder = map[string]File{}, nil, nil
	return out
}

// Watch yields the state of the folder and of each file in it, ordered by name, and an Update with
// Present. With follow it then yields each change until ctx ends or the folder is closed.
func (f *Folder) Watch(ctx context.Context, follow bool) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		var w *watcher
		var present []File
		var status Status
		if !f.ask(ctx, func() {
			if follow {
				w = f.feed.add()
			}
			status, present = f.status(), f.present()
		}) {
			yield(Update{}, cmp.Or(ctx.Err(), errClosed))
			return
		}
		if w != nil {
			defer f.feed.remove(w)
		}
		slices.SortFunc(present, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
		if !yield(Update{Folder: &status}, nil) {
			return
		}
		for i := range present {
			if !yield(Update{File: &present[i]}, nil) {
				return
			}
		}
		if present = nil; !yield(Update{Present: true}, nil) || !follow {
			return
		}
		for {
			select {
			case <-w.wake:
			case <-ctx.Done():
				return
			case <-f.ended:
				yield(Update{}, errClosed)
				return
			}
			for _, u := range w.take() {
				if !yield(u, nil) {
					return
				}
			}
		}
	}
}
