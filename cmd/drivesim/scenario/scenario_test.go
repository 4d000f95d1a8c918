package scenario

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"wiped/cmd/drivesim/erase"
)

func TestParse(t *testing.T) {
	s, err := Parse(`# a bench
control tcp:127.0.0.1:7070

scsi serial=S1 size=16M sanitize=block,crypto,overwrite took=3s lie
ata serial=hex:00ff41 size=16M security hpa=2M frozen fixed-sense fill="NEW 'OLD' " name=twin
nvme serial=N1 size=8M
scsi serial= sector=520 size=1000000
`)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Drives) != 3 || len(s.NVMe) != 1 || s.NVMe[0] != "serial=N1 size=8M" || !slices.Equal(s.Control, []string{"tcp:127.0.0.1:7070"}) {
		t.Fatalf("read as %+v", s)
	}
	a, b, c := s.Drives[0], s.Drives[1], s.Drives[2]
	if a.Name != "d1" || a.Size != 16<<20 || a.Erase != (erase.Behaviour{Took: 3 * time.Second, Content: erase.Nothing}) || !a.Can("crypto") {
		t.Errorf("first drive: %+v", a)
	}
	if b.Name != "twin" || string(b.Serial) != "\x00\xffA" || !b.Frozen || !b.Security || b.HPA != 2<<20 || string(b.Fill) != "NEW 'OLD' " {
		t.Errorf("second drive: %+v", b)
	}
	if len(c.Serial) != 0 || c.Size%520 != 0 || c.WWN == a.WWN || c.WWN>>60 != 5 {
		t.Errorf("third drive: %+v", c)
	}
}

// TestMistakes: a scenario that is not understood must not run as another one.
func TestMistakes(t *testing.T) {
	for _, line := range []string{"usb serial=1", "scsi lei", "scsi took", "scsi lie=yes", "scsi took=-1s", "scsi size=9E9", "scsi size=1K",
		"scsi vanish=0", "scsi vanish=101%", "scsi sector=511", "ata sector=520", "ata hpa=16M", "ata hpa=100", "ata hpa=1M ama=1M", "scsi hpa=1M",
		"scsi security", `scsi fill="x`, "ata serial=123456789012345678901", "scsi name=../x", "scsi sanitize=blocks", "scsi forget=no",
		"scsi wwn=1", "scsi bad=1,x", "scsi serial=hex:1", "scsi name=d2\nscsi", "size=99999999999P", "scsi physical=700"} {
		if s, err := Parse(line); err == nil {
			t.Errorf("%q was taken as %+v", line, s)
		}
	}
}

// TestOn: what is said of one kind of erase leaves the others honest, but for how long they take.
func TestOn(t *testing.T) {
	d, err := ParseDrive("ata took=1s lie on=security", 1)
	if err != nil {
		t.Fatal(err)
	}
	if d.Behaviour(erase.Security).Content != erase.Nothing || d.Behaviour(erase.Sanitize) != (erase.Behaviour{Took: time.Second}) {
		t.Error("the lie is not on security alone")
	}
}

// TestKnobsAreUsable gives each word a value that its own help names.
func TestKnobsAreUsable(t *testing.T) {
	values := map[string]string{"TEXT": "x", "NAME": "x", "HEX|none": "none", "N": "1", "SIZE": "1M", "SIZE|none": "none", "BYTES": "4096", "PATH": "/x",
		"WAYS": "block", "PASSWORD": "x", "LBA,...": "1,2", "DURATION": "1s", "KINDS": "format", "PERCENT": "50%"}
	for _, name := range slices.Sorted(maps.Keys(Knobs)) {
		word, k := name, Knobs[name]
		if v, ok := values[k.Value]; ok {
			word += "=" + v
		} else if k.Value != "" && !strings.HasPrefix(k.Value, "[") {
			first, _, _ := strings.Cut(k.Value, "|")
			word += "=" + first
		}
		_, ata := ParseDrive("ata "+word, 1)
		_, scsi := ParseDrive("scsi "+word, 1)
		if ata != nil && scsi != nil {
			t.Errorf("%s: %v", word, ata)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("scsi serial=S1 size=16M sanitize=block took=3s lie\nata hpa=2M fill=\"a b\"")
	f.Add("nvme x\ncontrol y\n#\nata serial=hex:00 wwn=5000c500a1b2c3d4 bad=1,2 leaves=vendor on=format")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		for _, d := range s.Drives {
			if d.Size < 64*int64(d.Sector) || d.HPA+d.AMA+d.DCO >= d.Size || d.Size%int64(d.Sector) != 0 {
				t.Errorf("%q gave a drive that cannot be: %+v", text, d)
			}
		}
	})
}
