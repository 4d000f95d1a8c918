package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Orders is every order that the control takes for a drive.
func Orders() []string { return slices.Sorted(maps.Keys(orders)) }

// answered reads what the control answers.
func answered(r *bufio.Reader, withData bool) (string, []byte, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", nil, fmt.Errorf("control: no answer: %w", err)
	}
	word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	switch {
	case word == "error":
		return "", nil, errors.New(rest)
	case word != "ok":
		return "", nil, fmt.Errorf("control: answered %q", line)
	case !withData:
		return rest, nil, nil
	}
	length, err := strconv.ParseInt(rest, 10, 64)
	if err != nil || length < 0 || length > 1<<40 {
		return "", nil, fmt.Errorf("control: answered %q", line)
	}
	data, err := io.ReadAll(io.LimitReader(r, length))
	if err == nil && int64(len(data)) < length {
		err = io.ErrUnexpectedEOF
	}
	return rest, data, err
}
