package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// wire is what came in, and what goes out.
type wire struct {
	io.Reader
	bytes.Buffer
}

func (w *wire) Read(p []byte) (int, error) { return w.Reader.Read(p) }

func TestShell(t *testing.T) {
	for sent, want := range map[string]string{
		"11\necho a b\n\n\n":              "0 4\na b\n",
		"26\necho ill >&2\nexit 3\n#....": "3 4\nill\n",
		"0\n":                             "0 0\n",
	} {
		w := &wire{Reader: strings.NewReader(sent)}
		if err := runFor(w); err != nil || w.String() != want {
			t.Errorf("runFor(%q) = %v, %q; want %q", sent, err, w.String(), want)
		}
	}
	for _, sent := range []string{"", "ten\n", "-1\n"} {
		if err := runFor(&wire{Reader: strings.NewReader(sent)}); err == nil {
			t.Errorf("runFor(%q) = nil; want an error", sent)
		}
	}
}
