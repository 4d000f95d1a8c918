package nvme

import (
	"fmt"

	"wiped/engine/drive"
)

// formats are the erases of Format NVM, as the standard numbers them (SES, NVMe 1.4 section 5.23).
var formats = map[drive.Action]uint32{
	drive.FormatUserData: 1,
	drive.FormatCrypto:   2,
}

// formatCommand is the Format NVM of an action, which leaves the namespace the format that it has: block size, metadata and
// how it is transferred, protection information and where it stands. The error is for data that name no such format.
func (ns namespace) formatCommand(a drive.Action, nsid uint32) (command, error) {
	if _, err := ns.bytes(); err != nil {
		return command{}, err
	}
	if pi := ns.dps & 0b111; pi > 3 {
		return command{}, fmt.Errorf("its protection information is of type %d", pi)
	}
	lbaf := uint32(ns.inUse())
	cdw10 := lbaf & 0x0f
	cdw10 |= (uint32(ns.flbas) >> 4 & 1) << 4 // MSET
	cdw10 |= (uint32(ns.dps) & 0b111) << 5    // PI
	cdw10 |= (uint32(ns.dps) >> 3 & 1) << 8   // PIL
	cdw10 |= formats[a] << 9                  // SES
	cdw10 |= lbaf >> 4 << 12                  // LBAFU
	return command{opcode: opFormatNVM, nsid: nsid, cdw10: cdw10, timeout: formatTime}, nil
}
