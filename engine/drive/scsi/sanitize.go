package scsi

// sanitize is the SANITIZE command (SBC-4 section 5.30) that returns at once. AUSE and ZNR stay 0: after a failure only
// a sanitize that succeeds gives the drive back, and the zones of a zoned drive are reset.
func sanitize(service byte) (cdb, out []byte) {
	const immediately = 0x80
	cdb = []byte{0x48, immediately | service, 0, 0, 0, 0, 0, 0, 0, 0}
	if service == overwrite {
		// One pass of four zero bytes; ATA drives behind a translation take only a pattern of four.
		out = []byte{1, 0, 0, 4, 0, 0, 0, 0}
		cdb[8] = byte(len(out))
	}
	return cdb, out
}

const overwrite = 0x01 // service action
