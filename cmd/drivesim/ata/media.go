package ata

// access moves sectors. at is the address of the one that went wrong, where one did.
func (d *drive) access(lba, n uint64, out []byte, write bool) (data []byte, wrong byte, at uint64) {
	size := uint64(d.spec.Sector)
	switch {
	case lba > d.hidden.current || n > d.hidden.current-lba:
		return nil, idNotFound, lba
	case n > maxSectors || write && uint64(len(out)) < n*size:
		return nil, aborted, lba
	}
	for _, bad := range d.spec.Bad {
		if bad >= lba && bad-lba < n {
			n, wrong, at = bad-lba, uncorrectable, bad
		}
	}
	if write {
		if _, err := d.medium.WriteAt(out[:n*size], int64(lba*size)); err != nil {
			return nil, uncorrectable, lba
		}
		return nil, wrong, at
	}
	data = make([]byte, n*size)
	if _, err := d.medium.ReadAt(data, int64(lba*size)); err != nil {
		return nil, uncorrectable, lba
	}
	return data, wrong, at
}

const maxSectors = 65536

func (d *drive) read(t Taskfile, _ []byte) Result {
	data, wrong, at := d.access(t.LBA, t.sectors(), nil, false)
	return Result{Error: wrong, LBA: at, Data: data}
}

func (d *drive) write(t Taskfile, out []byte) Result {
	_, wrong, at := d.access(t.LBA, t.sectors(), out, true)
	return Result{Error: wrong, LBA: at}
}

func (d *drive) readVerify(t Taskfile, _ []byte) Result {
	r := d.read(t, nil)
	r.Data = nil
	return r
}
