package wipe

import "io"

// writer is the device of Run.Write.
type writer struct {
	to       io.WriterAt
	source   source
	progress *Progress
}

func (w *writer) try(off int64, n int) (int, error) { return w.to.WriteAt(w.source.block(off, n), off) }

func (w *writer) accept(_ int64, n int) { w.progress.good.Add(int64(n)) }
