package scenario

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// split splits at blanks. Double and single quotes keep blanks together and may begin in the middle of a word.
func split(line string) (words []string, err error) {
	var word strings.Builder
	begun, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '"' || c == '\'':
			quote, begun = c, true
		case c == ' ' || c == '\t':
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}

// text is bytes as they are, or after "hex:" any bytes at all.
func text(v string) ([]byte, error) {
	if digits, ok := strings.CutPrefix(v, "hex:"); ok {
		return hex.DecodeString(digits)
	}
	return []byte(v), nil
}

// size is bytes, with K, M, G and so on for powers of 1024.
func size(v string) (int64, error) {
	unit := int64(1)
	if v != "" {
		if at := strings.IndexByte("KMGTPE", v[len(v)-1]); at >= 0 {
			v, unit = v[:len(v)-1], 1<<(10*(at+1))
		}
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is no size", v)
	}
	return n * unit, nil
}

// percent is 1 to 100, with or without the sign.
func percent(v string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSuffix(v, "%"))
	if err != nil || n < 1 || n > 100 {
		return 0, fmt.Errorf("%q is no percentage from 1 to 100", v)
	}
	return n, nil
}

// oneOf checks the words of a list against those that there are.
func oneOf(v string, known ...string) ([]string, error) {
	list := strings.Split(v, ",")
	for _, word := range list {
		found := false
		for _, k := range known {
			found = found || k == word
		}
		if !found {
			return nil, fmt.Errorf("%q is none of %s", word, strings.Join(known, ", "))
		}
	}
	return list, nil
}
