package store

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestPatternsDependOnThePlaceAlone: a medium that is filled piece by piece must be the one that is filled at once.
func TestPatternsDependOnThePlaceAlone(t *testing.T) {
	for name, p := range map[string]Pattern{"text": Text("OLD CONTENT "),
		"blocks": Repeat{[]byte{1, 2, 3}, 512}, "noise": Noise(7), "nothing": Repeat{}} {
		whole, pieces := Memory(5000), Memory(5000)
		whole.Fill(0, 5000, p)
		for from := int64(0); from < 5000; from += 37 {
			pieces.Fill(from, from+37, p)
		}
		if whole.SHA256() != pieces.SHA256() {
			t.Errorf("%s: pieces differ from the whole", name)
		}
	}
}

func TestMediumHasAnEnd(t *testing.T) {
	s := Memory(100)
	for _, off := range []int64{-1, 101, 96} {
		if _, err := s.WriteAt(make([]byte, 5), off); err == nil {
			t.Errorf("write at %d was accepted", off)
		}
		if _, err := s.ReadAt(make([]byte, 5), off); err == nil {
			t.Errorf("read at %d was accepted", off)
		}
	}
	s.Fill(-50, 500, Repeat{Bytes: []byte{9}})
	if !bytes.Equal(s.Bytes(), bytes.Repeat([]byte{9}, 100)) {
		t.Error("fill past both ends did not fill all between")
	}
}

// TestFileIsTheMedium: what a drive writes is in the file, for the host to look at.
func TestFileIsTheMedium(t *testing.T) {
	path := filepath.Join(t.TempDir(), "medium")
	s, used, err := File(path, 8192)
	if err != nil || used {
		t.Fatal(used, err)
	}
	s.Fill(0, 8192, Text("OLD CONTENT "))
	want := s.Bytes()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the file differs from the medium: %v", err)
	}
	again, used, err := File(path, 8192)
	if err != nil || !used || !bytes.Equal(again.Bytes(), want) {
		t.Errorf("opened again it is another medium: used %v, %v", used, err)
	}
}
