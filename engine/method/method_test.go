package method

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The whole catalogue, as it is told to people: a change of a single pass is to be seen in a review.
func TestCatalogueIsGolden(t *testing.T) {
	var text strings.Builder
	for _, m := range All() {
		fmt.Fprintf(&text, "%s: %s\n  level %s, legacy %t, verify %s, must %t\n  claim: %s\n  standard: %s; %s\n  proves: %s\n",
			m.Name, m.Title, m.Level, m.Legacy, m.DefaultVerify, m.MustVerify, m.Claim(), m.Standard, m.Status, m.Proves)
		if m.Action != "" {
			fmt.Fprintf(&text, "  the drive does %s; by choice %t\n", m.Action, m.ByChoice())
		}
		for i, title := range m.PassTitles() {
			order := ""
			if m.Passes[i].AnyOrder {
				order = " (any order)"
			}
			fmt.Fprintf(&text, "  %2d %s%s\n", i+1, title, order)
		}
	}
	const file = "testdata/catalogue.golden"
	if *update {
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("the catalogue is not that of %s (-update writes it anew):\n%s", file, text.String())
	}
}

func TestCatalogueEntries(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	for _, m := range All() {
		if !name.MatchString(m.Name) || seen[m.Name] {
			t.Errorf("%q is no name, or there twice", m.Name)
		}
		seen[m.Name] = true
		if m.Title == "" || m.Standard == "" || m.Proves == "" || m.Claim() == "" {
			t.Errorf("%s: something is left empty", m.Name)
		}
		if m.Legacy != (m.Status != "") || m.After != "" && !m.Legacy {
			t.Errorf("%s: only a legacy method has a status and may have a doubtful list, and each has a status", m.Name)
		}
		if len(m.Passes) > 0 && m.Level != Clear {
			t.Errorf("%s: an overwriting method reaches %q", m.Name, m.Level)
		}
		if (len(m.Passes) == 0) == (m.Action == "") {
			t.Errorf("%s: either passes or an action", m.Name)
		}
		if m.DefaultVerify != VerifyFull && (m.Action == "" || m.DefaultVerify != VerifySample) {
			t.Errorf("%s: verifies %q", m.Name, m.DefaultVerify)
		}
		checkDraws(t, m)
	}
}

// checkDraws fails the test unless "its complement" can only mean the random byte right before it.
func checkDraws(t *testing.T, m Method) {
	t.Helper()
	for i, p := range m.Passes {
		if p.Kind == Complement && (i == 0 || m.Passes[i-1].Kind != Byte || m.Passes[i-1].Draw != p.Draw) {
			t.Errorf("%s: pass %d is the complement of what?", m.Name, i+1)
		}
		if (p.Kind == Byte || p.Kind == Complement) && p.AnyOrder {
			t.Errorf("%s: pass %d must keep its place", m.Name, i+1)
		}
	}
}

func TestCatalogueOrder(t *testing.T) {
	names := Names()
	chosen := slices.Index(names, "one") + 1
	if want := []string{"random", "zero", "one"}; !slices.Equal(names[chosen-3:chosen], want) {
		t.Errorf("%q come last of those to choose from, want %q", names[chosen-3:chosen], want)
	}
	legacy := slices.Index(names, "afssi-5020")
	if !slices.IsSorted(names[legacy:]) {
		t.Errorf("the legacy methods are not in order: %q", names[legacy:])
	}
	for i, m := range All() {
		if m.ByChoice() != (i < chosen) || m.Legacy != (i >= legacy) || m.Name != names[i] || i < chosen && (m.Action != "") != (i < chosen-3) {
			t.Errorf("%s is out of place", m.Name)
		}
		if i > 0 && i < chosen && m.Level > All()[i-1].Level {
			t.Errorf("%s purges, and comes after what only clears", m.Name)
		}
	}
}

// What sources tell differently may never be called by its standard's name alone.
func TestClaims(t *testing.T) {
	for name, want := range map[string]string{
		"sanitize-block":          "NIST SP 800-88r2 purge, technique per IEEE 2883-2022",
		"security-erase-enhanced": "NIST SP 800-88r2 clear, technique per IEEE 2883-2022",
		"random":                  "NIST SP 800-88r2 clear, technique per IEEE 2883-2022",
		"zero":                    "NIST SP 800-88r2 clear, technique per IEEE 2883-2022",
		"one":                     "NIST SP 800-88r2 clear, technique per IEEE 2883-2022",
		"dod-7":                   "pattern list dod-7, after nwipe",
		"ops-ii":                  "pattern list ops-ii, after BitRaser",
		"vsitr":                   "pattern list vsitr, after LEM vsitroverwriter",
		"afssi-5020":              "pattern list afssi-5020, after erazed4good",
		"dod-3":                   "pattern list dod-3, as in DoD 5220.22-M (E) (withdrawn in 2006, no DoD rule today)",
		"is5-enhanced":            "pattern list is5-enhanced, as in HMG Infosec Standard 5, enhanced (withdrawn)",
	} {
		m, ok := Find(name)
		if got := m.Claim(); !ok || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, m := range All() {
		if m.Legacy != strings.HasPrefix(m.Claim(), "pattern list "+m.Name+", ") {
			t.Errorf("%s: %q", m.Name, m.Claim())
		}
	}
}

func TestFind(t *testing.T) {
	for _, name := range []string{"", "Zero", "zero ", "dod", "randomstream"} {
		if m, ok := Find(name); ok || m.Name != "" {
			t.Errorf("%q found %q", name, m.Name)
		}
	}
}

func TestTheCatalogueCannotBeChanged(t *testing.T) {
	m, _ := Find("zero")
	m.Passes[0].Bytes[0] = 7
	at := slices.Index(Names(), "random")
	All()[at].Passes[0] = Pass{}
	Names()[at] = ""
	if m, _ = Find("zero"); m.PassTitles()[0] != "zeros" || Names()[at] != "random" || All()[at].PassTitles()[0] != "random" {
		t.Error("a caller changed it")
	}
}

func TestWords(t *testing.T) {
	var got struct {
		L []Level
		V []Verification
	}
	const text = `{"L":["clear","purge",""],"V":["none","sample","full",""]}`
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if back, err := json.Marshal(got); err != nil || string(back) != text {
		t.Errorf("%s, %v", back, err)
	}
	if !slices.IsSorted(got.L[:2]) || got.L[0] != Clear || !slices.IsSorted(got.V[:3]) || got.V[2] != VerifyFull {
		t.Errorf("%v", got)
	}
	for _, s := range []string{"", "Clear", "destroy", "full"} {
		if l, err := ParseLevel(s); err == nil || l != 0 {
			t.Errorf("level %q is %v", s, l)
		}
	}
	if v, err := ParseVerification(""); err == nil || v != 0 {
		t.Errorf("no verification is %v", v)
	}
	if Level(9).String() != "" || Verification(-1).String() != "" {
		t.Error("words for what is none")
	}
}
