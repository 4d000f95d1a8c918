package nvme

import "fmt"

// vendors are the makers behind PCI vendor numbers. That of a drive with a bought controller is often the controller's.
var vendors = map[uint16]string{
	0x025e: "Solidigm",
	0x10ec: "Realtek",
	0x1179: "Toshiba",
	0x126f: "Silicon Motion",
	0x1344: "Micron",
	0x1414: "Microsoft",
	0x144d: "Samsung",
	0x15b7: "SanDisk",
	0x1987: "Phison",
	0x1ae0: "Google",
	0x1b36: "Red Hat",
	0x1b96: "Western Digital",
	0x1bb1: "Seagate",
	0x1c58: "HGST",
	0x1c5c: "SK hynix",
	0x1cc1: "ADATA",
	0x1d0f: "Amazon",
	0x1d79: "Transcend",
	0x1d97: "Longsys",
	0x1e0f: "KIOXIA",
	0x1e49: "YMTC",
	0x1e4b: "MAXIO",
	0x1e95: "SSSTC",
	0x2646: "Kingston",
	0x8086: "Intel",
	0xc0a9: "Crucial",
}

// vendorName is empty for a controller that is not on PCI.
func vendorName(pci uint16) string {
	switch name, ok := vendors[pci]; {
	case ok:
		return name
	case pci == 0 || pci == 0xffff:
		return ""
	}
	return fmt.Sprintf("PCI vendor %04xh", pci)
}
