package clients

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	sections, err := Parse("# words\ndrive scsi name=a\ndrive scsi name=b\necho {a} => ^x$\necho {b} ~> y => z\n\n" +
		"drive ata name=c\nsg_inq {c} => exit 0\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(sections) != 2 || len(sections[0].Drives) != 2 ||
		sections[1].Drives[0] != "ata name=c" || sections[0].Line != 2 {
		t.Fatalf("%+v", sections)
	}
	if steps := sections[0].Steps; steps[0].Command != "echo {a}" || steps[0].Within || steps[1].Command != "echo {b} ~> y" {
		t.Errorf("%+v", steps)
	}
	for _, bad := range []string{"echo => x", "drive scsi\necho x", "drive scsi\necho => ("} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

type fake map[string]string

func (f fake) Devices() map[string]string { return f }
func (f fake) Close() error               { return nil }

// TestRun: a command that answers otherwise is told, with what it answered, and makes the whole fail.
func TestRun(t *testing.T) {
	open := func([]string) (Bench, error) { return fake{"a": "/dev/x"}, nil }
	run := func(script, only string) (string, error) {
		sections, err := Parse(script)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err = Run(sections, only, &out, open)
		return out.String(), err
	}
	script := "drive scsi name=a\necho {a}; echo; printf more; false => ^/dev/x$.*^more$.*^exit 1$\n"
	if out, err := run(script, ""); err != nil || !strings.Contains(out, "1 commands, 0 not as expected") {
		t.Errorf("%v\n%s", err, out)
	}
	wrong := "FAIL line 3: echo no\nwant (?sm)yes\n     no\n     exit 0\n"
	if out, err := run(script+"echo no => yes\n", ""); err == nil || !strings.Contains(out, wrong) {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := run(script, "name=b"); err == nil {
		t.Error("nothing at all was well")
	}
	open = func([]string) (Bench, error) { return nil, errors.New("no kernel") }
	if _, err := run(script, ""); err == nil {
		t.Error("no drives were well")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("drive scsi\necho {a} => x\ncat ~> y")
	f.Fuzz(func(t *testing.T, text string) {
		sections, err := Parse(text)
		for _, s := range sections {
			if err == nil && len(s.Drives) == 0 {
				t.Errorf("%q: a section without drives", text)
			}
		}
	})
}
