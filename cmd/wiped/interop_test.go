//go:build interop

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestInterop runs the stories of testdata/interop once for each client: their verbs operator, viewer and stranger are then people
// who have that client and no other.
func TestInterop(t *testing.T) {
	results := &matrix{cells: map[string]map[string]string{}, versions: map[string]string{}}
	t.Cleanup(func() { results.save(t) })
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			results.versions[c.name] = c.present(t)
			testscript.Run(t, testscript.Params{
				Files: c.files(),
				Setup: func(env *testscript.Env) error {
					results.follow(env.T().(testing.TB), c.name)
					return setUpStation(env)
				},
				Condition:           condition,
				RequireExplicitExec: true,
				Cmds:                c.verbs(),
			})
		})
	}
}

// present finds the client, or leaves it out where that is allowed, and returns its version.
func (c *client) present(t *testing.T) string {
	t.Helper()
	out, err := exec.Command(c.version[0], c.version[1:]...).CombinedOutput()
	version := c.versionIn.FindString(string(out))
	if err == nil && version != "" || version != "" && c.versionFails {
		return version
	}
	if os.Getenv("WIPED_FORBID_SKIP") != "" {
		t.Fatalf("the client is not here (%v: %s), and WIPED_FORBID_SKIP forbids to leave it out. Next: apt-get install %s", err, out, c.debian)
	}
	t.Skipf("the client is not here (%v). Next: apt-get install %s", err, c.debian)
	return ""
}

func (c *client) files() (files []string) {
	for _, story := range c.stories {
		files = append(files, filepath.Join("testdata", "interop", story+".txtar"))
	}
	return files
}

// matrix is what came of each story with each client.
type matrix struct {
	mu       sync.Mutex
	cells    map[string]map[string]string
	versions map[string]string
}

// follow notes the end of a story.
func (m *matrix) follow(t testing.TB, client string) {
	story := t.Name()[strings.LastIndexByte(t.Name(), '/')+1:]
	t.Cleanup(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.cells[client] == nil {
			m.cells[client] = map[string]string{}
		}
		m.cells[client][story] = "passed"
		if t.Failed() {
			m.cells[client][story] = "FAILED"
		}
	})
}

// save writes bin/interop.json, and prints the table of it.
func (m *matrix) save(t *testing.T) {
	type row struct {
		Client  string            `json:"client"`
		Version string            `json:"version"`
		Stories map[string]string `json:"stories"`
	}
	var rows []row
	var table strings.Builder
	fmt.Fprintf(&table, "\n| client | %s |\n|---|%s\n", strings.Join(stories, " | "), strings.Repeat("---|", len(stories)))
	for _, c := range clients {
		rows = append(rows, row{c.name, m.versions[c.name], m.cells[c.name]})
		fmt.Fprintf(&table, "| %s %s |", c.name, m.versions[c.name])
		for _, story := range stories {
			said := m.cells[c.name][story]
			if said == "" && !slices.Contains(c.stories, story) {
				said = "-" // not in this client, see its literal
			}
			fmt.Fprintf(&table, " %s |", said)
		}
		table.WriteByte('\n')
	}
	text, err := json.MarshalIndent(rows, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join("..", "..", "bin", "interop.json"), append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Error(err)
	}
	t.Log(table.String())
}
