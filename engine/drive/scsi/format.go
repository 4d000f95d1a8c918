package scsi

import (
	"errors"
	"fmt"

	"wiped/engine/drive"
)

const writeProtected, liftProtection = "it is write protected", "lift the write protection: a switch, or the settings of the drive or its enclosure"

// formatUnit is the FORMAT UNIT command (SBC-4 section 5.4) that returns at once. It keeps the list of bad sectors that grew,
// and the protection information that the drive is formatted with.
func formatUnit(c capacity) (cdb, out []byte) {
	const data, long, immediately = 0x10, 0x20, 0x02
	usage := map[int]struct{ cdb, list byte }{1: {2 << 6, 0}, 2: {3 << 6, 0}, 3: {3 << 6, 1}}[c.protection] // table 44
	cdb = []byte{0x04, usage.cdb | data, 0, 0, 0, 0}
	out = []byte{usage.list, immediately, 0, 0}
	if c.exponent != 0 {
		cdb[1] |= long
		out = []byte{usage.list, immediately, 0, c.exponent, 0, 0, 0, 0}
	}
	return cdb, out
}

// formatted is how the drive is formatted now. One that refuses to say, as a drive can whose format is not complete, is
// formatted anew without protection information. Nothing is guessed of one that answers something else.
func (f *firmware) formatted() (capacity, error) {
	i, err := f.inquiry()
	if err != nil {
		return capacity{}, &drive.RefusedError{Why: "it does not answer INQUIRY", Text: drive.Clean(err.Error())}
	}
	c, err := f.capacity(i)
	var said refusal
	switch {
	case err != nil && !errors.As(err, &said) && !errors.Is(err, errSize):
		return c, &drive.RefusedError{Why: "it did not answer how it is formatted", Text: drive.Clean(err.Error())}
	case i.protect && !c.long && !errors.As(err, &said):
		return c, &drive.RefusedError{Why: "it does not say whether it keeps protection information (READ CAPACITY (16))"}
	case c.protection > 3:
		return c, &drive.RefusedError{Why: "it keeps protection information of an unknown type"}
	}
	return c, nil
}

// eraseByFormat formats the drive as it is formatted now. One that notes another sector for its next format would come back
// with another size, which is for Format to do.
func (f *firmware) eraseByFormat() error {
	c, err := f.formatted()
	if err != nil {
		return err
	}
	if m, err := f.modes(); err == nil && c.sector != 0 && m.sector != 0 && m.sector != c.sector {
		return &drive.RefusedError{Why: fmt.Sprintf("its next format is to change its sectors from %d to %d bytes", c.sector, m.sector),
			Next: "format it to the sectors it is to have, then erase it"}
	}
	cdb, out := formatUnit(c)
	return f.send("FORMAT UNIT", cdb, out)
}

// Format changes what the drive notes for its next format, and begins it. A drive that then refuses is given back its old
// note: with another one it would pass for one whose format is not complete.
func (f *firmware) Format(sector int) error {
	if sector < 1 || sector > largestSector {
		return &drive.RefusedError{Why: fmt.Sprintf("there are no sectors of %d bytes", sector)}
	}
	if err := f.settle(); err != nil {
		return err
	}
	c, err := f.formatted()
	if err != nil {
		return err
	}
	if c.sector != sector {
		c.exponent = 0 // one that fits the old sector need not fit the new one
	}
	m, err := f.modes()
	switch {
	case err != nil:
		return &drive.RefusedError{Why: "it does not say what it would format its sectors to (MODE SENSE)", Text: drive.Clean(err.Error())}
	case m.protected:
		return &drive.RefusedError{Why: writeProtected, Next: liftProtection}
	case m.sector == 0:
		return &drive.RefusedError{Why: "it does not say what it would format its sectors to (MODE SENSE)"}
	}
	if m.sector != sector {
		cdb, out := modeSelect(sector)
		if err := f.send("MODE SELECT", cdb, out); err != nil {
			return err
		}
	}
	cdb, out := formatUnit(c)
	err = f.send("FORMAT UNIT", cdb, out)
	var refused *drive.RefusedError
	if m.sector != sector && errors.As(err, &refused) {
		cdb, out := modeSelect(m.sector)
		if undone := f.send("MODE SELECT", cdb, out); undone != nil {
			refused.Next = fmt.Sprintf("it notes sectors of %d bytes for its next format now, and could not be told to forget that (%v)", sector, undone)
		}
	}
	return err
}

// incomplete tells whether a drive that is ready is not formatted, or not as it was to be; said is by what. A drive that lost
// power meanwhile can be ready all the same, and says so only when it is read (SBC-4 section 4.33.3.1).
func (u unit) incomplete() (said string, bad bool) {
	i, err := u.inquiry()
	if err != nil {
		return "", false
	}
	c, err := u.capacity(i)
	if err == nil {
		_, err = u.ask(c.sector, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0) // READ (10) of the first sector
	}
	var answer refusal
	if errors.As(err, &answer) && (classify(answer.Sense) == corrupt || classify(answer.Sense) == formatFailed) {
		return answer.String(), true
	}
	if m, err := u.modes(); err == nil && m.sector != 0 && c.sector != 0 && m.sector != c.sector {
		return fmt.Sprintf("ready, formatted to sectors of %d bytes, and to be formatted to %d", c.sector, m.sector), true
	}
	return "", false
}
