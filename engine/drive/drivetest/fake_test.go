package drivetest

import (
	"testing"

	"wiped/engine/drive"
)

func TestFake(t *testing.T) {
	Run(t, func(*testing.T) Subject {
		f := New("f0", 1<<20+3*Sector, []byte("OLD "))
		return Subject{Source: f, Beneath: f.Put, Shrink: func() error {
			f.Set(func(i *drive.Info) { i.Size -= Sector; i.ID.Size -= Sector })
			return nil
		}}
	})
}
