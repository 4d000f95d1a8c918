package health

import (
	"slices"
	"strings"

	"wiped/engine/drive"
)

// most is the largest count that is believed: no drive has more sectors to lose, and all ones is what some say for unknown.
const most = 1<<32 - 2

// count takes a number as a count, and notes one that is there but cannot be true.
func (f *facts) count(v number) *int64 {
	n := v.in(0, most)
	f.absurd = f.absurd || (n == nil && (v.n != nil || v.odd))
	return n
}

func first(from ...*int64) *int64 {
	at := slices.IndexFunc(from, func(n *int64) bool { return n != nil })
	if at < 0 {
		return nil
	}
	return from[at]
}

// celsius leaves out the 0 that smartctl prints for SCSI drives which did not say.
func (r *report) celsius() *int64 {
	t := r.Temperature.Current.in(-60, 150)
	if t != nil && *t == 0 && r.Device.Protocol == "SCSI" {
		return nil
	}
	return t
}

// uncorrected adds up what a SCSI drive counted, and takes the larger of what an ATA drive counted when it was asked for a
// sector and when it looked by itself: these may be the same sectors.
func (r *report) uncorrected(f *facts) *int64 {
	reported, offline := f.count(r.raw(187, "Uncorrect", "UE_")), f.count(r.raw(198, "Uncorrect"))
	sum := first(reported, offline)
	if reported != nil && offline != nil {
		*sum = max(*reported, *offline)
	}
	for _, n := range []number{r.SCSIErrors.Read.Uncorrected, r.SCSIErrors.Write.Uncorrected, r.SCSIErrors.Verify.Uncorrected} {
		if n := f.count(n); n != nil && sum == nil {
			sum = n
		} else if n != nil {
			*sum += *n
		}
	}
	return sum
}

// raw is the raw value of an ATA attribute, if its name says that it is what it is with most makers. It is taken from the
// text, whose first number is the count where makers put more into the six bytes: "2 (0 11)".
func (r *report) raw(id int64, names ...string) (v number) {
	for _, a := range r.Attributes.Table {
		if a.ID.value() == id && slices.ContainsFunc(names, func(n string) bool { return strings.Contains(a.Name, n) }) {
			text := a.Raw.String
			if cut := strings.IndexAny(text, " (/"); cut >= 0 {
				text = text[:cut]
			}
			_ = v.UnmarshalJSON([]byte(text))
			return v
		}
	}
	return v
}

// statistic is an entry of the ATA device statistics (ACS-4, log 04h): of page 7, the one at 8 is the percentage used.
func (r *report) statistic(page, offset int64) *int64 {
	for _, p := range r.Statistics.Pages {
		for _, s := range p.Table {
			if p.Number.value() == page && s.Offset.value() == offset && s.Flags.Valid {
				return s.Value.in(0, 255)
			}
		}
	}
	return nil
}

// lives are the ATA attributes whose normalised value is the percentage of life that is left, by the names that smartctl's
// database gives them. Under the same numbers other makers keep other things.
var lives = []struct {
	id   int64
	name string
}{
	{202, "Percent_Lifetime_Remain"}, {231, "Percent_Lifetime_Remain"}, {231, "SSD_Life_Left"}, {169, "Remaining_Lifetime_Perc"},
	{233, "Media_Wearout_Indicator"}, {177, "Wear_Leveling_Count"},
}

// life is the percentage used by those attributes. For a drive that is not in the database, names are guesses.
func (r *report) life() *int64 {
	for _, l := range lives {
		for _, a := range r.Attributes.Table {
			if left := a.Value.in(0, 100); r.Known && left != nil && a.ID.value() == l.id && a.Name == l.name {
				*left = 100 - *left
				return left
			}
		}
	}
	return nil
}

// below finds the attributes below their thresholds. That a drive was too hot once says nothing of its condition.
func (r *report) below() (predict, aged []string) {
	for _, a := range r.Attributes.Table {
		name := "attribute " + drive.Clean(a.Name)
		switch {
		case a.Failed == "" || strings.Contains(name, "Temperature"):
		case a.Failed == "now" && a.Flags.Prefailure:
			predict = append(predict, name)
		default:
			aged = append(aged, name)
		}
	}
	return predict, aged
}
