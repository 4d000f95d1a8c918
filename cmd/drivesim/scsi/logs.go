package scsi

import (
	"encoding/binary"
	"maps"
	"slices"

	"wiped/cmd/drivesim/target"
)

// parameter is one entry of a log page: SPC-5.
func parameter(code uint16, value ...byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, code), append([]byte{0x03, byte(len(value))}, value...)...)
}

// counters are an error counter page without any errors: SPC-5.
func counters() (page []byte) {
	for code := range uint16(7) {
		page = append(page, parameter(code, make([]byte, 8)...)...)
	}
	return page
}

// selfTests are the results of twenty self-tests that never were: SPC-5.
func selfTests() (page []byte) {
	for code := range uint16(20) {
		page = append(page, parameter(code+1, make([]byte, 16)...)...)
	}
	return page
}

// logPages are those that tell of the drive's health.
func (d *Disk) logPages() map[byte][]byte {
	exception := byte(0)
	if d.spec.Failing {
		exception = 0x5d // FAILURE PREDICTION THRESHOLD EXCEEDED
	}
	heat := byte(d.spec.Celsius)
	scan := binary.BigEndian.AppendUint32(nil, uint32(d.spec.Hours*60)) // minutes
	return map[byte][]byte{
		0x02: counters(), 0x03: counters(), 0x05: counters(), // of writing, reading, verifying
		0x06: parameter(0, make([]byte, 8)...), // errors that are not of the medium
		0x10: selfTests(),
		0x0d: append(parameter(0, 0, heat), parameter(1, 0, 60)...),
		0x15: parameter(0, append(scan, make([]byte, 8)...)...),
		0x2f: parameter(0, exception, 0, heat, 0),
	}
}

// logSense is LOG SENSE: SPC-5.
func (d *Disk) logSense(c target.Command) target.Outcome {
	pages := d.logPages()
	code := c.CDB[2] & 0x3f
	body, ok := pages[code]
	if code == 0 {
		body, ok = append([]byte{0}, slices.Sorted(maps.Keys(pages))...), true
	}
	if !ok || c.CDB[3] != 0 {
		return d.check(target.InvalidField)
	}
	data := append(binary.BigEndian.AppendUint16([]byte{code, 0}, uint16(len(body))), body...)
	return target.OK(data[:min(len(data), int(binary.BigEndian.Uint16(c.CDB[7:])))])
}

// defects is READ DEFECT DATA(10): SBC-4. Only how many there are can be learnt.
func (d *Disk) defects(c target.Command) target.Outcome {
	const grown, short = 0x08, 0
	bytesEach := 8
	if c.CDB[2]&0x07 == short {
		bytesEach = 4
	}
	data := []byte{0, c.CDB[2] & 0x1f, 0, 0}
	if c.CDB[2]&grown != 0 {
		data = append(data, make([]byte, min(d.spec.Reallocated, 1000)*bytesEach)...)
	}
	binary.BigEndian.PutUint16(data[2:], uint16(len(data)-4))
	return target.OK(data[:min(len(data), int(binary.BigEndian.Uint16(c.CDB[7:])))])
}
