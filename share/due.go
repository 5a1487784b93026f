package share

import (
	"container/heap"
	"time"
)

// wake sets when tick moves f on; 0 means never.
func (m *machine) wake(f *file, due time.Duration) {
	switch {
	case f.due == due && (due == 0) == (f.position == 0):
	case due == 0:
		heap.Remove(&m.clock, f.position-1)
	case f.position == 0:
		f.due = due
		heap.Push(&m.clock, f)
	default:
		f.due = due
		heap.Fix(&m.clock, f.position-1)
	}
	f.due = due
}

// dueHeap is a heap whose first file is due first.
type dueHeap []*file

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due < h[j].due }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].position, h[j].position = i+1, j+1
}

func (h *dueHeap) Push(x any) {
	f := x.(*file) //nolint:forcetypeassert // the heap holds nothing else
	*h = append(*h, f)
	f.position = len(*h)
}

func (h *dueHeap) Pop() any {
	old := *h
	f := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	f.position = 0
	return f
}
