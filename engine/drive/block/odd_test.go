package block

import (
	"os"
	"path/filepath"
	"testing"

	"wiped/engine/drive"
)

// sizeless finds a drive without a size as often as there are answers, each of which is the drive's next one.
func sizeless(t *testing.T, answers ...drive.Answers) (shown []*drive.Info, rescans int) {
	t.Helper()
	tr := newTree(t)
	folder := tr.disk(sas+"sda", attrs{"size": "0", "device/vendor": "SEAGATE ", "device/vpd_pg80": pg("Z1"), "device/rescan": ""})
	says := drive.Answers{}
	s, err := New("all", tongue{name: "SCSI", says: &says})
	if err != nil {
		t.Fatal(err)
	}
	s.Sys, s.Dev, s.odd.fresh = tr.sys, tr.dev, 0
	for _, says = range answers {
		found, err := s.Find()
		if err != nil || len(found) > 1 {
			t.Fatalf("%v, %v", found, err)
		}
		var i *drive.Info
		if len(found) == 1 {
			info := found[0].Info()
			i = &info
		}
		shown = append(shown, i)
		rescan := filepath.Join(folder, "device/rescan")
		if text, _ := os.ReadFile(rescan); len(text) > 0 {
			rescans++
			_ = os.Truncate(rescan, 0)
		}
	}
	return shown, rescans
}

// TestOddForgets: what a drive without a size said once does not hold for ever. When it can be used, the kernel looks again.
func TestOddForgets(t *testing.T) {
	shown, rescans := sizeless(t, drive.Answers{Sector: 520}, drive.Answers{Sector: 512, Busy: "formatting, 43 % done"}, drive.Answers{Sector: 512})
	if i := shown[0]; i == nil || i.LogicalSector != 520 || i.NoSize != "" {
		t.Errorf("with sectors of 520 bytes it is shown as %+v", i)
	}
	if i := shown[1]; i == nil || i.LogicalSector != 512 || i.NoSize != "it has no size while it is formatting, 43 % done" || i.Reformat {
		t.Errorf("while it formats itself it is shown as %+v", i)
	}
	if i := shown[2]; i != nil && i.LogicalSector == 520 || rescans != 1 {
		t.Errorf("when it has sectors of 512 bytes it is shown as %+v, after %d looks of the kernel; want one", i, rescans)
	}
}

// TestOddNotReady: a drive that cannot say its sectors yet is asked again.
func TestOddNotReady(t *testing.T) {
	shown, rescans := sizeless(t, drive.Answers{}, drive.Answers{Sector: 520})
	if shown[0] != nil || shown[1] == nil || rescans != 0 {
		t.Errorf("shown %v, then %v, after %d looks of the kernel; want it when it answers", shown[0], shown[1], rescans)
	}
}

// TestOddUnformatted: a drive whose format lost power is shown, with what has to be done.
func TestOddUnformatted(t *testing.T) {
	shown, rescans := sizeless(t, drive.Answers{Sector: 512, Unformatted: "its format is not complete", Problem: "format it anew"})
	if i := shown[0]; i == nil || !i.Reformat || i.NoSize != "its format is not complete" || i.LogicalSector != 512 || rescans != 0 {
		t.Errorf("shown as %+v, after %d looks of the kernel", i, rescans)
	}
}

// TestOddSilent: a drive that did not answer is left alone for a while, and keeps the last answer that it gave.
func TestOddSilent(t *testing.T) {
	shown, _ := sizeless(t, drive.Answers{Sector: 520}, drive.Answers{Problem: "it does not answer"}, drive.Answers{Sector: 528})
	for n, i := range shown {
		if i == nil || i.LogicalSector != 520 {
			t.Errorf("look %d shows %+v; want the 520 bytes that it had when it answered", n+1, i)
		}
	}
}
