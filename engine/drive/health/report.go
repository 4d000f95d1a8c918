package health

import "strconv"

// number is a whole number of smartctl's. Anything else in its place is odd: counters of NVMe have up to 128 bits.
type number struct {
	n   *int64
	odd bool
}

// UnmarshalJSON never fails.
func (v *number) UnmarshalJSON(b []byte) error {
	v.n, v.odd = nil, string(b) != "null"
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		v.n, v.odd = &n, false
	}
	return nil
}

func (v number) value() int64 {
	if v.n == nil {
		return 0
	}
	return *v.n
}

// in is the number if it lies between the two, and else unknown.
func (v number) in(least, most int64) *int64 {
	if v.n == nil || *v.n < least || *v.n > most {
		return nil
	}
	n := *v.n
	return &n
}

// report is the part of smartctl's document that is looked at.
type report struct {
	Format   []number `json:"json_format_version"`
	Smartctl struct {
		Version  []number                            `json:"version"`
		Exit     number                              `json:"exit_status"`
		Messages []struct{ String, Severity string } `json:"messages"`
	} `json:"smartctl"`
	Device  struct{ Protocol string } `json:"device"`
	Support struct {
		Available *bool
		Enabled   *bool
	} `json:"smart_support"`
	Status struct {
		Passed *bool
		SCSI   struct {
			Text string `json:"ie_string"`
		}
	} `json:"smart_status"`
	Temperature struct{ Current number } `json:"temperature"`
	PowerOn     struct{ Hours number }   `json:"power_on_time"`
	Endurance   struct {
		Used number `json:"current_percent"`
	} `json:"endurance_used"` // since 7.4
	Known      bool                        `json:"in_smartctl_database"`
	Attributes struct{ Table []attribute } `json:"ata_smart_attributes"`
	Statistics struct {
		Pages []struct {
			Number number
			Table  []statistic
		}
	} `json:"ata_device_statistics"`
	ATAPending  struct{ Count number } `json:"ata_pending_defects_log"`
	SCSIPending struct{ Count number } `json:"scsi_pending_defects"`
	Grown       number                 `json:"scsi_grown_defect_list"`
	SCSIUsed    number                 `json:"scsi_percentage_used_endurance_indicator"`
	SCSIErrors  struct {
		Read, Write, Verify struct {
			Uncorrected number `json:"total_uncorrected_errors"`
		}
	} `json:"scsi_error_counter_log"`
	NVMe struct {
		Critical number `json:"critical_warning"`
		Used     number `json:"percentage_used"`
		Media    number `json:"media_errors"`
	} `json:"nvme_smart_health_information_log"`
}

type attribute struct {
	ID     number
	Name   string
	Value  number
	Failed string `json:"when_failed"` // now, past, or empty
	Flags  struct{ Prefailure bool }
	Raw    struct{ String string }
}

type statistic struct {
	Offset, Value number
	Flags         struct{ Valid bool }
}

// The bits of smartctl's exit status, smartctl(8) EXIT STATUS. Bit 6, errors in the drive's log, is of no use: no log tells
// an error of the medium from one of a cable long gone.
const (
	exitCommandLine = 1 << iota // or: no type of device was detected
	exitOpen                    // or: no identification, or the drive sleeps
	exitCommand                 // some command failed, or a checksum was wrong
	exitFailing
	exitPrefailure // an attribute is below its threshold now
	_
	_
	exitSelfTest
)
