package nvme

import (
	"fmt"
	"math"
	"strings"

	"wiped/engine/drive"
)

// bitNames name the bits of a field, from bit 0 on.
type bitNames []string

// decode names the bits that are set.
func (names bitNames) decode(field uint32) string {
	var set []string
	for bit, name := range names {
		if field>>bit&1 != 0 {
			set = append(set, name)
		}
	}
	if len(set) == 0 {
		return fmt.Sprintf("%#x", field)
	}
	return fmt.Sprintf("%#x: %s", field, strings.Join(set, ", "))
}

var (
	oacsNames = bitNames{"Security Send and Receive", "Format NVM", "firmware download", "namespace management", "self-test", "Directives", "NVMe-MI",
		"virtualization management", "doorbell buffer", "Get LBA Status", "command lockdown"}
	fnaNames     = bitNames{"Format reaches all namespaces", "its erase reaches all namespaces", "cryptographic erase", "not for all namespaces at once"}
	sanicapNames = bitNames{"crypto erase", "block erase", "overwrite"}
	warningNames = bitNames{"spare blocks are low", "too hot or too cold", "reliability degraded", "read only", "backup of volatile memory failed",
		"persistent memory region unreliable"}
)

// facts are what is worth showing and known. Each names the bytes that it was read from.
func (v *view) facts() []drive.Fact {
	var list factList
	if v.problem != "" && v.c == (controller{}) {
		return nil
	}
	v.ofController(&list)
	if v.nsErr == nil {
		v.ofNamespace(&list)
	}
	if v.logAsked && v.logErr == nil {
		list.add(true, "last sanitize", v.lastSanitize(), "log page 81h bytes 2 to 7")
	}
	if v.healthErr == nil {
		v.ofHealth(&list)
	}
	return list
}

type factList []drive.Fact

func (l *factList) add(known bool, name, value, source string) {
	if known {
		*l = append(*l, drive.Fact{Name: name, Value: value, Source: source})
	}
}

func (v *view) ofController(l *factList) {
	c, from := v.c, "Identify Controller byte "
	l.add(c.vendor != 0, "PCI vendor", fmt.Sprintf("%04xh", c.vendor), from+"0")
	l.add(c.version != 0, "NVMe version", fmt.Sprintf("%d.%d.%d", c.version>>16, c.version>>8&0xff, c.version&0xff), from+"80")
	l.add(true, "controllers", map[bool]string{true: "the drive may have several", false: "one"}[c.severalControllers()], from+"76")
	l.add(true, "admin commands (OACS)", oacsNames.decode(uint32(c.oacs)), from+"256")
	l.add(c.unallocated != 0, "capacity in no namespace", amount(c.unallocated, "bytes"), from+"296")
	l.add(c.rpmbs&0b111 != 0, "RPMB units", fmt.Sprint(c.rpmbs&0b111), from+"312")
	l.add(true, "sanitize (SANICAP)", c.sanicap.String(), from+"328")
	l.add(true, "highest namespace (NN)", fmt.Sprint(c.nn), from+"516")
	l.add(true, "Format NVM (FNA)", fnaNames.decode(uint32(c.fna)), from+"524")
}

func (s sanicap) String() string {
	text := sanicapNames.decode(uint32(s))
	if s.inhibited() {
		text += ", always deallocates"
	}
	switch s >> 30 {
	case 0b01:
		text += ", writes nothing more afterwards"
	case 0b10:
		text += ", writes the media once more if it is not to deallocate"
	}
	return text
}

func (v *view) ofNamespace(l *factList) {
	ns, from := v.ns, fmt.Sprintf("Identify Namespace %d byte ", v.nsid)
	size, err := ns.bytes()
	l.add(true, "namespace", fmt.Sprint(v.nsid), "NVME_IOCTL_ID")
	l.add(err == nil, "size of the namespace", amount(uint64(size), "bytes"), from+"0")
	l.add(ns.capacity != ns.blocks, "capacity", amount(ns.capacity, "blocks"), from+"8")
	l.add(true, "allocated", amount(ns.used, "blocks"), from+"16")
	l.add(err == nil, "LBA format", ns.formatText(), from+"26")
	l.add(ns.dps&0b111 != 0, "protection information", fmt.Sprintf("type %d", ns.dps&0b111), from+"29")
	l.add(ns.shared(), "shared", "several controllers may have it", from+"30")
	l.add(ns.dlfeat&0b111 == 1, "deallocated blocks read as", "zeros", from+"33")
	l.add(ns.dlfeat&0b111 == 2, "deallocated blocks read as", "FFh", from+"33")
	l.add(v.unreadable, "deallocated blocks", "cannot be read (DULBE)", "feature 05h bit 16")
	l.add(ns.writeProtected(), "write protected", "yes", from+"99")
	l.add(check(ns.nguid[:], 16) == nil, "NGUID", fmt.Sprintf("%x", ns.nguid), from+"104")
	l.add(check(ns.eui64[:], 8) == nil, "EUI-64", fmt.Sprintf("%x", ns.eui64), from+"120")
	l.add(v.reachErr != nil, "shares its drive with", "not known: "+reason(v.reachErr), "Identify CNS 02h and 10h, sysfs")
	for n, r := range v.reaches {
		where := r.Name
		if where == "" {
			where = "this machine has no block device for it"
		}
		l.add(n < 16, "shares its drive with", r.What+" ("+where+")", "Identify CNS 02h and 10h, sysfs")
	}
}

// formatText is for a format that can be.
func (ns namespace) formatText() string {
	n := ns.inUse()
	if n >= len(ns.format) {
		return ""
	}
	text := fmt.Sprintf("number %d, blocks of %d bytes", n, uint64(1)<<min(ns.format[n].shift, 63))
	if ns.format[n].metadata != 0 {
		text += fmt.Sprintf(" and %d of metadata", ns.format[n].metadata)
	}
	return text
}

func (v *view) lastSanitize() string {
	text := fmt.Sprintf("%s (SSTAT 0x%04x, SCDW10 0x%08x)", v.log.name(), v.log.status, v.log.command)
	if v.log.nothingSince() {
		text += ", nothing written since"
	}
	return text
}

func (v *view) ofHealth(l *factList) {
	h, from := v.health, "log page 02h byte "
	l.add(h.warning != 0, "warning", warningNames.decode(uint32(h.warning)), from+"0")
	l.add(h.kelvin != 0, "temperature", fmt.Sprintf("%d °C", int(h.kelvin)-273), from+"1")
	l.add(h.spare|h.least != 0, "spare blocks left", fmt.Sprintf("%d %% (warns at %d %%)", h.spare, h.least), from+"3")
	l.add(true, "rated writes used", fmt.Sprintf("%d %%", h.used), from+"5")
	l.add(true, "powered on", amount(h.hours, "hours"), from+"128")
	l.add(true, "unsafe shutdowns", amount(h.unsafe, "times"), from+"144")
	l.add(true, "media errors", amount(h.errors, "times"), from+"160")
}

// amount words a number; the largest one stands for every larger one too.
func amount(n uint64, unit string) string {
	if n == math.MaxUint64 {
		return "more " + unit + " than can be"
	}
	return fmt.Sprintf("%d %s", n, unit)
}
