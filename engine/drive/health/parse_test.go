package health

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"wiped/engine/drive"
)

// text shows everything of a health in one line; "-" is unknown.
func text(h drive.Health) string {
	return fmt.Sprintf("%s; %s °C %s h; reallocated %s pending %s wear %s; %s: %s", h.Word, show(h.Celsius), show(h.Hours), show(h.Reallocated),
		show(h.Pending), show(h.Wear), h.Source, strings.Join(h.Reasons, " | "))
}

// TestParseHeat keeps what a drive says of its temperature out of the judgement, whatever smartctl's exit status makes of it.
func TestParseHeat(t *testing.T) {
	const answer = `{"json_format_version":[1,0],"smartctl":{"exit_status":%d},"smart_status":{"passed":true},"ata_smart_attributes":{"table":[
		{"id":5,"name":"Reallocated_Sector_Ct","value":100,"raw":{"string":"0"}},
		{"id":190,"name":"Airflow_Temperature_Cel","value":40,"when_failed":%q,"flags":{"prefailure":true},"raw":{"string":"60"}}]}}`
	for failed, exit := range map[string]int{"now": exitPrefailure, "past": 1 << 5} {
		if h := Parse(fmt.Appendf(nil, answer, exit, failed)); h.Word != good || len(h.Reasons) != 0 {
			t.Errorf("Parse of a drive that is or was too hot (%s) = %s; want good", failed, text(h))
		}
	}
}

func show(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

// samples are answers of smartctl and what must be made of them. Those named after qemu and scsi-debug were taken from these;
// the others are put together in the same shape.
var samples = map[string]string{
	"qemu-nvme": "good; 50 °C 0 h; reallocated - pending - wear 0; smartctl 7.3: ",
	"qemu-ata":  "good; 31 °C 1 h; reallocated 0 pending - wear -; smartctl 7.3: ",
	"qemu-scsi": "unknown; - °C - h; reallocated - pending - wear -; smartctl 7.3: the drive has no SMART, or what it is connected through hides it | " +
		"the drive did not answer all questions",
	"qemu-virtio": "unknown; - °C - h; reallocated - pending - wear -; smartctl 7.3: smartctl: /dev/vda: Unable to detect device type",
	"qemu-ata-smart-off": "unknown; - °C - h; reallocated - pending - wear -; smartctl 7.3: " +
		"the drive gives no verdict on itself | the drive did not answer all questions",
	"scsi-debug": "unknown; 38 °C - h; reallocated - pending - wear -; smartctl 7.3: " +
		"SMART is switched off in the drive | the drive did not answer all questions",
	"ata-hdd-good": "good; 36 °C 26731 h; reallocated 0 pending 0 wear -; smartctl 7.4: ",
	"ata-hdd-worn": "worn; 36 °C 26731 h; reallocated 12 pending 3 wear -; smartctl 7.4: 12 reallocated sectors | 3 pending sectors | " +
		"3 uncorrected errors",
	"ata-hdd-pending": "failing; 36 °C 26731 h; reallocated 1 pending 412 wear -; smartctl 7.4: 1 reallocated sector | 412 pending sectors | " +
		"412 uncorrected errors",
	"ata-hdd-failing": "failing; 36 °C 26731 h; reallocated 2040 pending 16 wear -; smartctl 7.3: the drive predicts its own failure | " +
		"attribute Reallocated_Sector_Ct is below its threshold | 2040 reallocated sectors | 16 pending sectors | 40 uncorrected errors | " +
		"a self-test of the drive failed, and none succeeded since",
	"ata-standby":             "unknown; - °C - h; reallocated - pending - wear -; smartctl 7.3: the drive sleeps and was not woken up",
	"ata-ssd-attribute":       "good; 31 °C 8123 h; reallocated 0 pending 0 wear 18; smartctl 7.3: ",
	"ata-ssd-not-in-database": "good; 31 °C 8123 h; reallocated 0 pending 0 wear -; smartctl 7.3: ",
	"ata-ssd-endurance":       "good; 31 °C 8123 h; reallocated 0 pending 0 wear 17; smartctl 7.5: ",
	"ata-ssd-statistics":      "worn; 31 °C 8123 h; reallocated 0 pending 0 wear 103; smartctl 7.5: 103 % of its rated writes are used",
	"sas-hdd-good":            "good; 32 °C 12437 h; reallocated 0 pending - wear -; smartctl 7.4: ",
	"sas-hdd-worn": "worn; 32 °C 12437 h; reallocated 37 pending 2 wear -; smartctl 7.4: 37 reallocated sectors | 2 pending sectors | " +
		"6 uncorrected errors",
	"sas-hdd-failing": "failing; 32 °C 12437 h; reallocated 0 pending - wear -; smartctl 7.3: " +
		"the drive predicts its own failure: HARDWARE IMPENDING FAILURE GENERAL HARD DRIVE FAILURE",
	"sas-ssd-worn": "worn; 32 °C 12437 h; reallocated 0 pending - wear 91; smartctl 7.3: 91 % of its rated writes are used",
	"nvme-good":    "good; 41 °C 12968 h; reallocated - pending - wear 4; smartctl 7.4: ",
	"nvme-worn":    "worn; 41 °C 12968 h; reallocated - pending - wear 97; smartctl 7.4: 3 media errors | 97 % of its rated writes are used",
	"nvme-failing": "failing; 41 °C 12968 h; reallocated - pending - wear 142; smartctl 7.4: its spare blocks are used up below the drive's own limit | " +
		"the drive says that its reliability is degraded | the drive has made itself read-only | 142 % of its rated writes are used",
	"nvme-hot":           "worn; 83 °C 12968 h; reallocated - pending - wear 4; smartctl 7.4: its temperature is beyond the drive's own limit",
	"nvme-saturated":     "unknown; 41 °C - h; reallocated - pending - wear 4; smartctl 7.4: one of its counters says what cannot be true",
	"usb-unknown-bridge": "unknown; - °C - h; reallocated - pending - wear -; smartctl 7.4: smartctl: /dev/sdf: Unknown USB bridge [0x1234:0x5678 (0x100)]",
	"no-permission": "unknown; - °C - h; reallocated - pending - wear -; smartctl 7.4: " +
		"smartctl: Smartctl open device: /dev/sdb failed: Permission denied",
	"hostile": `unknown; - °C - h; reallocated - pending - wear -; smartctl 7.4: smartctl: bad\x1b[2J\u202ename`,
}

func TestParse(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != len(samples) {
		t.Fatalf("%d samples in testdata, %v; want %d", len(files), err, len(samples))
	}
	for name, want := range samples {
		sample, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if got := text(Parse(sample)); got != want {
			t.Errorf("Parse(%s) =\n%s; want\n%s", name, got, want)
		}
	}
}

// TestParseNonsense holds every answer that is not understood to unknown, without numbers.
func TestParseNonsense(t *testing.T) {
	for _, sample := range []string{
		"", "null", "[]", "{}", "7", `{"json_format_version":[1,0]}`, `{"json_format_version":[2,0],"smartctl":{"exit_status":0},"smart_status":{"passed":true}}`,
		`{"json_format_version":[1,0],"smartctl":{"exit_status":0},"smart_status":{"passed":"yes"}}`,
		`{"json_format_version":[1,0],"smartctl":{"exit_status":0},"smart_status":{"passed":true},"scsi_grown_defect_list":null}`,
		`{"json_format_version":[1,0],"smartctl":{"exit_status":0},"smart_status":{"passed":true}`,
		`{"json_format_version":[1,0],"smartctl":{"exit_status":"0"},"smart_status":{"passed":true},"scsi_grown_defect_list":0}`,
		"smartctl 7.3 2022-02-28 r5338\nSegmentation fault\n",
	} {
		h := Parse([]byte(sample))
		if h.Word != "unknown" || len(h.Reasons) == 0 || !strings.Contains(text(h), "; - °C - h; reallocated - pending - wear -;") {
			t.Errorf("Parse(%q) = %s; want unknown with a reason", sample, text(h))
		}
	}
}

// TestParseCounts reads raw values as makers write them, and takes none for a count that may be something else.
func TestParseCounts(t *testing.T) {
	for _, test := range []struct {
		id   int
		name string
		raw  string
		want string // reallocated and pending; "?": it cannot be true
	}{
		{5, "Reallocated_Sector_Ct", "7", "7 -"}, {5, "Retired_Block_Count", "7 (1 2)", "7 -"}, {5, "Reallocated_Sector_Ct", "7/9", "7 -"},
		{5, "Unknown_Attribute", "7", "- -"}, {5, "Reallocated_Sector_Ct", "0x000000000007", "?"}, {5, "Reallocated_Sector_Ct", "", "?"},
		{5, "Reallocated_Sector_Ct", "4294967295", "?"}, {5, "Reallocated_Sector_Ct", "-1", "?"}, {5, "Reallocated_Sector_Ct", "seven", "?"},
		{197, "Current_Pending_Sector", "8", "- 8"}, {197, "Current_Pending_ECC_Cnt", "8", "- 8"}, {197, "Lifetime_Writes", "8", "- -"},
	} {
		var r report
		a := attribute{Name: test.name}
		if err := a.ID.UnmarshalJSON(fmt.Append(nil, test.id)); err != nil {
			t.Fatal(err)
		}
		a.Raw.String = test.raw
		r.Attributes.Table = []attribute{a}
		if err := r.Smartctl.Exit.UnmarshalJSON([]byte("0")); err != nil {
			t.Fatal(err)
		}
		f := r.facts()
		got := show(f.health.Reallocated) + " " + show(f.health.Pending)
		if f.absurd {
			got = "?"
		}
		if got != test.want {
			t.Errorf("attribute %d %s with raw value %q: reallocated and pending = %s; want %s", test.id, test.name, test.raw, got, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		sample, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sample)
	}
	f.Add([]byte(`{"json_format_version":[1],"smartctl":{"exit_status":1e3}}`))
	f.Add([]byte(`{"json_format_version":[1],"smartctl":{"exit_status":0},"smart_status":{"passed":true},"scsi_grown_defect_list":1}`))
	f.Add([]byte(`{"json_format_version":[1],"smartctl":{"exit_status":8},"ata_smart_attributes":{"table":[{"id":5,"name":"Realloc","raw":{"string":"2 (3)"}}]}}`))
	f.Add([]byte(`{"json_format_version":[1],"smartctl":{"exit_status":0},"nvme_smart_health_information_log":{"critical_warning":64,"media_errors":2}}`))
	f.Fuzz(func(t *testing.T, sample []byte) {
		h := Parse(sample)
		if !slices.Contains([]string{"good", "worn", "failing", "unknown"}, h.Word) || (h.Word != good && len(h.Reasons) == 0) {
			t.Errorf("%s; want a word, and a reason for any but good", text(h))
		}
		for _, n := range []*int64{h.Hours, h.Reallocated, h.Pending, h.Wear} {
			if n != nil && *n < 0 {
				t.Errorf("%s; want no negative count", text(h))
			}
		}
		if strings.ContainsFunc(text(h), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q; want only what is seen", text(h))
		}
		if h.Word == good && (h.Reallocated != nil && *h.Reallocated > 0 || h.Pending != nil && *h.Pending > 0) {
			t.Errorf("%s; want no good drive with bad sectors", text(h))
		}
	})
}
