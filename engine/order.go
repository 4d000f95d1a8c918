package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"wiped/engine/drive"
	"wiped/engine/journal"
	"wiped/engine/method"
	"wiped/engine/wipe"
)

// Request is what an operator asks for.
type Request struct {
	Drives   []string // words that name drives
	Method   string   // empty: the best for each drive
	Level    string   // empty, clear or purge
	Verify   string   // empty: what the method asks for; full, sample or none
	Confirm  []string // what the operator typed to confirm
	Note     string
	Operator journal.Operator
}

// Item is what would be done to one drive.
type Item struct {
	Drive   drive.Info
	Method  method.Method
	Verify  string
	Confirm string // the word that confirms the drive
	drive   drive.Drive
}

// TotalBytes is what is written and read in all.
func (i Item) TotalBytes() int64 {
	total := i.Drive.Size * int64(len(i.Method.Passes))
	for _, e := range verifyExtents(i.Verify, [32]byte{}, i.Drive.Size, i.Drive.LogicalSector) {
		total += e.Length
	}
	return total
}

// Plan finds the drives and the method of a request and holds each against the safety rules, without changing
// anything. It returns all reasons against it together, as Refusals; what is not yet confirmed is among them.
func (e *Engine) Plan(req Request) ([]Item, error) {
	all, err := e.find()
	if err != nil {
		return nil, err
	}
	items, refusals := choose(req, all)
	barred := map[string]bool{}
	for _, item := range items {
		e.mu.Lock()
		by := e.takenBy(item.Drive.ID)
		e.mu.Unlock()
		for _, o := range obstacles(item.Drive, e.cfg.Protect, by) {
			barred[item.Drive.Name] = true
			refusals = append(refusals, refuse(Unsafe, item.Drive.Name, o.why, o.next))
		}
	}
	for _, r := range unconfirmed(items, req.Confirm) {
		if r.Kind != Unconfirmed || !barred[r.What] { // nobody should type a serial for nothing
			refusals = append(refusals, r)
		}
	}
	return items, refusals.orNil()
}

// choose resolves the words of a request: drives, method, verification. A drive whose method is refused is among the items
// all the same: every other reason against it is to be heard, too.
func choose(req Request, all []drive.Drive) (items []Item, refusals Refusals) {
	seen := map[string]bool{}
	for _, word := range req.Drives {
		d, refusal := resolve(word, all)
		if refusal != nil {
			refusals = append(refusals, refusal)
			continue
		}
		if seen[d.Info().Path] {
			continue // named twice, by name and by serial say: once is enough
		}
		seen[d.Info().Path] = true
		item := Item{Drive: d.Info(), Confirm: confirmWord(d.Info(), all), drive: d}
		if item.Method, refusal = pick(req, d.Info()); refusal == nil {
			item.Verify, refusal = pickVerify(req.Verify, item.Method)
		}
		if refusal != nil && !slices.ContainsFunc(refusals, func(r *Refusal) bool { return r.Error() == refusal.Error() }) {
			refusals = append(refusals, refusal)
		}
		items = append(items, item)
	}
	return items, refusals
}

// MethodsFor lists what a drive can do, best first: the first that is not legacy is the default.
func MethodsFor(drive.Info) []method.Method { return method.All() }

func pick(req Request, i drive.Info) (method.Method, *Refusal) {
	if _, err := method.ParseLevel(req.Level); req.Level != "" && err != nil {
		return method.Method{}, refuse(Invalid, "", "there is no level "+clean(req.Level), "use --level clear or --level purge")
	}
	can := MethodsFor(i)
	if req.Method != "" {
		at := slices.IndexFunc(can, func(m method.Method) bool { return m.Name == req.Method })
		if at < 0 {
			return method.Method{}, refuse(Invalid, i.Name, "there is no method "+clean(req.Method)+" for it", "methods "+arg(i.Name))
		}
		if req.Level == method.Purge.String() && can[at].Level != method.Purge {
			return method.Method{}, cannotPurge(i, "method "+req.Method+" only clears")
		}
		return can[at], nil
	}
	for _, m := range can {
		if !m.Legacy && (req.Level == "" || req.Level == m.Level.String()) {
			return m, nil
		}
	}
	return method.Method{}, cannotPurge(i, "it can only be cleared")
}

func cannotPurge(i drive.Info, why string) *Refusal {
	return refuse(Unsafe, i.Name, why+", and nothing is ever downgraded silently", "methods "+arg(i.Name)+", then --level clear, or destroy the drive")
}

func pickVerify(word string, m method.Method) (string, *Refusal) {
	switch {
	case word == "":
		return m.DefaultVerify.String(), nil
	case word != "full" && word != "sample" && word != "none":
		return "", refuse(Invalid, "", "there is no verification "+clean(word), "use --verify full, sample or none")
	case word == "none" && m.MustVerify:
		return "", refuse(Invalid, "", "method "+m.Name+" is not that method without its verification", "use --verify full or sample")
	}
	return word, nil
}

// unconfirmed holds what was typed against what confirms each drive. A word that confirms none of them means that
// the operator has another drive in mind, and stops everything.
func unconfirmed(items []Item, typed []string) (refusals Refusals) {
	for _, item := range items {
		switch {
		case item.Drive.Problem != "": // that is refused for its own reason
		case item.Confirm == "":
			refusals = append(refusals, refuse(Unsafe, item.Drive.Name,
				"nothing names it for certain: another drive here has the same serial, and no WWN tells them apart",
				"unplug one of them, or start the server with only one of them (--drives, --image)"))
		case !slices.Contains(typed, item.Confirm):
			r := refuse(Unconfirmed, item.Drive.Name, "not confirmed: its serial is "+item.Confirm, "")
			r.Confirm = item.Confirm
			refusals = append(refusals, r)
		}
	}
	for _, word := range typed {
		if !slices.ContainsFunc(items, func(i Item) bool { return i.Confirm == word }) {
			refusals = append(refusals, refuse(Unsafe, "", "--confirm "+clean(word)+" is the serial of none of the drives named", "drives"))
		}
	}
	return refusals
}

// record turns an item into the job that is kept.
func (e *Engine) record(item Item, req Request) (*journal.Job, error) {
	patterns, err := item.Method.Resolve(e.cfg.Random)
	if err != nil {
		return nil, fmt.Errorf("prepare the passes: %w", err)
	}
	i := item.Drive
	job := &journal.Job{
		Submitted: journal.At(time.Now()), Drive: driveRecord(i), Verify: item.Verify, Confirmed: item.Confirm,
		Note: req.Note, Operator: req.Operator, Station: e.cfg.Station, Software: e.cfg.Software,
		Method: journal.Method{Name: item.Method.Name, Title: item.Method.Title, Level: item.Method.Level.String(), Claim: item.Method.Claim()},
	}
	for _, p := range patterns {
		text, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("prepare the passes: %w", err)
		}
		job.Method.Passes = append(job.Method.Passes, journal.Pass{Title: p.String(), Pattern: text})
	}
	if item.Verify == "sample" {
		var seed [32]byte
		if _, err := e.cfg.Random.Read(seed[:]); err != nil {
			return nil, fmt.Errorf("draw the sample: %w", err)
		}
		job.Seed = wipe.Hex(seed[:]).String()
	}
	return job, nil
}

func driveRecord(i drive.Info) journal.Drive {
	media := ""
	if i.Rotational != nil && i.Layer == "" {
		media = map[bool]string{true: "magnetic", false: "flash"}[*i.Rotational]
	}
	return journal.Drive{
		Name: i.Name, Path: i.Path, Serial: i.Serial, SerialSource: i.SerialSource, WWN: journal.Text(i.WWN),
		Vendor: journal.Text(i.Vendor), Model: journal.Text(i.Model), Firmware: journal.Text(i.Firmware),
		SizeBytes: i.Size, LogicalSector: i.LogicalSector, PhysicalSector: journal.Number(i.PhysicalSector),
		Transport: i.Transport, MediaType: journal.Text(media), Layer: journal.Text(i.Layer),
		DiskSeq: i.ID.DiskSeq, Boot: i.ID.Boot, Device: i.ID.Device, Inode: i.ID.Inode,
	}
}

// identity is the ID a drive had when it was confirmed, as far as it was kept.
func identity(d journal.Drive) drive.ID {
	return drive.ID{Serial: d.Serial, WWN: string(d.WWN), Size: d.SizeBytes, DiskSeq: d.DiskSeq, Boot: d.Boot, Device: d.Device, Inode: d.Inode}
}

func verifyExtents(verify string, seed [32]byte, size int64, sector int) []wipe.Range {
	switch verify {
	case "none":
		return nil
	case "sample":
		return wipe.SampleExtents(seed, size, sector)
	}
	return []wipe.Range{{Offset: 0, Length: size}}
}
