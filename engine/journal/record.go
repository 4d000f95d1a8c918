package journal

import "encoding/json"

// Job is what was decided at submission; it is written once and never changes.
type Job struct {
	ID        uint64   `json:"id"`
	Submitted Time     `json:"submitted"`
	Drive     Drive    `json:"drive"`
	Also      []Drive  `json:"also,omitempty"` // what the method erases besides, all of it confirmed
	Method    Method   `json:"method"`
	Verify    string   `json:"verify"`              // full, sample or none
	Seed      string   `json:"seed,omitempty"`      // sample: 32 bytes in hex that choose what is read
	Confirmed string   `json:"confirmed,omitempty"` // what the operator typed to confirm the drive
	Note      string   `json:"note,omitempty"`
	Operator  Operator `json:"operator"`
	Station   string   `json:"station"`
	Software  string   `json:"software"`
}

// Drive is the identity of a drive as it was confirmed.
type Drive struct {
	Name           string `json:"name"`
	Path           string `json:"path"`
	Serial         string `json:"serial"`
	SerialSource   string `json:"serial_source"`
	WWN            Text   `json:"wwn"`
	OwnSerial      Text   `json:"own_serial,omitempty"` // what the drive itself said in its own language; behind a bridge Serial may be the bridge's
	OwnWWN         Text   `json:"own_wwn,omitempty"`
	Vendor         Text   `json:"vendor"`
	Model          Text   `json:"model"`
	Firmware       Text   `json:"firmware"`
	SizeBytes      int64  `json:"size_bytes"`
	LogicalSector  int    `json:"logical_sector_bytes"`
	PhysicalSector Number `json:"physical_sector_bytes"`
	Transport      string `json:"transport"`
	MediaType      Text   `json:"media_type"`
	Layer          Text   `json:"layer"`             // set: only this layer is erased, nothing is claimed of the media below
	DiskSeq        uint64 `json:"diskseq,omitempty"` // the kernel's disk sequence number, good within Boot
	Boot           string `json:"boot,omitempty"`    // the kernel's boot id
	Device         uint64 `json:"device,omitempty"`  // image: st_dev of the file
	Inode          uint64 `json:"inode,omitempty"`   // image: st_ino of the file

	Bridge      Text     `json:"bridge"`         // what stands between the drive and the station
	HiddenAreas Text     `json:"hidden_areas"`   // what was found, and what was done about it
	Kept        []string `json:"kept,omitempty"` // parts of the drive that the method does not reach
	Health      *Health  `json:"health"`         // before the erase; null: unknown
}

// Health is what the drive said of its condition.
type Health struct {
	Word        string   `json:"word"` // good, worn, failing, unknown
	Reasons     []string `json:"reasons"`
	Celsius     *int64   `json:"celsius"`
	Hours       *int64   `json:"power_on_hours"`
	Reallocated *int64   `json:"reallocated_sectors"`
	Pending     *int64   `json:"pending_sectors"`
	Wear        *int64   `json:"wear_percent"`
	Source      Text     `json:"source"`
}

// Method is the method as it ran: the catalogue may change later, this record does not.
type Method struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Level  string `json:"level"`
	Claim  string `json:"claim"` // what standard, or whose pattern list
	Passes []Pass `json:"passes"`
	Action string `json:"action,omitempty"` // what the drive is told to do to itself, in place of passes
	Blocks bool   `json:"blocks,omitempty"` // its command returns only when it has ended
	Takes  Number `json:"takes,omitempty"`  // seconds that the drive said it would take; 0: it did not say
}

// Pass is one write pass in the order run.
type Pass struct {
	Title   string          `json:"title"`   // zeros, ones, random, 0x924924 ...
	Pattern json.RawMessage `json:"pattern"` // what makes the bytes again, in the writer's own form
}

// Operator is who asked, as proved in the handshake.
type Operator struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	From        string `json:"from,omitempty"`
}

// Range is an area of the drive in bytes.
type Range struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// Checkpoint is a claim about the drive: below Offset it holds pass Pass, and above it the pass before.
// It is written only after the drive has flushed. The newest replaces the one before, so that all in it
// belongs together.
type Checkpoint struct {
	Time        Time      `json:"time"`
	Seq         uint64    `json:"seq"`  // the newest sequence number given out so far
	Pass        int       `json:"pass"` // counted from 1; len(passes)+1: every pass is complete
	Offset      int64     `json:"offset"`
	Bad         []Range   `json:"bad,omitempty"`          // areas that this pass could not write so far
	Merged      bool      `json:"bad_merged,omitempty"`   // Bad may cover more than these
	Done        []PassRun `json:"done,omitempty"`         // the passes before it
	Cached      bool      `json:"cached,omitempty"`       // some I/O so far went through the page cache
	StartedOver bool      `json:"started_over,omitempty"` // the drive once did not hold what a checkpoint claimed
	Firmware    *Firmware `json:"firmware,omitempty"`     // of a method with an action: all that is known of it so far
}

// Firmware is what became of the order to a drive to erase itself.
type Firmware struct {
	Sent      Time     `json:"sent"`                // on record before the command was sent; zero: it was not
	Accepted  Time     `json:"accepted"`            // the drive said GOOD; zero: no such answer came
	Seen      Time     `json:"seen_in_progress"`    // first; zero: never
	Ended     Time     `json:"ended"`               // the drive said so; zero: it did not
	LastLook  Time     `json:"last_look"`           // before the program ended while the drive was at it; zero: it did not
	Unwatched bool     `json:"unwatched"`           // between LastLook and the next look the drive had ended, and nobody held it
	Untouched bool     `json:"untouched,omitempty"` // the drive itself says that nothing was written to it since that end
	Named     bool     `json:"named"`               // the drive's status named this job's command
	Blocked   bool     `json:"blocked"`             // GOOD came when the drive had ended
	Failed    bool     `json:"failed"`
	Status    string   `json:"status"`              // the drive's last answer, in the standard's words
	Marked    int      `json:"marked"`              // sectors that held nothing telling, and were written with random bytes for this reason
	PickedUp  int      `json:"picked_up,omitempty"` // so often the program ended while the drive was at it, or was verified, and the next start went on
	Dull      int      `json:"dull,omitempty"`      // equal parts of the drives in which no sector could be recognised, and none took a mark
	Telling   int      `json:"telling"`             // sectors whose content is recognised if it is still there
	Places    int      `json:"places"`              // all sectors that were read before
	Zeros     int64    `json:"zero_bytes"`          // what was read afterwards: bytes of sectors that are all zeros,
	Ones      int64    `json:"one_bytes"`           // all ones,
	Others    int64    `json:"other_bytes"`         // or anything else
	Samples   []Sample `json:"samples,omitempty"`   // not on certificates: what was read before
}

// Sample is one sector of a drive as it was before.
type Sample struct {
	Drive  int    `json:"d,omitempty"` // 0: the job's drive, n: Also[n-1]
	Offset int64  `json:"o"`
	Sum    string `json:"s,omitempty"` // the first 16 bytes of its SHA-256 in hex; empty: it held nothing telling
}

// Event is a job's state at one instant: what `watch --json` prints. Changes of state are kept for ever, progress is not.
type Event struct {
	Seq            uint64 `json:"seq"`
	Time           Time   `json:"time"`
	Job            uint64 `json:"job"`
	Drive          string `json:"drive"`
	Serial         string `json:"serial"`
	State          string `json:"state"`
	Pass           int    `json:"pass"`
	Passes         int    `json:"passes"`
	Action         string `json:"action"`
	DoneBytes      int64  `json:"done_bytes"`
	TotalBytes     int64  `json:"total_bytes"`
	BytesPerSecond *int64 `json:"bytes_per_second"`
	ETASeconds     *int64 `json:"eta_seconds"`
	Errors         int64  `json:"errors"`
	*Outcome
}

// Outcome is what the last event says besides.
type Outcome struct {
	Result       string `json:"result"`
	Level        string `json:"level"`
	Verification string `json:"verification"`
	Reason       Text   `json:"reason"`
}

// End is how a job ended, with all that its certificate is made from. It is written once.
type End struct {
	Started      Time         `json:"started"` // the instant before the first write; zero if nothing was written
	Ended        Time         `json:"ended"`
	Result       string       `json:"result"`
	Reason       string       `json:"reason,omitempty"`
	Passes       []PassRun    `json:"passes"`
	Verification Verification `json:"verification"`
	Evidence     []string     `json:"evidence"`
	Software     string       `json:"software"` // the program that ended the job, which may be newer than the one that began it
	Interrupted  int          `json:"interrupted"`
	CachesPassed bool         `json:"caches_bypassed"` // reads and writes went past the page cache
	Clock        string       `json:"clock"`           // whether the station's clock was synchronised at the end
	Firmware     *Firmware    `json:"firmware,omitempty"`
	Health       *Health      `json:"health"`     // of the drive after the job; null: unknown
	KeyOrigin    string       `json:"key_origin"` // where the station's signing key comes from, if that is worth saying
}

// PassRun is what became of one write pass.
type PassRun struct {
	Title        string  `json:"title"`
	Started      Time    `json:"started"`
	Ended        Time    `json:"ended"`
	BytesWritten int64   `json:"bytes_written"`
	BadBytes     int64   `json:"unwritable_bytes"`
	Bad          []Range `json:"unwritable"`
	Merged       bool    `json:"ranges_merged,omitempty"` // there were too many areas: the ranges also cover what lies between some of them
	Complete     bool    `json:"complete"`
}

// Verification is what reading afterwards found.
type Verification struct {
	Scope           string  `json:"scope"`  // full, sample or none
	Result          string  `json:"result"` // passed, failed, not done
	Seed            string  `json:"seed,omitempty"`
	BytesRead       int64   `json:"bytes_read"`
	Started         Time    `json:"started"`
	Ended           Time    `json:"ended"`
	MismatchBytes   int64   `json:"mismatch_bytes"`
	Mismatches      []Range `json:"mismatches"`
	UnreadableBytes int64   `json:"unreadable_bytes"`
	Unreadable      []Range `json:"unreadable"`
	Merged          bool    `json:"ranges_merged,omitempty"` // as in PassRun, of Mismatches or Unreadable

	Also []Verification `json:"also,omitempty"` // of what the method erased besides, in the order of Job.Also
}

// Total sums the bytes of the job's drive and of those that the method erased besides.
func (v Verification) Total() (sum Verification) {
	for _, one := range append([]Verification{v}, v.Also...) {
		sum.BytesRead += one.BytesRead
		sum.MismatchBytes += one.MismatchBytes
		sum.UnreadableBytes += one.UnreadableBytes
	}
	return sum
}

// Record is all that is kept of one job.
type Record struct {
	Job        Job
	Changes    []Event     // every change of state, oldest first
	Checkpoint *Checkpoint // nil before the first
	End        *End        // nil while the job can still go on
}
