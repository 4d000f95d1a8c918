package nvme

import (
	"errors"
	"fmt"
)

// Data structures of Identify (NVMe 1.4 section 5.15), and features.
const (
	cnsNamespace  = 0x00
	cnsController = 0x01
	cnsActive     = 0x02
	cnsAllocated  = 0x10

	featureErrorRecovery = 0x05
	dulbe                = 1 << 16 // of Error Recovery: reading a deallocated block is an error
	everyNamespace       = 0xffffffff
)

// asker asks a controller. One that once did not answer is not asked again: each further question could last as long.
type asker struct {
	admin
	lost error
}

func (q *asker) ask(c command) (uint32, error) {
	if q.lost != nil {
		return 0, q.lost
	}
	c.timeout = questionTime
	result, err := q.Do(c)
	if s := status(0); err != nil && !errors.As(err, &s) {
		q.lost = fmt.Errorf("it does not answer any more: %w", err)
	}
	return result, err
}

func (q *asker) identify(nsid uint32, cns byte) ([]byte, error) {
	b := make([]byte, pageBytes)
	_, err := q.ask(command{opcode: opIdentify, nsid: nsid, cdw10: uint32(cns), data: b})
	return b, err
}

func (q *asker) controller() (controller, error) {
	b, err := q.identify(0, cnsController)
	if err != nil {
		return controller{}, fmt.Errorf("identify controller: %w", err)
	}
	c, err := parseController(b)
	if err != nil {
		return c, fmt.Errorf("identify controller: %w", err)
	}
	return c, nil
}

func (q *asker) namespace(nsid uint32) (namespace, error) {
	b, err := q.identify(nsid, cnsNamespace)
	if err != nil {
		return namespace{}, fmt.Errorf("identify namespace %d: %w", nsid, err)
	}
	ns, err := parseNamespace(b)
	if err != nil {
		return ns, fmt.Errorf("identify namespace %d: %w", nsid, err)
	}
	return ns, nil
}

// log reads a log page of the controller. From NVMe 1.3 on the page is asked not to count as read (RAE, bit 15): the kernel
// may be waiting for the event that reading it would clear.
func (q *asker) log(page byte, version uint32) ([]byte, error) {
	const retain, dwords = 1 << 15, logBytes/4 - 1
	c := command{opcode: opGetLogPage, nsid: everyNamespace, cdw10: uint32(page) | dwords<<16, data: make([]byte, logBytes)}
	if version >= 1<<16|3<<8 {
		c.cdw10 |= retain
	}
	_, err := q.ask(c)
	if err != nil {
		return nil, fmt.Errorf("read log page %02xh: %w", page, err)
	}
	return c.data, nil
}

func (q *asker) sanitizeLog(version uint32) (sanitizeLog, error) {
	b, err := q.log(logSanitize, version)
	if err != nil {
		return sanitizeLog{}, err
	}
	l, err := parseSanitize(b)
	if err != nil {
		return l, fmt.Errorf("read log page %02xh: %w", logSanitize, err)
	}
	return l, nil
}

func (q *asker) healthLog(version uint32) (healthLog, error) {
	b, err := q.log(logHealth, version)
	if err != nil {
		return healthLog{}, err
	}
	return parseHealth(b)
}

// hidesDeallocated tells whether reading a deallocated block of the namespace is an error now; no answer is no, the default.
func (q *asker) hidesDeallocated(nsid uint32) bool {
	result, err := q.ask(command{opcode: opGetFeatures, nsid: nsid, cdw10: featureErrorRecovery})
	return err == nil && result&dulbe != 0
}
