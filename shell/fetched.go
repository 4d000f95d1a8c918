package shell

import "sync"

// fetched remembers what was taken away since the program started: certificates, document and signature, and the signer
// line, which is the same as long as the program runs.
type fetched struct {
	mu     sync.Mutex
	docs   map[uint64]map[string]bool
	signed bool
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

func (f *fetched) noteSigner() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signed = true
}

func (f *fetched) signer() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.signed
}
