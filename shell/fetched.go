package shell

import "sync"

// fetched remembers which certificates were taken away, document and signature, since the program started.
type fetched struct {
	mu   sync.Mutex
	docs map[uint64]map[string]bool
}

func (f *fetched) note(id uint64, format string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.docs == nil {
		f.docs = map[uint64]map[string]bool{}
	}
	if f.docs[id] == nil {
		f.docs[id] = map[string]bool{}
	}
	f.docs[id][format] = true
}

func (f *fetched) both(id uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.docs[id]["json"] && f.docs[id]["sig"]
}
