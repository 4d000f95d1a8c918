package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"wiped/engine/drive"
)

// shown is a drive that is only looked at.
type shown drive.Info

func (s shown) Info() drive.Info              { return drive.Info(s) }
func (s shown) Claim() (drive.Claim, error)   { return nil, errors.New("only looked at") }
func (s shown) Reader() (drive.Reader, error) { return nil, errors.New("only looked at") }
func (s shown) Ask() drive.Answers            { return drive.Answers{} }

func disk(name, serial, wwn string) drive.Info {
	return drive.Info{Name: name, Path: "/dev/" + name, Paths: []string{"/dev/" + name}, Serial: serial, WWN: wwn, Size: 1 << 30, LogicalSector: 512}
}

func all(infos ...drive.Info) (list []drive.Drive) {
	for _, i := range infos {
		list = append(list, shown(i))
	}
	return list
}

func TestObstacles(t *testing.T) {
	const opened = 1 << 40 // no job's number
	sda := func(change func(*drive.Info)) drive.Info {
		i := disk("sda", "S1", "naa.1")
		change(&i)
		return i
	}
	for _, c := range []struct {
		name    string
		info    drive.Info
		protect []string
		taken   uint64
		want    []string // states
		why     string
	}{
		{"free", sda(func(*drive.Info) {}), nil, 0, nil, ""},
		{"taken", sda(func(*drive.Info) {}), nil, 7, []string{"job"}, "job 7"},
		{"protected by name", sda(func(*drive.Info) {}), []string{"SDA"}, 0, []string{"protected"}, "--protect SDA"},
		{"protected by path", sda(func(*drive.Info) {}), []string{"/dev/sd*"}, 0, []string{"protected"}, ""},
		{"protected by any path", sda(func(i *drive.Info) { i.Paths = append(i.Paths, "/dev/sdq") }), []string{"*sdq"}, 0, []string{"protected"}, ""},
		{"protected by serial", sda(func(*drive.Info) {}), []string{"s?"}, 0, []string{"protected"}, ""},
		{"protected by WWN", sda(func(*drive.Info) {}), []string{"NAA.*"}, 0, []string{"protected"}, ""},
		{"protected elsewhere", sda(func(*drive.Info) {}), []string{"sdb", "sd", "", "[z]"}, 0, nil, ""},
		{"an unknown WWN is matched by nothing", sda(func(i *drive.Info) { i.WWN = "" }), []string{""}, 0, nil, ""},
		{"mounted", sda(func(i *drive.Info) { i.Uses = []drive.Use{{What: "mounted on /"}} }), nil, 0, []string{"in use"}, "mounted on /"},
		{"two uses", sda(func(i *drive.Info) { i.Uses = []drive.Use{{What: "swap"}, {What: "x"}} }), nil, 0, []string{"in use", "in use"}, "swap"},
		{"read-only", sda(func(i *drive.Info) { i.ReadOnly = true }), nil, 0, []string{"unusable"}, "read-only"},
		{"no size", sda(func(i *drive.Info) { i.Size = 0 }), nil, 0, []string{"unusable"}, "no size"},
		{"negative size", sda(func(i *drive.Info) { i.Size = -1 }), nil, 0, []string{"unusable"}, "no size"},
		{"formatting", sda(func(i *drive.Info) { i.Size, i.NoSize = 0, "formatting, 43 % done" }), nil, 0, []string{"unusable"}, "formatting, 43 %"},
		{"not formatted", sda(func(i *drive.Info) { i.Size, i.NoSize, i.Reformat = 0, "its format is not complete", true }), nil, 0, []string{"unusable"}, "its format is not complete"},
		{"not formatted, and a size from before", sda(func(i *drive.Info) { i.NoSize, i.Reformat = "its format is not complete", true }), nil, 0, nil, ""},
		{"no sector", sda(func(i *drive.Info) { i.LogicalSector = 0 }), nil, 0, []string{"unusable"}, "sector size"},
		{"half a sector", sda(func(i *drive.Info) { i.Size++ }), nil, 0, []string{"unusable"}, "not a multiple"},
		{"problem", sda(func(i *drive.Info) { i.Problem = "permission denied"; i.Size = 0 }), nil, 3, []string{"unusable"}, "permission"},
		{"opened", sda(func(*drive.Info) {}), nil, opened, []string{"in use"}, "its hidden areas are being opened"},
		{"everything", sda(func(i *drive.Info) { i.Uses = []drive.Use{{What: "swap"}}; i.ReadOnly = true; i.Size = 0 }), []string{"*"}, 9,
			[]string{"job", "protected", "in use", "unusable", "unusable"}, "job 9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var states []string
			by := holder{job: c.taken}
			if c.taken == opened {
				by = holder{opening: true}
			}
			found := obstacles(c.info, Config{Protect: c.protect}, by)
			for _, o := range found {
				states = append(states, o.state)
				if o.why == "" {
					t.Error("an obstacle without a reason")
				}
			}
			if !slices.Equal(states, c.want) {
				t.Errorf("obstacles = %+v; want %v", found, c.want)
			}
			if len(found) > 0 && !strings.Contains(found[0].why, c.why) {
				t.Errorf("obstacles = %+v; want %q", found, c.why)
			}
		})
	}
}

func TestMatchFold(t *testing.T) {
	for _, c := range []struct {
		glob, text string
		want       bool
	}{
		{"sda", "sda", true}, {"SDA", "sda", true}, {"sda", "SDA", true}, {"sda", "sda1", false}, {"sd?", "sda", true},
		{"*", "/dev/sda", true}, {"/dev/*", "/dev/mapper/x", true}, {"wd-*7", "WD-A/7", true}, {"?", "/", true},
		{"[a-c]da", "BDA", true}, {`\*`, "*", true}, {`\*`, "x", false}, {"", "", true}, {"", "x", false},
		{"naa.5*", "NAA.5000C500", true}, {"é*", "Éx", true},
	} {
		if got, err := matchFold(c.glob, c.text); got != c.want || err != nil {
			t.Errorf("matchFold(%q, %q) = %v, %v; want %v", c.glob, c.text, got, err, c.want)
		}
	}
	for _, bad := range []string{"[", `\`, "[]", "[a"} {
		if checkGlob(bad) == nil {
			t.Errorf("checkGlob(%q): want an error", bad)
		}
	}
	for _, bad := range []string{"", "  "} {
		if checkGlob(bad) == nil {
			t.Errorf("checkGlob(%q): want an error", bad)
		}
	}
}

func TestConfirmWord(t *testing.T) {
	one, same := disk("sda", "S1", "naa.1"), disk("sdb", "S1", "naa.2")
	bare, empty := disk("sdc", "S1", ""), disk("sdd", "", "naa.4")
	nothing := disk("sde", "", "")
	for _, c := range []struct {
		name string
		i    drive.Info
		all  []drive.Drive
		want string
	}{
		{"alone", one, all(one), "S1"},
		{"two with one serial", one, all(one, same), "naa.1"},
		{"two with one serial, the other", same, all(one, same), "naa.2"},
		{"two with one serial, no WWN", bare, all(one, bare), ""},
		{"two with one serial and one WWN", one, all(one, disk("sdf", "S1", "naa.1")), ""},
		{"no serial", empty, all(one, empty), "naa.4"},
		{"two with no serial", empty, all(empty, disk("sdg", "", "naa.9")), "naa.4"},
		{"neither", nothing, all(one, nothing), ""},
		{"serial is the other's WWN", disk("sda", "X", ""), all(disk("sda", "X", ""), disk("sdb", "Y", "X")), "X"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := confirmWord(c.i, c.all); got != c.want {
				t.Errorf("confirmWord = %q; want %q", got, c.want)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	sda, sdb := disk("sda", "S1", "naa.1"), disk("sdb", "S1", "naa.2")
	sda.Partitions = []string{"sda1", "sda2"}
	sdc := disk("sdc", "sda", "") // its serial is the other's name
	sdd := disk("sdd", "", "")
	two := disk("sde", "S5", "naa.5")
	two.Paths = append(two.Paths, "/dev/sdf")
	for _, c := range []struct {
		word string
		all  []drive.Drive
		want string // its name, or what the refusal says
		kind Kind
	}{
		{"sda", all(sda, sdb), "sda", 0},
		{"/dev/sdb", all(sda, sdb), "sdb", 0},
		{"naa.2", all(sda, sdb), "sdb", 0},
		{"NAA.2", all(sda, sdb), "sdb", 0},
		{"S1", all(sda, sdb), "names more than one drive: /dev/sda, /dev/sdb", Invalid},
		{"S1", all(sda, sdd), "sda", 0},
		{"s1", all(sda), "no such drive", NotFound}, // serials are exact
		{"sda", all(sda, sdc), "names more than one", Invalid},
		{"/dev/sda", all(sda, sdc), "sda", 0},
		{"/dev/sdf", all(sda, two), "sde", 0},
		{"sda1", all(sda), "it is a partition, and only whole drives are erased; the whole drive is sda", NotFound},
		{"/dev/sda2", all(sda), "the whole drive is sda", NotFound},
		{"", all(sda, sdd), "no such drive", NotFound},
		{"/dev/none", all(sda), "no such drive", NotFound},
		{"sd", all(sda), "no such drive", NotFound},
		{"sd*", all(sda), "no such drive", NotFound},
		{"x\x1b[2J", all(sda), `x\x1b[2J`, NotFound},
	} {
		t.Run(c.word, func(t *testing.T) {
			d, refusal := resolve(c.word, c.all)
			switch {
			case c.kind == 0 && (refusal != nil || d.Info().Name != c.want):
				t.Errorf("resolve(%q) = %v, %v; want %s", c.word, d, refusal, c.want)
			case c.kind != 0 && (refusal == nil || refusal.Kind != c.kind || !strings.Contains(refusal.Error(), c.want)):
				t.Errorf("resolve(%q) = %v, %v; want kind %d, %q", c.word, d, refusal, c.kind, c.want)
			}
		})
	}
}

func TestUnconfirmed(t *testing.T) {
	item := func(name, word string) Item { return Item{Drive: drive.Info{Name: name}, Confirm: word} }
	for _, c := range []struct {
		name  string
		items []Item
		typed []string
		want  []Kind
	}{
		{"all", []Item{item("a", "A"), item("b", "B")}, []string{"B", "A"}, nil},
		{"twice", []Item{item("a", "A")}, []string{"A", "A"}, nil},
		{"none", []Item{item("a", "A"), item("b", "B")}, nil, []Kind{Unconfirmed, Unconfirmed}},
		{"one", []Item{item("a", "A"), item("b", "B")}, []string{"A"}, []Kind{Unconfirmed}},
		{"another drive's", []Item{item("a", "A")}, []string{"A", "C"}, []Kind{Unsafe}},
		{"in other letters", []Item{item("a", "A")}, []string{"a"}, []Kind{Unconfirmed, Unsafe}},
		{"empty", []Item{item("a", "A")}, []string{""}, []Kind{Unconfirmed, Unsafe}},
		{"nothing names it", []Item{item("a", "")}, nil, []Kind{Unsafe}},
		{"nothing names it, and nothing is typed", []Item{item("a", "")}, []string{""}, []Kind{Unsafe}},
		{"nothing named", nil, []string{"A"}, []Kind{Unsafe}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var kinds []Kind
			for _, r := range unconfirmed(c.items, c.typed) {
				kinds = append(kinds, r.Kind)
			}
			if !slices.Equal(kinds, c.want) {
				t.Errorf("unconfirmed = %v; want %v", kinds, c.want)
			}
		})
	}
}

// TestHalted refuses every drive with the reason, whatever its state.
func TestHalted(t *testing.T) {
	found := obstacles(disk("sda", "S1", ""), Config{Halted: "a setting is not understood"}, holder{})
	if len(found) != 1 || found[0].state != "protected" || found[0].why != "a setting is not understood" {
		t.Errorf("obstacles = %+v; want the one reason", found)
	}
}
