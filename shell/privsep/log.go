package privsep

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const (
	maxLogged = 16 << 10 // bytes of a line that are logged
	maxTrace  = 30       // lines that are no records, such as a panic's trace, for each child
)

// relayLog logs what a child writes to its standard error: records of slog's JSON handler, and what Go prints when the
// process ends in a panic. The texts are a stranger's: log quotes them.
func relayLog(r io.Reader, log func(slog.Level, string, ...slog.Attr)) {
	lines := bufio.NewReaderSize(r, maxLogged)
	for traced := 0; ; {
		line, err := readLine(lines)
		if err != nil {
			return
		}
		if len(line) == 0 {
			continue
		}
		if level, text, attrs, err := record(line); err == nil {
			log(level, text, attrs...)
		} else if traced++; traced <= maxTrace {
			log(slog.LevelError, "the SSH process said", slog.String("text", string(line)))
		}
	}
}

// readLine reads a line; of one that is too long, its start.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	line = bytes.TrimRight(bytes.Clone(line), "\n")
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	if err != nil && len(line) > 0 {
		return line, nil // the end comes again
	}
	return line, err
}

// record reads one record of slog's JSON handler, its attributes in their order.
func record(line []byte) (level slog.Level, text string, attrs []slog.Attr, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return 0, "", nil, fmt.Errorf("no record: %w", err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return 0, "", nil, err
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return 0, "", nil, err
		}
		switch key {
		case slog.TimeKey: // the reader's clock is the log's
		case slog.LevelKey:
			if err := level.UnmarshalText([]byte(fmt.Sprint(value))); err != nil {
				return 0, "", nil, err
			}
		case slog.MessageKey:
			text = fmt.Sprint(value)
		default:
			attrs = append(attrs, slog.String(fmt.Sprint(key), fmt.Sprint(value)))
		}
	}
	return level, text, attrs, nil
}
