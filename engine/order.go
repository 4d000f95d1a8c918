package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"wiped/engine/drive"
	"wiped/engine/journal"
	"wiped/engine/method"
	"wiped/engine/wipe"
)

// Request is what an operator asks for.
type Request struct {
	Drives     []string // words that name drives
	Method     string   // empty: the best for each drive
	Level      string   // empty, clear or purge
	Verify     string   // empty: what the method asks for; full, sample or none
	Confirm    []string // what the operator typed to confirm
	Unhide     bool     // open hidden areas first, for good
	KeepHidden bool     // leave hidden areas as they are, not erased
	Note       string
	Operator   journal.Operator

	opened map[string]opening // by path: what was opened for this request
}

// Item is what would be done to one drive.
type Item struct {
	Drive   drive.Info
	Answers drive.Answers
	Method  method.Method
	Verify  string
	Confirm string // the word that confirms the drive
	Hidden  string // what is known of hidden areas, and what is to be done about them; empty: nothing is known
	Also    []Item // what the method erases besides: it is one job then
	drive   drive.Drive
	health  drive.Health
	unhide  bool
}

// every lists items together with what they erase besides.
func every(items []Item) (all []Item) {
	for _, i := range items {
		all = append(append(all, i), i.Also...)
	}
	return all
}

// TotalBytes is what is written and read in all. What a drive does to itself counts as one writing of it.
func (i Item) TotalBytes() (total int64) {
	for _, one := range every([]Item{i}) {
		total += one.Drive.Size * int64(steps(i.Method))
		for _, e := range verifyExtents(i.Method.Action != "", i.Verify, [32]byte{}, one.Drive.Size, one.Drive.LogicalSector) {
			total += e.Length
		}
	}
	return total
}

// steps is how often a method goes over the drive.
func steps(m method.Method) int {
	if m.Action != "" {
		return 1
	}
	return len(m.Passes)
}

// Plan finds the drives and the method of a request and holds each against the safety rules, without changing
// anything. It returns all reasons against it together, as Refusals; what is not yet confirmed is among them.
func (e *Engine) Plan(req Request) ([]Item, error) {
	if req.Unhide && req.KeepHidden {
		return nil, Refusals{refuse(Invalid, "", "--unhide and --keep-hidden ask for opposite things", "use one of them")}
	}
	all, err := e.find()
	if err != nil {
		return nil, err
	}
	items, refusals := e.choose(req, all)
	barred := map[string]bool{}
	for _, item := range items {
		e.mu.Lock()
		by := e.takenBy(item.Drive.ID)
		e.mu.Unlock()
		barred[item.Drive.Name] = item.Answers.Another != ""
		for _, o := range obstacles(item.Drive, e.cfg, by) {
			barred[item.Drive.Name] = true
			refusals = append(refusals, refuse(Unsafe, item.Drive.Name, o.why, o.next))
		}
	}
	for _, r := range unconfirmed(items, req.Confirm) {
		if r.Kind != Unconfirmed || !barred[r.What] { // nobody should type a serial for nothing
			refusals = append(refusals, r)
		}
	}
	items, apart := together(items, all)
	return items, append(refusals, apart...).orNil()
}

// choose resolves the words of a request: drives, method, verification. A drive whose method is refused is among the items
// all the same: every other reason against it is to be heard, too.
func (e *Engine) choose(req Request, all []drive.Drive) (items []Item, refusals Refusals) {
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
		items = append(items, Item{Drive: d.Info(), Confirm: confirmWord(d.Info(), all), drive: d})
	}
	e.ask(items)
	for n := range items {
		item := &items[n]
		if r := another(*item); r != nil { // whatever else it says is not of this drive
			refusals = append(refusals, r)
			continue
		}
		var refusal *Refusal
		if item.Method, refusal = pick(req, *item); refusal == nil {
			item.Verify, refusal = pickVerify(req.Verify, item.Method)
		}
		if refusal != nil && !slices.ContainsFunc(refusals, func(r *Refusal) bool { return r.Error() == refusal.Error() }) {
			refusals = append(refusals, refusal)
		}
		refusals = append(refusals, item.decideHidden(req)...)
	}
	return items, refusals
}

// ask asks all the drives at once: each takes its time. What was known only in part is known better then.
func (e *Engine) ask(items []Item) {
	var all sync.WaitGroup
	for n := range items {
		if busy := e.busy(items[n].Drive); busy != "" {
			items[n].Answers, items[n].health = drive.Answers{Problem: busy}, drive.Health{Word: "unknown", Reasons: []string{busy}}
			continue
		}
		all.Go(func() {
			items[n].Answers = items[n].drive.Ask()
			items[n].Drive = better(items[n].Drive, items[n].Answers)
			items[n].health = e.known(items[n].Drive)
		})
	}
	all.Wait()
}

// better puts in what the drive itself knows better than the kernel. Nothing of it is what the drive is confirmed by.
func better(i drive.Info, a drive.Answers) drive.Info {
	for _, word := range []struct {
		known *string
		says  string
	}{{&i.Vendor, a.Identity.Vendor}, {&i.Model, a.Identity.Model}, {&i.Firmware, a.Identity.Firmware}} {
		if word.says != "" {
			*word.known = word.says
		}
	}
	if a.Rotational != nil { // of what a bridge does not pass on, the kernel says that it turns
		i.Rotational = a.Rotational
	}
	return i
}

// MethodsFor lists what a drive that answered so can do now, best first: the first that may be chosen is the default.
func MethodsFor(a drive.Answers) (can []method.Method) {
	if a.Another != "" {
		return nil
	}
	for _, m := range method.All() {
		if m.Action == "" && a.Locked == "" || a.Can(m.Action) {
			can = append(can, m.On(a.Set, a.Rotational))
		}
	}
	slices.SortStableFunc(can, func(x, y method.Method) int { return cmp.Compare(y.Level, x.Level) })
	return can
}

// Cannot is a method that a drive has not, or has not now.
type Cannot struct {
	Method string `json:"method"`
	Why    string `json:"reason"`
	Next   string `json:"next"`
}

// CannotFor lists the methods of the drive's command set that are not to be had now, and why.
func CannotFor(a drive.Answers) (list []Cannot) {
	for _, m := range method.All() {
		if m.Action == "" && a.Locked != "" {
			list = append(list, Cannot{m.Name, a.Locked, a.Unlock})
		}
		if ability, ok := a.Ability(m.Action); m.Action != "" && ok && ability.Why != "" {
			list = append(list, Cannot{m.Name, ability.Why, ability.Next})
		}
	}
	return list
}

func pick(req Request, item Item) (method.Method, *Refusal) {
	i := item.Drive
	if _, err := method.ParseLevel(req.Level); req.Level != "" && err != nil {
		return method.Method{}, refuse(Invalid, "", "there is no level "+clean(req.Level), "use --level clear or --level purge")
	}
	can := MethodsFor(item.Answers)
	if req.Method != "" {
		at := slices.IndexFunc(can, func(m method.Method) bool { return m.Name == req.Method })
		if at < 0 {
			return method.Method{}, cannot(req.Method, item)
		}
		if req.Level == method.Purge.String() && can[at].Level != method.Purge {
			return method.Method{}, cannotPurge(i, "method "+req.Method+" only clears")
		}
		return can[at], nil
	}
	if p := item.Answers.Problem; p != "" { // the best method is not to depend on whether a drive felt like answering
		return method.Method{}, refuse(Unsafe, i.Name, "it does not say what it can do: "+p, "name a method, such as --method random; or drive "+arg(i.Name))
	}
	for _, m := range can {
		if m.ByChoice() && (req.Level == "" || req.Level == m.Level.String()) {
			return m, nil
		}
	}
	if a := item.Answers; a.Locked != "" {
		return method.Method{}, refuse(Unsafe, i.Name, a.Locked, a.Unlock)
	}
	return method.Method{}, cannotPurge(i, "it can only be cleared")
}

// cannot says why a drive has no method of a name.
func cannot(name string, item Item) *Refusal {
	i := item.Drive
	m, known := method.Find(name)
	if !known {
		return refuse(Invalid, i.Name, "there is no method "+clean(name)+" for it", "methods "+arg(i.Name))
	}
	why, next := "its kind of drive has no such command", "methods "+arg(i.Name)
	if m.Action == "" {
		why, next = item.Answers.Locked, item.Answers.Unlock
	} else if ability, ok := item.Answers.Ability(m.Action); ok {
		why = ability.Why
		if ability.Next != "" {
			next = ability.Next
		}
	} else if item.Answers.Problem != "" {
		why = item.Answers.Problem
	}
	return refuse(Unsafe, i.Name, "it cannot do "+name+": "+why, next)
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
	m := item.Method
	ability, _ := item.Answers.Ability(m.Action)
	job := &journal.Job{
		Submitted: journal.At(e.cfg.Now()), Drive: driveRecord(item), Verify: item.Verify, Confirmed: item.Confirm,
		Note: req.Note, Operator: req.Operator, Station: e.cfg.Station, Software: e.cfg.Software,
		Method: journal.Method{Name: m.Name, Title: m.Title, Level: m.Level.String(), Claim: m.Claim(),
			Action: string(m.Action), Blocks: ability.Blocks, Takes: journal.Number(ability.Takes / time.Second)},
	}
	for _, also := range item.Also {
		job.Also = append(job.Also, driveRecord(also))
		job.Confirmed += ", " + also.Confirm
	}
	if err := e.drawPasses(m, job); err != nil {
		return nil, fmt.Errorf("prepare the passes: %w", err)
	}
	if item.Verify == "sample" || m.Action != "" { // what the drive holds before is sampled in any case
		var seed [32]byte
		if _, err := e.cfg.Random.Read(seed[:]); err != nil {
			return nil, fmt.Errorf("draw the sample: %w", err)
		}
		job.Seed = wipe.Hex(seed[:]).String()
	}
	return job, nil
}

func (e *Engine) drawPasses(m method.Method, job *journal.Job) error {
	if m.Action != "" {
		return nil
	}
	patterns, err := m.Resolve(e.cfg.Random)
	if err != nil {
		return err
	}
	for _, p := range patterns {
		text, err := json.Marshal(p)
		if err != nil {
			return err
		}
		job.Method.Passes = append(job.Method.Passes, journal.Pass{Title: p.String(), Pattern: text})
	}
	return nil
}

func driveRecord(item Item) journal.Drive {
	i, media := item.Drive, ""
	if i.Rotational != nil && i.Layer == "" {
		media = map[bool]string{true: "magnetic", false: "flash"}[*i.Rotational]
	}
	return journal.Drive{
		Name: i.Name, Path: i.Path, Serial: i.Serial, SerialSource: i.SerialSource, WWN: journal.Text(i.WWN),
		OwnSerial: journal.Text(item.Answers.Identity.Serial), OwnWWN: journal.Text(item.Answers.Identity.WWN),
		Vendor: journal.Text(i.Vendor), Model: journal.Text(i.Model), Firmware: journal.Text(i.Firmware),
		SizeBytes: i.Size, LogicalSector: i.LogicalSector, PhysicalSector: journal.Number(i.PhysicalSector),
		Transport: i.Transport, MediaType: journal.Text(media), Layer: journal.Text(i.Layer),
		DiskSeq: i.ID.DiskSeq, Boot: i.ID.Boot, Device: i.ID.Device, Inode: i.ID.Inode,
		Bridge: journal.Text(item.Answers.Bridge), HiddenAreas: journal.Text(item.Hidden), Kept: item.Answers.Kept,
		Health: healthRecord(item.health),
	}
}

// identity is the ID a drive had when it was confirmed, as far as it was kept.
func identity(d journal.Drive) drive.ID {
	return drive.ID{Serial: d.Serial, WWN: string(d.WWN), Size: d.SizeBytes, DiskSeq: d.DiskSeq, Boot: d.Boot, Device: d.Device, Inode: d.Inode}
}

// verifyExtents are the areas that verification reads. A small drive that erased itself is read whole: every sector of it
// was a sample.
func verifyExtents(itself bool, verify string, seed [32]byte, size int64, sector int) []wipe.Range {
	switch {
	case verify == "none":
		return nil
	case verify == "sample" && !(itself && size/int64(sector) <= small):
		return wipe.SampleExtents(seed, size, sector)
	}
	return []wipe.Range{{Offset: 0, Length: size}}
}
